import type { KnownInput, RolloutInput } from './input.ts'
import { initialise, finishInitialising } from './initialise.ts'
import { idle } from './idle.ts'
import { progress } from './progress.ts'
import { finalise, promoting } from './promotion.ts'
import { say } from './sentences.ts'
import { restore, restoreOrdered, rollBack, runsAnother, startRun, transition, wait } from './steps.ts'
import type { Deciding, Outcome } from './transition.ts'

/**
 * Decides a rollout's next step from what is recorded, what is wanted and the answers to the questions it yields. Pure and
 * total: the same input and answers always give the same outcome, and every state has one. Call it again after each
 * transition until it waits.
 */
export function* advance(input: RolloutInput): Deciding {
  const { spec, state, promoted } = input
  if (spec.suspend) return wait(say.suspended())
  if (state === null || promoted === null) return initialise(input)
  const known: KnownInput = { ...input, state, promoted }
  return changeOfPlan(known) ?? (yield* byPhase(known))
}

function* byPhase(input: KnownInput): Deciding {
  switch (input.state.phase) {
    case 'Initializing':
      return yield* finishInitialising(input)
    case 'Initialized':
    case 'Succeeded':
    case 'Failed':
      return yield* idle(input)
    case 'Waiting':
    case 'Progressing':
    case 'WaitingPromotion':
      return yield* progress(input)
    case 'Promoting':
      return yield* promoting(input)
    case 'Finalising':
      return yield* finalise(input)
  }
}

/** What a person's order, a revert or a newer revision makes of a run before anything else is asked. */
function changeOfPlan(input: KnownInput): Outcome | undefined {
  const { spec, state, promoted, desired, order } = input
  if (order?.kind === 'restore' && state.phase !== 'Initializing') return restoreOrdered(input, order.promoted)
  switch (state.phase) {
    case 'Initializing':
      return state.revision.hash === desired.revision.hash ? undefined : initialise(input)
    case 'Initialized':
    case 'Succeeded':
    case 'Failed':
      return order?.kind === 'retry' ? retry(input) : undefined
    case 'Waiting':
    case 'Progressing':
    case 'WaitingPromotion':
      if (order?.kind === 'rollback') return rollBack(input, say.ordered(spec, order.commit), { quarantine: true })
      return newPlan(input)
    case 'Promoting':
    case 'Finalising':
      return desired.revision.hash !== promoted.hash && promoted.before.includes(desired.revision.hash)
        ? restore(input)
        : withoutUnanalysed(input)
  }
}

/** The canary's pods run another revision than the analysed one all of a sudden: they lose what traffic they still have. */
function withoutUnanalysed(input: KnownInput): Outcome | undefined {
  const { state, nowMs } = input
  if (state.canaryWeight === 0 || !runsAnother(input)) return undefined
  return transition({ ...state, canaryWeight: 0, lastTransitionMs: nowMs }, [say.allToPrimary()])
}

/** What the primary runs already is not tried again: the canary may be all that serves while that primary does not start. */
function retry(input: KnownInput): Outcome | undefined {
  const { spec, promoted, desired } = input
  return desired.revision.hash === promoted.hash ? undefined : startRun(input, say.newRevision(spec))
}

/** The source branch moved while the analysis runs: back to something known ends the run, something new restarts it. */
function newPlan(input: KnownInput): Outcome | undefined {
  const { spec, state, promoted, desired } = input
  const hash = desired.revision.hash
  if (hash === state.revision.hash) return undefined
  const isKnown = hash === promoted.hash || promoted.before.includes(hash) || state.quarantine.includes(hash)
  return isKnown
    ? rollBack(input, say.revisionReverted(spec, desired.revision.commit), { quarantine: false })
    : startRun(input, say.restarting(spec))
}
