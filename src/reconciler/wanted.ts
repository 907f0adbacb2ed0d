import type { LedgerEntry } from '../ledger/entry.ts'
import type { KubeObject } from '../lib/kube-object.ts'
import type { RolloutState } from '../rollout/state.ts'

/** What the target's pods should be: left alone, gone, or serving the canary. */
export type TargetScale = 'untouched' | 'zero' | 'up'

/** What a recorded state asks of the target's replicas. */
export function targetScale(state: RolloutState): TargetScale {
  switch (state.phase) {
    case 'Initializing':
      return 'untouched'
    case 'Initialized':
    case 'Succeeded':
      return 'zero'
    case 'Failed':
      return state.canaryWeight > 0 ? 'up' : 'zero'
    case 'Waiting':
    case 'Progressing':
    case 'WaitingPromotion':
    case 'Promoting':
    case 'Finalising':
      return state.route === 'restore' ? 'zero' : 'up'
  }
}

/**
 * The routes that may exist in a state: while initialising, the apex Service and the mesh's objects stay as they are,
 * because the primary is not ready to serve.
 */
export function routesIn(entry: LedgerEntry, apex: string): readonly KubeObject[] {
  if (entry.state.phase !== 'Initializing') return entry.routes
  return entry.routes.filter((object) => object.kind === 'Service' && object.metadata.name !== apex)
}
