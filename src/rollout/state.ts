import type { Check } from './check.ts'

/** Flagger's phases. A canary that Serin has never seen has none. */
export type Phase =
  | 'Initializing'
  | 'Initialized'
  | 'Waiting'
  | 'Progressing'
  | 'WaitingPromotion'
  | 'Promoting'
  | 'Finalising'
  | 'Succeeded'
  | 'Failed'

/** One state of a target's source: the commit that brought it and a hash of what the target would run. */
export interface Revision {
  /** Source commit; the same content may come back with another one. */
  readonly commit: string
  /** Hash of the pod template: what makes two revisions the same. */
  readonly hash: string
}

/**
 * How a revision travels to the primary:
 * - `analysis`: step by step, with checks.
 * - `skipped`: `skipAnalysis`; it only has to become ready.
 * - `restore`: it was promoted before; straight to the primary.
 */
export type Route = 'analysis' | 'skipped' | 'restore'

/** The step of the rollback ladder that was taken on the source branch. */
export interface SourceRollback {
  readonly rung: 'commit' | 'pull-request' | 'status-only'
  /** The revert's commit, or the pull request's address. */
  readonly reference?: string
  /** Why a lower rung than the configured one was used. */
  readonly reason?: string
}

/** All that is known of a canary's rollout: what a ledger's `status.yaml` holds. Changes only with a transition. */
export interface RolloutState {
  readonly phase: Phase
  /** Percentage of requests that the canary gets, 0 to 100. */
  readonly canaryWeight: number
  /** Failed checks in this run; a passing check does not take them back. */
  readonly failedChecks: number
  readonly iterations: number
  readonly revision: Revision
  readonly route: Route
  /** How many times this revision has been tried, from 1. */
  readonly attempt: number
  /** Web address of the pull request that brought the revision. */
  readonly pullRequest?: string
  /** The last analysis. */
  readonly checks: readonly Check[]
  /** Hashes of failed revisions that are not rolled out again by themselves, newest first. */
  readonly quarantine: readonly string[]
  /** What the primary ran when a rollout last ended well. */
  readonly lastPromoted: Revision
  /** Source commit of a quarantined revision that was told so, or whose promotion a person took back. */
  readonly keptOut?: string
  readonly rollback?: SourceRollback
  /** Milliseconds since the epoch. */
  readonly lastTransitionMs: number
}

/** What the primary runs: a ledger's `promoted.yaml`. */
export interface Promoted {
  readonly commit: string
  readonly hash: string
  readonly attempt: number
  readonly pullRequest?: string
  /** Hashes that the primary ran before this one, newest first. */
  readonly before: readonly string[]
}

/** True while a revision is on its way: between its detection and its end. */
export function isRunning(phase: Phase): boolean {
  switch (phase) {
    case 'Waiting':
    case 'Progressing':
    case 'WaitingPromotion':
    case 'Promoting':
    case 'Finalising':
      return true
    case 'Initializing':
    case 'Initialized':
    case 'Succeeded':
    case 'Failed':
      return false
  }
}
