import type { KnownInput, RolloutInput } from './input.ts'
import { say } from './sentences.ts'
import { primaryName } from './spec.ts'
import type { RolloutState } from './state.ts'
import { transition, waitForPods } from './steps.ts'
import { askReadiness, type Deciding, type Transition } from './transition.ts'

/** Takes a target over: the primary starts as a copy of it, while the target goes on serving. */
export function initialise({ spec, desired, nowMs, state }: RolloutInput): Transition {
  const next: RolloutState = {
    phase: 'Initializing',
    canaryWeight: 0,
    failedChecks: 0,
    iterations: 0,
    revision: desired.revision,
    route: 'skipped',
    attempt: 1,
    ...(desired.pullRequest === undefined ? {} : { pullRequest: desired.pullRequest }),
    checks: [],
    quarantine: state?.quarantine ?? [],
    lastPromoted: desired.revision,
    lastTransitionMs: nowMs,
  }
  const { commit, hash } = desired.revision
  const subject = say.initializing(spec)
  const promoted = {
    commit,
    hash,
    attempt: 1,
    ...(desired.pullRequest === undefined ? {} : { pullRequest: desired.pullRequest }),
    before: [],
  }
  return { ...transition(next, [subject]), promotion: { promoted, subject } }
}

/** Once the primary's pods are ready the Services and routes point at it, and the target is scaled to zero. */
export function* finishInitialising({ spec, state, nowMs }: KnownInput): Deciding {
  const readiness = yield* askReadiness('primary')
  if (readiness.kind !== 'ready') return waitForPods(primaryName(spec), readiness)
  return transition({ ...state, phase: 'Initialized', lastPromoted: state.revision, lastTransitionMs: nowMs }, [
    say.initialized(spec),
  ])
}
