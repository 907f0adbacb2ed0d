import { dueMs } from './pace.ts'
import type { KnownInput } from './input.ts'
import { say } from './sentences.ts'
import { primaryName } from './spec.ts'
import type { RolloutState } from './state.ts'
import { runsAnother, transition, wait, waitForPods } from './steps.ts'
import { askReadiness, type Deciding, type Transition } from './transition.ts'

/** The primary rolls over to the promoted revision; then the traffic returns to it, at once or in steps. */
export function* promoting(input: KnownInput): Deciding {
  const { spec, state } = input
  const primary = yield* askReadiness('primary')
  if (primary.kind === 'waiting') return waitForPods(primaryName(spec), primary)
  if (primary.kind === 'failed') return promotionFailed(input, primary.message)
  if (state.canaryWeight === 0) return succeed(input)
  if (spec.stepWeightPromotion === 0) return toPrimary(input, 0)
  const due = dueMs(input)
  return input.nowMs < due
    ? wait(undefined, due)
    : toPrimary(input, Math.max(0, state.canaryWeight - spec.stepWeightPromotion))
}

/**
 * The canary serves nothing any more; it goes one interval later, when every proxy has heard so. Until then a primary that
 * breaks gives it the traffic back.
 */
export function* finalise(input: KnownInput): Deciding {
  const { spec } = input
  const primary = yield* askReadiness('primary')
  if (primary.kind === 'waiting') return waitForPods(primaryName(spec), primary)
  if (primary.kind === 'failed') return promotionFailed(input, primary.message)
  const due = dueMs(input)
  return input.nowMs < due ? wait(undefined, due) : succeed(input)
}

function toPrimary({ spec, state, nowMs }: KnownInput, canaryWeight: number): Transition {
  const phase = canaryWeight === 0 ? 'Finalising' : 'Promoting'
  const sentence = spec.stepWeightPromotion === 0 ? say.allToPrimary() : say.primaryWeight(spec, 100 - canaryWeight)
  return transition({ ...state, phase, canaryWeight, lastTransitionMs: nowMs }, [sentence])
}

function succeed({ spec, state, nowMs }: KnownInput): Transition {
  const next: RolloutState = {
    ...state,
    phase: 'Succeeded',
    canaryWeight: 0,
    iterations: 0,
    failedChecks: 0,
    lastPromoted: state.revision,
    lastTransitionMs: nowMs,
  }
  return transition(next, [state.route === 'analysis' ? say.promoted(spec) : say.promotedUnanalysed(spec)])
}

/** The analysed canary is healthy, its copy is not: the canary serves until the primary has recovered. */
function promotionFailed(input: KnownInput, why: string): Transition {
  const { spec, state, nowMs } = input
  const hasServed = state.canaryWeight > 0 || (state.phase === 'Finalising' && state.route === 'analysis')
  const canaryWeight = hasServed && spec.movesTraffic && !runsAnother(input) ? 100 : 0
  return transition({ ...state, phase: 'Failed', canaryWeight, lastTransitionMs: nowMs }, [
    say.promotionFailed(spec, why),
  ])
}
