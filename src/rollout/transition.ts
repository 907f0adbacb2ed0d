import type { Check } from './check.ts'
import type { Promoted, RolloutState } from './state.ts'
import type { Sentence } from './sentences.ts'

/** What the core asks of the world while it decides. */
export type Question =
  | { readonly ask: 'readiness'; readonly of: 'primary' | 'canary' }
  /** All metrics of the analysis, in the Canary's order. */
  | { readonly ask: 'checks' }

/** Whether a workload's pods run what its template says. `failed`: its progress deadline is over. */
export type Readiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'waiting'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string }

export type Answer =
  | { readonly to: 'readiness'; readonly readiness: Readiness }
  | { readonly to: 'checks'; readonly checks: readonly Check[] }

/** One step of a rollout: decided here, then recorded, acted out and reported by others. */
export interface Transition {
  readonly kind: 'transition'
  readonly next: RolloutState
  /** The commit's subject; one of `sentences`. */
  readonly subject: Sentence
  /** Everything to tell, in order. */
  readonly sentences: readonly Sentence[]
  /** Present when the primary gets another revision with this step: a promotion, recorded by a commit of its own. */
  readonly promotion?: { readonly promoted: Promoted; readonly subject: Sentence }
}

/** Nothing to do before something changes, or before `untilMs`. */
export interface Wait {
  readonly kind: 'wait'
  /** What for, where a person would want to know. */
  readonly reason?: Sentence
  readonly untilMs?: number
}

export type Outcome = Transition | Wait

/** A decision in the making: yields questions, returns what to do. */
export type Deciding = Generator<Question, Outcome, Answer>

/** Asks for a workload's readiness. */
export function* askReadiness(of: 'primary' | 'canary'): Generator<Question, Readiness, Answer> {
  const answer = yield { ask: 'readiness', of }
  if (answer.to !== 'readiness') throw new Error(`asked for readiness, answered with ${answer.to}`)
  return answer.readiness
}

/** Asks for the analysis' checks. */
export function* askChecks(): Generator<Question, readonly Check[], Answer> {
  const answer = yield { ask: 'checks' }
  if (answer.to !== 'checks') throw new Error(`asked for checks, answered with ${answer.to}`)
  return answer.checks
}

/**
 * Whether a transition of a running analysis needs no word from Git before it holds: a failed check that is counted, or the
 * end of the run. The same revision, no more traffic for it, no promotion.
 */
export function isTowardsSafety(before: RolloutState, { next, promotion }: Transition): boolean {
  return (
    isAnalysing(before) &&
    (next.phase === before.phase || next.phase === 'Failed') &&
    next.revision.hash === before.revision.hash &&
    next.canaryWeight <= before.canaryWeight &&
    promotion === undefined
  )
}

function isAnalysing({ phase }: RolloutState): boolean {
  return phase === 'Progressing' || phase === 'Waiting' || phase === 'WaitingPromotion'
}
