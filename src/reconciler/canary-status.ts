import { conditionFor, promotedCondition } from '../cluster/workloads/canary-status.ts'
import { timestamp } from '../lib/clock.ts'
import { at, type Json, type JsonObject } from '../lib/json.ts'
import type { RolloutState } from '../rollout/state.ts'

/** A recorded state as the status of the live Canary. Conditions of others are kept. `kind` is the target's. */
export function statusOf(state: RolloutState, kind: string, live: JsonObject | undefined, nowMs: number): JsonObject {
  const condition = conditionFor(state.phase, kind, promotedCondition(live), nowMs)
  const conditions = at(live, 'conditions')
  const others = Array.isArray(conditions) ? conditions.filter((one: Json) => at(one, 'type') !== 'Promoted') : []
  return {
    phase: state.phase,
    canaryWeight: state.canaryWeight,
    failedChecks: state.failedChecks,
    iterations: state.iterations,
    lastAppliedSpec: state.revision.hash,
    lastPromotedSpec: state.lastPromoted.hash,
    lastTransitionTime: timestamp(state.lastTransitionMs),
    conditions: [...others, { ...condition }],
  }
}
