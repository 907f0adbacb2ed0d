import type { CanaryKey, LedgerEntry } from '../ledger/entry.ts'
import { splitKey } from '../ledger/entry.ts'
import { describeRef, refOf, type KubeObject } from '../lib/kube-object.ts'
import type { Canary } from '../resources/canary.ts'
import { isRunning } from '../rollout/state.ts'
import type { Applicable } from './manifest-applier.ts'
import type { Namespaces } from './namespaces.ts'
import type { SourceSnapshot, WatchedCanary } from './source-watch.ts'

const PRIMARY = '-primary'

/** What decides which of the manifests are applied. */
export interface ApplicableOptions {
  readonly recorded: ReadonlyMap<CanaryKey, LedgerEntry>
  /** Canaries that no manifest describes. */
  readonly onlyInCluster: ReadonlyMap<CanaryKey, WatchedCanary>
  /** Every canary of the source branch and of the cluster, also those that can't be read. */
  readonly known: ReadonlySet<CanaryKey>
  readonly namespaces: Namespaces
}

/**
 * What of the source branch is applied as it is: everything of our namespaces but the targets of canaries, which follow
 * their rollouts. The target of a recorded canary is left alone also while its Canary can't be read, or is gone in the
 * middle of a rollout: its pods may have traffic. Canaries come in the version that the cluster serves.
 */
export function applicable(snapshot: SourceSnapshot, options: ApplicableOptions): readonly Applicable[] {
  const described = [...snapshot.canaries.values()].map(({ source }) => source)
  const others = [...options.onlyInCluster.values()].map(({ source }) => source)
  const targets = new Set([...described, ...others].map(({ target }) => target))
  const converted = new Map(described.map(({ manifest, canary }) => [manifest, canary]))
  const held = heldTargets(snapshot, options)
  return snapshot.manifests.flatMap((manifest) => {
    const { object } = manifest
    if (!options.namespaces.isOurs(object.metadata.namespace)) return []
    const canary = converted.get(manifest)
    if (canary !== undefined) return [{ object: canaryObject(canary), manifest }]
    const isLeftAlone = targets.has(manifest) || object.kind === 'Canary' || held.has(describeRef(refOf(object)))
    return isLeftAlone ? [] : [{ object, manifest }]
  })
}

function heldTargets(
  snapshot: SourceSnapshot,
  { recorded, onlyInCluster, known }: ApplicableOptions,
): ReadonlySet<string> {
  const held = new Set<string>()
  for (const [key, { state, primary }] of recorded) {
    if (snapshot.canaries.has(key) || onlyInCluster.has(key)) continue
    const mayBeMeant = known.has(key) || snapshot.problems.length > 0
    if (!mayBeMeant && !isRunning(state.phase)) continue
    const { namespace } = splitKey(key)
    for (const { apiVersion, kind, metadata } of primary) {
      const name = metadata.name.endsWith(PRIMARY) ? metadata.name.slice(0, -PRIMARY.length) : metadata.name
      held.add(describeRef({ apiVersion, kind, namespace, name }))
    }
  }
  return held
}

/** The Canary in the version that the cluster serves. */
function canaryObject(canary: Canary): KubeObject {
  return JSON.parse(JSON.stringify(canary)) as KubeObject
}
