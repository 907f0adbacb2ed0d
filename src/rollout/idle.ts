import type { KnownInput } from './input.ts'
import { say } from './sentences.ts'
import { primaryName } from './spec.ts'
import { restore, startRun, transition, wait, waitForPods } from './steps.ts'
import { isRunning, type SourceRollback } from './state.ts'
import { askReadiness, type Deciding, type Transition, type Wait } from './transition.ts'

/** No rollout is running: does the source branch ask for one? */
export function* idle(input: KnownInput): Deciding {
  const { spec, promoted, desired } = input
  const hash = desired.revision.hash
  if (hash === promoted.hash) return yield* whenPromoted(input)
  if (isQuarantined(input)) return keepOut(input)
  if (promoted.before.includes(hash)) return restore(input)

  const primary = yield* askReadiness('primary')
  if (primary.kind !== 'ready') return waitForPods(primaryName(spec), primary)
  return startRun(input, say.newRevision(spec))
}

/** After a promotion whose primary would not start: once the primary is ready it gets its traffic back. */
function* whenPromoted(input: KnownInput): Deciding {
  const { spec, state, promoted, nowMs } = input
  if (state.phase !== 'Failed' || state.revision.hash !== promoted.hash) return wait()
  const primary = yield* askReadiness('primary')
  if (primary.kind !== 'ready') return waitForPods(primaryName(spec), primary)
  return transition({ ...state, phase: 'Finalising', canaryWeight: 0, lastTransitionMs: nowMs }, [say.allToPrimary()])
}

/** A retry lifts the quarantine for one attempt: the commit that failed or was taken back does not ask for another. */
function isQuarantined({ state, desired }: KnownInput): boolean {
  const { commit, hash } = desired.revision
  const isRetry = desired.retried && commit !== state.revision.commit && commit !== state.keptOut
  return state.quarantine.includes(hash) && !isRetry
}

/** A failed revision that comes back by another commit is named once and stays out. */
function keepOut({ spec, state, desired }: KnownInput): Wait | Transition {
  if (desired.revision.commit === state.revision.commit || desired.revision.commit === state.keptOut) return wait()
  const rollback = state.rollback ?? { rung: 'status-only', reason: 'the revision was brought back after its rollback' }
  const next = { ...state, keptOut: desired.revision.commit, rollback } as const
  return transition(next, [say.quarantined(spec, desired.revision.hash)])
}

/**
 * True when the source branch still asks for a revision that failed and must be told so: a revert is to be written there.
 * Not when it was answered before (a revert or its refusal is recorded) or when somebody brought the revision back.
 */
export function wantsSourceRevert(input: KnownInput): boolean {
  const { state, promoted, desired } = input
  return (
    !isRunning(state.phase) &&
    desired.revision.hash !== promoted.hash &&
    isQuarantined(input) &&
    state.rollback === undefined &&
    (state.keptOut === undefined || state.keptOut === desired.revision.commit)
  )
}

/**
 * Records which rung of the rollback ladder was taken on the source branch. The time of the rollback stays the recorded
 * one, so that the revert of its commit still applies.
 */
export function sourceReverted(input: KnownInput, branch: string, rollback: SourceRollback): Transition {
  const { spec, state } = input
  const sentence =
    rollback.reference === undefined
      ? say.sourceNotReverted(spec, branch, rollback.reason ?? 'not configured')
      : say.sourceReverted(spec, branch, rollback.reference)
  return transition({ ...state, rollback }, [sentence])
}

/** True when a person orders a failed revision to be tried again that the source branch no longer asks for. */
export function wantsReapply({ state, promoted, desired, order }: KnownInput): boolean {
  return (
    order?.kind === 'retry' &&
    state.phase === 'Failed' &&
    desired.revision.hash === promoted.hash &&
    state.revision.hash !== promoted.hash
  )
}
