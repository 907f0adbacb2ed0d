import { keyOf, type CanaryKey } from '../ledger/entry.ts'
import { refOf } from '../lib/kube-object.ts'
import { Problem } from '../lib/problem.ts'
import { canariesIn, type CanarySource, type CanarySources } from '../source/canaries.ts'
import { identityOf, type Manifest, type Manifests } from '../source/manifest.ts'
import { fileOf } from './source-problems.ts'

/** Canaries as they were before. */
type Before = ReadonlyMap<CanaryKey, { readonly source: CanarySource }>

/** The manifests that are in force, and what is wrong with those that are not. */
export interface InForce {
  readonly manifests: readonly Manifest[]
  readonly found: CanarySources
  /** What is wrong with a canary of which an earlier version is in force. */
  readonly faults: ReadonlyMap<CanaryKey, readonly Problem[]>
  /** Everything that is wrong with what was read. */
  readonly problems: readonly Problem[]
}

/**
 * A Canary that can't be read any more keeps its last good settings, and what a file held that can't be parsed is not
 * taken for deleted: a running analysis must not lose its checks or its target. The rest is followed as it is, so that a
 * revert of the target counts at once although its Canary is broken.
 */
export function withLastGood(read: Manifests, before: Before): InForce {
  const found = canariesIn(read.manifests)
  const { problems } = found
  const kept = new Map<string, Manifest>()
  const faults = new Map<CanaryKey, readonly Problem[]>()
  const keep = (key: CanaryKey, manifest: Manifest, own: readonly Problem[]): void => {
    kept.set(identity(manifest), manifest)
    faults.set(key, [...(faults.get(key) ?? []), ...own.map(withConsequence)])
  }
  for (const { namespace, name, problems: own } of found.broken) {
    const lastGood = before.get(keyOf(namespace, name))
    const manifest = lastGood?.source.manifest
    if (manifest !== undefined) keep(keyOf(namespace, name), manifest, own)
  }
  const unreadable = new Set(read.unreadable)
  const readable = new Set(unreadable.size === 0 ? [] : read.manifests.map(identity))
  for (const [key, { source }] of unreadable.size === 0 ? [] : before) {
    for (const manifest of [source.manifest, source.target, source.autoscaler]) {
      if (manifest === undefined || !unreadable.has(manifest.file) || readable.has(identity(manifest))) continue
      const own = read.problems.filter(({ place }) => fileOf(place) === manifest.file)
      keep(key, manifest, own)
    }
  }
  if (kept.size === 0) return { manifests: read.manifests, found, faults, problems }
  const manifests = [...read.manifests.filter((manifest) => !kept.has(identity(manifest))), ...kept.values()]
  return { manifests, found: canariesIn(manifests), faults, problems }
}

function identity({ object }: Manifest): string {
  return identityOf(refOf(object))
}

/** A problem with a Canary of which an earlier version goes on being used. */
export function withConsequence({ kind, code, message, place, hint }: Problem): Problem {
  return new Problem({ kind, code, message: `${message}; the last good version stays in force`, place, hint })
}
