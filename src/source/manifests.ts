import type { FileEntry, Oid } from '../git/types.ts'
import { Problem } from '../lib/problem.ts'
import { isManifestFile, type Manifests, manifestsInText } from './manifest.ts'
import { type Rendered, renderedFolders } from './rendered.ts'

export type { Manifest, Manifests } from './manifest.ts'

/** What files held when they were last read, by path and blob. One cache serves one branch. */
export type ManifestCache = Map<string, Manifests>

/** An empty cache. */
export function createManifestCache(): ManifestCache {
  return new Map()
}

/**
 * The Kubernetes objects of the files below the configured paths, in path order. A file is read and parsed only when its
 * blob is not in the cache, which afterwards holds exactly these files. Folders of Kustomize and Helm are left out,
 * with a Problem each, because their files mean something only when they are rendered.
 *
 * @param textOf a blob's text; null when it is no UTF-8 or too large.
 */
export async function readManifests(
  files: readonly FileEntry[],
  textOf: (blob: Oid) => Promise<string | null>,
  cache: ManifestCache,
): Promise<Manifests> {
  const rendered = renderedFolders(files.map(({ path }) => path))
  const known = new Map(cache)
  cache.clear()
  for (const { path, oid } of files) {
    if (!isManifestFile(path) || rendered.covers(path)) continue
    const key = `${oid} ${path}`
    cache.set(key, known.get(key) ?? manifestsIn(await textOf(oid), path))
  }
  return together(rendered, [...cache.values()])
}

/** As `readManifests`, of texts at hand. */
export function readManifestTexts(files: readonly { readonly path: string; readonly text: string }[]): Manifests {
  const rendered = renderedFolders(files.map(({ path }) => path))
  const read = files
    .filter(({ path }) => isManifestFile(path) && !rendered.covers(path))
    .map(({ path, text }) => manifestsInText(text, path))
  return together(rendered, read)
}

function together(rendered: Rendered, read: readonly Manifests[]): Manifests {
  return {
    manifests: read.flatMap(({ manifests }) => manifests),
    problems: [...rendered.problems, ...read.flatMap(({ problems }) => problems)],
    unreadable: read.flatMap(({ unreadable }) => unreadable),
  }
}

/** JSON files that can't be read are lock files and data; a YAML file that can't be read may be a manifest. */
function manifestsIn(text: string | null, path: string): Manifests {
  if (text !== null) return manifestsInText(text, path)
  if (path.endsWith('.json')) return { manifests: [], problems: [], unreadable: [] }
  const message = 'is no UTF-8 text or is larger than 1 MiB'
  return {
    manifests: [],
    problems: [new Problem({ kind: 'stalled', code: 'SOURCE_FILE_UNREADABLE', message, place: path })],
    unreadable: [path],
  }
}
