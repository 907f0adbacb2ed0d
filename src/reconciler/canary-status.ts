import { conditionFor, promotedCondition, type Condition } from '../cluster/workloads/canary-status.ts'
import { timestamp } from '../lib/clock.ts'
import { at, stringAt, type Json, type JsonObject } from '../lib/json.ts'
import type { Problem } from '../lib/problem.ts'
import type { RolloutState } from '../rollout/state.ts'

/**
 * A recorded state as the status of the live Canary, and what keeps it from going on. Conditions of others are kept.
 * `kind` is the target's.
 */
export function statusOf(
  state: RolloutState,
  kind: string,
  live: JsonObject | undefined,
  nowMs: number,
  problem?: Problem,
): JsonObject {
  const promoted = conditionFor(state.phase, kind, promotedCondition(live), nowMs)
  return {
    phase: state.phase,
    canaryWeight: state.canaryWeight,
    failedChecks: state.failedChecks,
    iterations: state.iterations,
    lastAppliedSpec: state.revision.hash,
    lastPromotedSpec: state.lastPromoted.hash,
    lastTransitionTime: timestamp(state.lastTransitionMs),
    conditions: [
      ...conditionsIn(live).filter((one) => !isOneOf(one, ['Promoted', 'Stalled'])),
      { ...promoted },
      ...stalledCondition(live, problem, nowMs),
    ],
  }
}

/** The live status with nothing changed but that the canary is stalled: what is true of it while nothing is recorded. */
export function stalledStatus(live: JsonObject | undefined, problem: Problem, nowMs: number): JsonObject {
  const others = conditionsIn(live).filter((one) => !isOneOf(one, ['Stalled']))
  return { ...live, conditions: [...others, ...stalledCondition(live, problem, nowMs)] }
}

/**
 * `Stalled`: a person must change something, the reason is the problem's code. Absent from a Canary that never had a
 * problem, so that its status reads as Flagger writes it.
 */
function stalledCondition(live: JsonObject | undefined, problem: Problem | undefined, nowMs: number): JsonObject[] {
  const previous = conditionsIn(live).find((one) => isOneOf(one, ['Stalled']))
  if (problem === undefined && previous === undefined) return []
  const now = timestamp(nowMs)
  const said =
    problem === undefined
      ? ({ status: 'False', reason: 'Solved', message: 'Nothing is in the way.' } as const)
      : ({ status: 'True', reason: problem.code, message: problem.toString() } as const)
  const isSameStatus = stringAt(previous, 'status') === said.status
  const isSame = isSameStatus && stringAt(previous, 'message') === said.message
  const condition: Condition = {
    type: 'Stalled',
    ...said,
    lastUpdateTime: (isSame ? stringAt(previous, 'lastUpdateTime') : undefined) ?? now,
    lastTransitionTime: (isSameStatus ? stringAt(previous, 'lastTransitionTime') : undefined) ?? now,
  }
  return [{ ...condition }]
}

function conditionsIn(status: JsonObject | undefined): readonly Json[] {
  const conditions = at(status, 'conditions')
  return Array.isArray(conditions) ? conditions : []
}

function isOneOf(condition: Json, types: readonly string[]): boolean {
  return types.includes(stringAt(condition, 'type') ?? '')
}
