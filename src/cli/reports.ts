import type { Config } from '../config/config.ts'
import { renderProblems } from '../forge/problems-comment.ts'
import { ReportQueue } from '../forge/report-queue.ts'
import type { Forge } from '../forge/types.ts'
import type { CanaryView } from '../forge/view.ts'
import { systemClock } from '../lib/clock.ts'
import { toProblem, type Problem } from '../lib/problem.ts'
import type { Logger } from '../reconciler/ports.ts'
import { backoffMs } from '../reconciler/queue.ts'
import { canaryView } from '../reconciler/release-view.ts'
import type { Release } from '../reconciler/reporter.ts'

const LAST_WORDS_MS = 5000

/** Brings releases to the comments of their pull requests: one comment for all canaries of one. */
export class Reports {
  private readonly queue: ReportQueue
  private readonly problemQueue: ReportQueue
  /** What is wrong in each pull request, by commit. */
  private readonly wrong = new Map<number, Map<string, readonly Problem[]>>()
  /** The newest problems of commits whose pull request the forge has not named yet. */
  private readonly unsent = new Map<string, readonly Problem[]>()
  private readonly stopping = new AbortController()
  private readonly views = new Map<number, Map<string, CanaryView>>()
  private readonly config: Config
  private readonly forge: Forge
  private readonly log: Logger

  constructor(forge: Forge, config: Config, log: Logger) {
    this.forge = forge
    this.config = config
    this.log = log
    const onProblem = (problem: Problem, pullRequest: number | null): void =>
      log.warn({ pullRequest, code: problem.code, hint: problem.hint }, problem.message)
    const { name } = config.cluster
    this.queue = new ReportQueue({ forge, clock: systemClock, marker: name, onProblem })
    this.problemQueue = new ReportQueue({ forge, clock: systemClock, marker: `${name}-problems`, onProblem })
  }

  /** Shows a release's newest state, as soon as the forge takes it. */
  publish(release: Release): void {
    const number = Number(/(\d+)\/?$/.exec(release.pullRequest)?.[1])
    if (!Number.isInteger(number)) return
    const canaries = this.views.get(number) ?? new Map<string, CanaryView>()
    this.views.set(number, canaries.set(release.key, canaryView(release)))
    const { cluster, ledger, forge } = this.config
    this.queue.report(number, {
      cluster: cluster.name,
      ledgerBranch: ledger.branch,
      repositoryUrl: webAddress(forge.apiUrl, forge.repository),
      canaries: [...canaries.values()],
    })
  }

  /** Says in the pull request that brought a commit what is wrong because of it, as soon as the forge takes it. */
  problems(commit: string, problems: readonly Problem[]): void {
    const isAsking = this.unsent.has(commit)
    this.unsent.set(commit, problems)
    if (isAsking) return
    void this.tell(commit).catch((error: unknown) => {
      this.unsent.delete(commit)
      if (this.stopping.signal.aborted) return
      this.log.warn({ commit, error: String(error) }, 'could not tell the pull request what is wrong')
    })
  }

  /** Sends what waits, for some seconds at most. */
  async close(): Promise<void> {
    this.stopping.abort(new Error('stopping'))
    await Promise.all([this.queue.close(LAST_WORDS_MS), this.problemQueue.close(LAST_WORDS_MS)])
  }

  private async tell(commit: string): Promise<void> {
    const pullRequest = await this.pullRequestOf(commit)
    const problems = this.unsent.get(commit) ?? []
    this.unsent.delete(commit)
    if (pullRequest === undefined) return
    const ofPull = this.wrong.get(pullRequest) ?? new Map<string, readonly Problem[]>()
    this.wrong.set(pullRequest, ofPull.set(commit, problems))
    this.problemQueue.report(pullRequest, renderProblems(this.config.cluster.name, [...ofPull.values()].flat()))
  }

  /** Asks until the forge answers. */
  private async pullRequestOf(commit: string): Promise<number | undefined> {
    const { signal } = this.stopping
    for (let failures = 1; ; failures++) {
      try {
        return (await this.forge.pullRequestOf(commit))?.number
      } catch (error) {
        const problem = toProblem(error)
        this.log.warn({ commit, code: problem.code, hint: problem.hint }, problem.message)
        await systemClock.sleep(Math.max(backoffMs(failures, Math.random()), problem.retryAfterMs ?? 0), signal)
      }
    }
  }
}

/** The repository's page: on github.com, or beside the API of a GitHub Enterprise Server. */
function webAddress(apiUrl: string, repository: string): string {
  const api = new URL(apiUrl)
  const site = api.hostname === 'api.github.com' ? 'https://github.com' : api.href.replace(/\/api\/v3\/?$/, '')
  return `${site}/${repository}`
}
