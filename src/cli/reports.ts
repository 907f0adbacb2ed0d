import type { Config } from '../config/config.ts'
import { renderProblems } from '../forge/problems-comment.ts'
import { ReportQueue } from '../forge/report-queue.ts'
import type { Forge } from '../forge/types.ts'
import type { CanaryView } from '../forge/view.ts'
import { systemClock } from '../lib/clock.ts'
import type { Problem } from '../lib/problem.ts'
import type { Logger } from '../reconciler/ports.ts'
import { canaryView } from '../reconciler/release-view.ts'
import type { Release } from '../reconciler/reporter.ts'

const LAST_WORDS_MS = 5000

/** Brings releases to the comments of their pull requests: one comment for all canaries of one. */
export class Reports {
  private readonly queue: ReportQueue
  private readonly views = new Map<number, Map<string, CanaryView>>()
  private readonly config: Config
  private readonly forge: Forge
  private readonly log: Logger

  constructor(forge: Forge, config: Config, log: Logger) {
    this.forge = forge
    this.config = config
    this.log = log
    this.queue = new ReportQueue({
      forge,
      clock: systemClock,
      marker: config.cluster.name,
      onProblem: (problem, pullRequest) =>
        log.warn({ pullRequest, code: problem.code, hint: problem.hint }, problem.message),
    })
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

  /** Says in the pull request that brought them what is wrong with the source branch's files. */
  problems(tip: string, problems: readonly Problem[]): void {
    void this.tell(tip, problems).catch((error: unknown) => {
      this.log.warn({ tip, error: String(error) }, 'could not tell the pull request what is wrong')
    })
  }

  /** Sends what waits, for some seconds at most. */
  async close(): Promise<void> {
    await this.queue.close(LAST_WORDS_MS)
  }

  private async tell(tip: string, problems: readonly Problem[]): Promise<void> {
    const pullRequest = await this.forge.pullRequestOf(tip)
    if (pullRequest === null) return
    const { name } = this.config.cluster
    await this.forge.comment(pullRequest.number, `${name}-problems`, renderProblems(name, problems))
  }
}

/** The repository's page: on github.com, or beside the API of a GitHub Enterprise Server. */
function webAddress(apiUrl: string, repository: string): string {
  const api = new URL(apiUrl)
  const site = api.hostname === 'api.github.com' ? 'https://github.com' : api.href.replace(/\/api\/v3\/?$/, '')
  return `${site}/${repository}`
}
