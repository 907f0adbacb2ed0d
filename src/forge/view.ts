import type { Oid } from '../git/types.ts'
import type { Check } from '../rollout/check.ts'

/** One transition as a reader sees it. */
export interface TimelineEntry {
  /** Milliseconds since the epoch. */
  readonly timeMs: number
  /** The event's sentence, the same as in the ledger, the log and the Kubernetes event. */
  readonly sentence: string
  readonly ledgerCommit?: Oid
}

/**
 * How the source branch was told about a rollback. `reference` is the revert commit for `commit`, the pull request's URL
 * for `pull-request`, and absent for `status-only`. `reason` says why no higher rung was used.
 */
export interface RollbackView {
  readonly rung: 'commit' | 'pull-request' | 'status-only'
  readonly reference?: string
  readonly reason?: string
}

/** One canary's rollout of the revision that a pull request brought. Every string may come from outside. */
export interface CanaryView {
  readonly namespace: string
  readonly name: string
  /** One of Flagger's phases, for example `Progressing`. */
  readonly phase: string
  /** Percent of the traffic that the canary gets now, and the most that the analysis gives it. */
  readonly weight: number
  readonly maxWeight: number
  readonly revision: { readonly commit: Oid; readonly hash: string }
  /** 1 for the first try of this revision. */
  readonly attempt: number
  /** The checks of the last analysis. */
  readonly checks: readonly Check[]
  /** Oldest first. */
  readonly timeline: readonly TimelineEntry[]
  /** What must happen before the rollout goes on. */
  readonly waitingFor?: string
  /** What is wrong, as `Problem.toString()` says it. */
  readonly problem?: string
  readonly rollback?: RollbackView
}

/** All that a pull request's comment tells: the canaries whose revisions it brought, in the order to show them. */
export interface ReleaseView {
  readonly cluster: string
  readonly ledgerBranch: string
  /** The repository's address in a browser, for links to commits; without it commits are only named. */
  readonly repositoryUrl?: string
  readonly canaries: readonly CanaryView[]
}
