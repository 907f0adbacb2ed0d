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
 * The routes that may exist before the primary is ready to serve for the first time: the apex Service and the mesh's
 * objects stay as they are.
 */
export function routesBefore({ routes }: LedgerEntry, apex: string): readonly KubeObject[] {
  return routes.filter((object) => object.kind === 'Service' && object.metadata.name !== apex)
}
