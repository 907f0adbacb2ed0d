import { dueMs } from './pace.ts'
import type { Check } from './check.ts'
import type { KnownInput } from './input.ts'
import { say, warning } from './sentences.ts'
import { canaryName, primaryName, targetName, type RolloutSpec } from './spec.ts'
import type { RolloutState } from './state.ts'
import { promote, rollBack, transition, wait, waitForPods } from './steps.ts'
import {
  askChecks,
  askReadiness,
  type Deciding,
  type Outcome,
  type Readiness,
  type Transition,
  type Wait,
} from './transition.ts'
import { finalWeight, nextWeight } from './weights.ts'

/** A running analysis: pods first, then the pace, then the checks, then one step. */
export function* progress(input: KnownInput): Deciding {
  const { spec, state } = input
  if (state.failedChecks >= spec.threshold) {
    return rollBack(input, say.thresholdReached(spec, state.failedChecks), { quarantine: true })
  }
  const canary = yield* askReadiness('canary')
  if (canary.kind === 'failed') {
    return rollBack(input, say.deadlineExceeded(spec, canary.message), { quarantine: true })
  }
  const primary = yield* askReadiness('primary')
  const held = heldUpBy(spec, canary, primary)
  if (state.route === 'skipped') return held ?? promote(input, [])
  if (state.canaryWeight === 0 && state.iterations === 0 && state.failedChecks === 0) return held ?? firstStep(input)
  return yield* analyse(input, held)
}

/** Pods that are not ready hold every step up. The checks go on meanwhile: a canary with traffic is never left unwatched. */
function heldUpBy(spec: RolloutSpec, canary: Readiness, primary: Readiness): Wait | undefined {
  if (canary.kind !== 'ready') return waitForPods(targetName(spec), canary)
  return primary.kind === 'ready' ? undefined : waitForPods(primaryName(spec), primary)
}

/** The first step needs no analysis: nothing has reached the canary yet. */
function firstStep(input: KnownInput): Transition {
  const step = nextStep(input, [])
  const sentences = [say.startingAnalysis(input.spec), ...step.sentences] as const
  return { ...step, sentences }
}

function* analyse(input: KnownInput, held: Wait | undefined): Deciding {
  const due = dueMs(input)
  if (input.nowMs < due) return wait(held?.reason, due)
  const checks = yield* askChecks()
  const failed = checks.find((check) => check.verdict !== 'passed')
  if (failed !== undefined) return halt(input, checks, failed)
  return held ?? passed(input, checks)
}

function halt({ spec, state, nowMs }: KnownInput, checks: readonly Check[], failed: Check): Outcome {
  const sentence = warning(failed.halt ?? `Halt ${canaryName(spec)} advancement ${failed.metric} ${failed.verdict}`)
  return transition({ ...state, failedChecks: state.failedChecks + 1, checks, lastTransitionMs: nowMs }, [sentence])
}

function passed(input: KnownInput, checks: readonly Check[]): Transition {
  const { spec, state } = input
  const isComplete =
    spec.iterations > 0
      ? state.iterations > spec.iterations || (state.iterations === spec.iterations && !spec.movesTraffic)
      : state.canaryWeight >= finalWeight(spec)
  return isComplete ? promote(input, checks) : nextStep(input, checks)
}

function nextStep({ spec, state, nowMs }: KnownInput, checks: readonly Check[]): Transition {
  const next: RolloutState = { ...state, phase: 'Progressing', checks, lastTransitionMs: nowMs }
  if (spec.iterations === 0) {
    const canaryWeight = nextWeight(spec, state.canaryWeight)
    return transition({ ...next, canaryWeight }, [say.weight(spec, canaryWeight)])
  }
  const iterations = state.iterations + 1
  return state.iterations < spec.iterations
    ? transition({ ...next, iterations }, [say.iteration(spec, iterations)])
    : transition({ ...next, iterations, canaryWeight: 100 }, [say.allToCanary()])
}
