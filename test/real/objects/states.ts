import type { Phase, RolloutState } from '../../../src/rollout/state.ts'

const PHASES: Readonly<Record<Phase, true>> = {
  Initializing: true,
  Initialized: true,
  Waiting: true,
  Progressing: true,
  WaitingPromotion: true,
  Promoting: true,
  Finalising: true,
  Succeeded: true,
  Failed: true,
}

/** A recorded state of each phase. */
export const STATES: readonly RolloutState[] = (Object.keys(PHASES) as Phase[]).map((phase, index) => ({
  phase,
  canaryWeight: index * 10,
  failedChecks: index,
  iterations: index,
  revision: { commit: 'a'.repeat(40), hash: 'b'.repeat(16) },
  route: 'analysis',
  attempt: 1,
  checks: [],
  quarantine: [],
  lastPromoted: { commit: 'c'.repeat(40), hash: 'd'.repeat(16) },
  lastTransitionMs: Date.UTC(2026, 0, 1),
}))
