import type { KnownInput } from './input.ts'
import { say, warning, type Sentence } from './sentences.ts'
import type { RolloutSpec } from './spec.ts'
import type { Promoted, Revision, RolloutState, Route } from './state.ts'
import type { Readiness, Transition, Wait } from './transition.ts'

/** How many former revisions and failed ones are remembered. */
const REMEMBERED = 50

/** Nothing to do; `reason` where a person would want to know what for, `untilMs` where time alone goes on. */
export function wait(reason?: Sentence, untilMs?: number): Wait {
  return {
    kind: 'wait',
    ...(reason === undefined ? {} : { reason }),
    ...(untilMs === undefined ? {} : { untilMs }),
  }
}

/** Waits for a workload's pods, and says so in the words of the readiness rule. */
export function waitForPods(workload: string, readiness: Exclude<Readiness, { kind: 'ready' }>): Wait {
  return wait(warning(`Halt ${workload} advancement ${readiness.message}`))
}

/** A transition whose subject is its first sentence, unless another is named. */
export function transition(
  next: RolloutState,
  sentences: readonly [Sentence, ...Sentence[]],
  subject = sentences[0],
): Transition {
  return { kind: 'transition', next, subject, sentences }
}

/** A new run of the desired revision, from the start. */
export function startRun(input: KnownInput, sentence: Sentence): Transition {
  const { state, desired, spec } = input
  const again = state.revision.hash === desired.revision.hash
  const next = runState(input, spec.skipAnalysis ? 'skipped' : 'analysis', again ? state.attempt + 1 : 1)
  return transition(next, [sentence])
}

/** Whether the target's pods run another revision than the recorded one: only the cluster has it, and there it changed. */
export function runsAnother({ state, desired }: KnownInput): boolean {
  return desired.isLive === true && desired.revision.hash !== state.revision.hash
}

/** Puts the analysed revision on the primary. The canary keeps its traffic until the primary is ready. */
export function promote(input: KnownInput, checks: RolloutState['checks']): Transition {
  const { state, nowMs } = input
  const next: RolloutState = { ...state, phase: 'Promoting', checks, lastTransitionMs: nowMs }
  return promotionOf(input, next, say.analysisCompleted(), state.revision)
}

/** Puts a revision that was promoted before on the primary again; a running canary loses its traffic with it. */
export function restore(input: KnownInput): Transition {
  const { spec, desired } = input
  const next: RolloutState = { ...runState(input, 'restore', 1), phase: 'Promoting' }
  return promotionOf(input, next, say.restoring(spec, desired.revision.hash), desired.revision)
}

/** A person took the last promotion back on the ledger: the primary runs the one before, the other is quarantined. */
export function restoreOrdered(input: KnownInput, promoted: Promoted): Transition {
  const revision: Revision = { commit: promoted.commit, hash: promoted.hash }
  const subject = say.restoring(input.spec, promoted.hash)
  const wanted = input.desired.revision
  const next: RolloutState = {
    ...runState(input, 'restore', 1),
    phase: 'Promoting',
    revision,
    quarantine: remember(input.promoted.hash, input.state.quarantine).filter((hash) => hash !== promoted.hash),
    // The source branch still asks for what was taken back: that is no wish to have it again.
    keptOut: wanted.hash === input.promoted.hash ? wanted.commit : input.promoted.commit,
  }
  const copying = say.copying(input.spec)
  return { kind: 'transition', next, subject, sentences: [subject, copying], promotion: { promoted, subject: copying } }
}

/** Ends a run: all traffic to the primary, the canary to zero. A quarantined revision is not rolled out again by itself. */
export function rollBack(
  input: KnownInput,
  why: Sentence,
  end: { readonly quarantine: boolean; readonly checks?: RolloutState['checks'] },
): Transition {
  const { spec, state, nowMs } = input
  const { rollback: _rollback, keptOut: _keptOut, ...kept } = state
  const next: RolloutState = {
    ...kept,
    phase: 'Failed',
    canaryWeight: 0,
    iterations: 0,
    checks: end.checks ?? state.checks,
    quarantine: end.quarantine ? remember(state.revision.hash, state.quarantine) : state.quarantine,
    lastTransitionMs: nowMs,
  }
  return transition(next, [why, end.quarantine ? say.canaryFailed(spec) : say.scalingDown(spec)])
}

/** The routes give the canary less than is recorded: they get the recorded weight again, and the analysis its whole interval. */
export function restoreWeight(spec: RolloutSpec, state: RolloutState, nowMs: number): Transition {
  return transition({ ...state, lastTransitionMs: nowMs }, [say.restoringWeight(spec, state.canaryWeight)])
}

function runState({ state, desired, nowMs }: KnownInput, route: Route, attempt: number): RolloutState {
  return {
    phase: 'Progressing',
    canaryWeight: 0,
    failedChecks: 0,
    iterations: 0,
    revision: desired.revision,
    route,
    attempt,
    ...(desired.pullRequest === undefined ? {} : { pullRequest: desired.pullRequest }),
    checks: [],
    quarantine: state.quarantine.filter((hash) => hash !== desired.revision.hash),
    lastPromoted: state.lastPromoted,
    lastTransitionMs: nowMs,
  }
}

function promotionOf(input: KnownInput, next: RolloutState, subject: Sentence, revision: Revision): Transition {
  const copying = say.copying(input.spec)
  const promoted: Promoted = {
    commit: revision.commit,
    hash: revision.hash,
    attempt: next.attempt,
    ...(next.pullRequest === undefined ? {} : { pullRequest: next.pullRequest }),
    before: remember(
      input.promoted.hash,
      input.promoted.before.filter((hash) => hash !== revision.hash),
    ),
  }
  return { kind: 'transition', next, subject, sentences: [subject, copying], promotion: { promoted, subject: copying } }
}

function remember(hash: string, list: readonly string[]): readonly string[] {
  return [hash, ...list.filter((other) => other !== hash)].slice(0, REMEMBERED)
}
