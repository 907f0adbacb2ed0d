import type { RolloutSpec } from './spec.ts'
import type { Promoted, Revision, RolloutState } from './state.ts'

/** What the source branch, or the cluster where the target is not in Git, asks for. */
export interface Desired {
  readonly revision: Revision
  readonly pullRequest?: string
  /** A person brought a failed revision back by undoing its rollback commit: it may be tried again. */
  readonly retried: boolean
  /** The target's pods run it already: nobody but the cluster has it, and whoever changed it there did not ask. */
  readonly isLive?: boolean
}

/**
 * What a person asks for on the ledger, by reverting one of its commits or by an order. `commit` is the ledger commit that
 * says so.
 * - `rollback`: end the running rollout, all traffic to the primary.
 * - `restore`: the primary runs this former revision, at once.
 * - `retry`: roll the failed revision out again, as a new attempt.
 */
export type Order =
  | { readonly kind: 'rollback'; readonly commit: string }
  | { readonly kind: 'restore'; readonly commit: string; readonly promoted: Promoted }
  | { readonly kind: 'retry'; readonly commit: string }

/** Everything a decision depends on besides the answers to its questions. */
export interface RolloutInput {
  readonly spec: RolloutSpec
  /** null: never seen before. */
  readonly state: RolloutState | null
  readonly promoted: Promoted | null
  readonly desired: Desired
  readonly order: Order | null
  readonly nowMs: number
}

/** The same for a canary that has been seen before. */
export interface KnownInput extends RolloutInput {
  readonly state: RolloutState
  readonly promoted: Promoted
}
