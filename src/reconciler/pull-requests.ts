import type { Forge } from '../forge/types.ts'
import type { Clock } from '../lib/clock.ts'
import { toProblem } from '../lib/problem.ts'
import type { Logger } from './ports.ts'
import { backoffMs } from './queue.ts'

/** How long a rollout waits for the forge's answer before it goes on without. */
const PATIENCE_MS = 3000

export interface PullRequestsOptions {
  readonly forge: Forge | undefined
  readonly clock: Clock
  /** In [0, 1): spreads the tries. */
  readonly random: () => number
  readonly log: Logger
  /** The forge answered for this commit after it had failed to: who went on without may look again. */
  readonly onFoundLate: (commit: string) => void
  /** Ends the tries. */
  readonly signal: AbortSignal
}

/** Finds the pull request of a commit, without ever holding a rollout up for long. */
export class PullRequests {
  private readonly options: PullRequestsOptions
  private readonly asked = new Map<string, Promise<string | undefined>>()
  private readonly failures = new Map<string, number>()

  constructor(options: PullRequestsOptions) {
    this.options = options
  }

  /** The pull request's web address; undefined when there is none, no forge, or no answer in time. */
  async of(commit: string): Promise<string | undefined> {
    const { forge, clock } = this.options
    if (forge === undefined) return undefined
    const answer = this.asked.get(commit) ?? this.ask(forge, commit)
    this.asked.set(commit, answer)
    let cancel = (): void => {}
    const patience = new Promise<undefined>((resolve) => {
      cancel = clock.after(PATIENCE_MS, () => resolve(undefined))
    })
    try {
      return await Promise.race([answer, patience])
    } finally {
      cancel()
    }
  }

  /** While the forge fails the answer is "none" for now, and it is asked again in the background. */
  private async ask(forge: Forge, commit: string): Promise<string | undefined> {
    const { clock, random, log, onFoundLate, signal } = this.options
    try {
      const url = (await forge.pullRequestOf(commit))?.url
      if (this.failures.delete(commit) && url !== undefined) clock.after(0, () => onFoundLate(commit))
      return url
    } catch (error) {
      const { code, retryAfterMs = 0 } = toProblem(error)
      const failures = (this.failures.get(commit) ?? 0) + 1
      this.failures.set(commit, failures)
      log.warn({ commit, code }, 'could not find the pull request of a commit')
      clock.after(Math.max(backoffMs(failures, random()), retryAfterMs), () => {
        if (!signal.aborted) this.asked.set(commit, this.ask(forge, commit))
      })
      return undefined
    }
  }
}
