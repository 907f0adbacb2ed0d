import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '../lib/problem.ts'
import { isManifestFile } from '../source/manifest.ts'

/** A file as the commands read it: its path as given or found, and its text. */
export interface TextFile {
  readonly path: string
  readonly text: string
}

export interface ReadFiles {
  readonly files: readonly TextFile[]
  /** Files that were meant and could not be read, as the reconciler would find them. */
  readonly problems: readonly Problem[]
}

const SKIPPED = new Set(['.git', 'node_modules'])

/** All YAML and JSON files below the paths, in path order. Rejects with a Problem for a path that is not there. */
export async function readFiles(paths: readonly string[]): Promise<ReadFiles> {
  const found = (await Promise.all(paths.map((path) => filesBelow(path)))).flat().toSorted()
  const read = await Promise.all(found.map(readOne))
  return {
    files: read.flatMap((file) => (file instanceof Problem ? [] : [file])),
    problems: read.flatMap((file) => (file instanceof Problem ? [file] : [])),
  }
}

async function filesBelow(path: string): Promise<string[]> {
  const info = await stat(path).catch((error: unknown) => {
    throw new Problem({
      kind: 'stalled',
      code: 'FILE_MISSING',
      place: path,
      message: 'no such file or folder',
      cause: error,
    })
  })
  if (!info.isDirectory()) return [path]
  const entries = await readdir(path, { withFileTypes: true })
  const below = await Promise.all(
    entries
      .filter((entry) => !SKIPPED.has(entry.name))
      .filter((entry) => entry.isDirectory() || (entry.isFile() && isManifestFile(entry.name)))
      .map((entry) => filesBelow(join(path, entry.name))),
  )
  return below.flat()
}

async function readOne(path: string): Promise<TextFile | Problem> {
  const unreadable = (message: string): Problem =>
    new Problem({ kind: 'stalled', code: 'SOURCE_FILE_UNREADABLE', place: path, message })
  if (!isManifestFile(path)) return unreadable('is no manifest: only *.yaml, *.yml and *.json files are read')
  const bytes = await readFile(path).catch((error: unknown) =>
    unreadable(`can not be read (${error instanceof Error && 'code' in error ? String(error.code) : 'failed'})`),
  )
  if (bytes instanceof Problem) return bytes
  try {
    return { path, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch {
    // JSON that is no UTF-8 is somebody's data.
    return path.endsWith('.json') ? { path, text: '' } : unreadable('is no UTF-8 text')
  }
}
