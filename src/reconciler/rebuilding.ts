import { at, canonicalJson, numberAt } from '../lib/json.ts'
import { refOf, type ObjectRef } from '../lib/kube-object.ts'
import type { LedgerEntry } from '../ledger/entry.ts'
import type { Stage } from './converge.ts'

/**
 * Whether the target serves while the primary can't yet: the Canary was deleted, and all that it owned with it, somebody
 * let the target serve, and now the Canary is back. Until the primary has a ready pod, what leads to the target stays.
 */
export function isRebuilding({ cluster, canary, targetRef, primaryRef }: Stage, { routes }: LedgerEntry): boolean {
  const isServing = (ref: ObjectRef): boolean => (numberAt(cluster.get(ref), 'status', 'readyReplicas') ?? 0) > 0
  if (isServing(primaryRef) || !isServing(targetRef)) return false
  const name = canary.spec.service.name ?? targetRef.name
  const apex = routes.find(({ kind, metadata }) => kind === 'Service' && metadata.name === name)
  const live = apex && cluster.get(refOf(apex))
  return canonicalJson(at(live, 'spec', 'selector')) !== canonicalJson(at(apex, 'spec', 'selector'))
}
