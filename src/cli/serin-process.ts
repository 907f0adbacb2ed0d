import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Cluster } from '../cluster/cluster.ts'
import { connectCluster } from '../cluster/transport-http.ts'
import type { Config } from '../config/config.ts'
import { forgeToken, repositoryCredentials, webhookSecret } from '../config/secrets.ts'
import { createGitHub } from '../forge/github.ts'
import { ReportQueue } from '../forge/report-queue.ts'
import type { Forge } from '../forge/types.ts'
import type { CanaryView } from '../forge/view.ts'
import { openBranch } from '../git/open-branch.ts'
import { systemClock } from '../lib/clock.ts'
import { stringAt } from '../lib/json.ts'
import { Problem } from '../lib/problem.ts'
import { dedupe } from '../metrics/dedupe.ts'
import { createPrometheus } from '../metrics/prometheus.ts'
import { analyse } from '../reconciler/analysis-checks.ts'
import { diskSpool } from '../reconciler/disk-spool.ts'
import type { Logger } from '../reconciler/ports.ts'
import { Reconciler, type ReconcilerOptions } from '../reconciler/reconciler.ts'
import { canaryView } from '../reconciler/release-view.ts'
import type { Release } from '../reconciler/reporter.ts'
import type { CanaryDefaults } from '../reconciler/rollout-spec.ts'
import { parseMetricTemplate, placeInCluster } from '../resources/parse.ts'
import type { MetricTemplate } from '../resources/metric-template.ts'
import { serveHttp } from '../server/http.ts'
import { Metrics } from '../server/metrics.ts'
import { version } from './version.ts'

export interface SerinProcessOptions {
  readonly config: Config
  readonly kubeconfigPath: string | undefined
  readonly context: string | undefined
  readonly log: Logger
  readonly onSentence?: ReconcilerOptions['onSentence']
}

/** A running reconciler with its connections. */
export interface SerinProcess {
  /** Looks at both branches now. */
  look(): Promise<void>
  ready(): { readonly ok: boolean; readonly reasons: readonly string[] }
  /** `http://host:port` of health, metrics and webhooks. */
  readonly url: string
  /** Finishes what runs, hands over what waits to be reported, closes everything. */
  stop(): Promise<void>
}

const REQUEST_TIMEOUT_MS = 30_000
const REPORT_DEADLINE_MS = 5000

/** Connects everything that a configuration names and starts reconciling. Rejects with a Problem where that can't work. */
export async function startSerin(options: SerinProcessOptions): Promise<SerinProcess> {
  const { config, log } = options
  const clock = systemClock
  const stopping = new AbortController()
  await mkdir(config.dataDirectory, { recursive: true })
  const connection = await connectCluster({
    userAgent: `serin/${version}`,
    kubeconfigPath: options.kubeconfigPath,
    context: options.context,
  })
  const cluster = new Cluster({
    transport: connection.transport,
    clock,
    onProblem: (problem) => log.warn({ code: problem.code, place: problem.place, hint: problem.hint }, problem.message),
  })
  const branch = (name: string): ReturnType<typeof openBranch> =>
    openBranch({
      url: config.repository.url,
      branch: name,
      directory: join(config.dataDirectory, 'git'),
      credentials: () => repositoryCredentials(config),
      clock,
      timeoutMs: REQUEST_TIMEOUT_MS,
    })
  const source = branch(config.repository.branch)
  const ledger = branch(config.ledger.branch)
  const prometheus = createPrometheus()
  const forge = forgeOf(config)
  const reports = forge === undefined ? undefined : new Reports(forge, config, log)
  const metrics = new Metrics({ version, provider: config.provider })
  const defaults: CanaryDefaults = {
    provider: config.provider,
    metricsServer: config.metricsServer,
    minIntervalMs: config.minimumIntervalMs,
  }
  const port = dedupe(prometheus)
  const reconciler = new Reconciler({
    clock,
    random: Math.random,
    log,
    cluster,
    source,
    ledger,
    forge,
    spool: diskSpool(join(config.dataDirectory, 'spool')),
    checks: (canary) =>
      analyse(canary, {
        port,
        defaults,
        template: (namespace, name) => metricTemplate(cluster, namespace, name),
        secret: (namespace, name) => secretData(cluster, namespace, name),
        signal: stopping.signal,
      }),
    identity: config.identity,
    paths: config.repository.paths,
    rollbackMode: config.rollback.mode,
    pushIntervalMs: config.ledger.pushIntervalMs,
    defaults,
    publish: (release) => reports?.publish(release),
    observe: (_key, context, { state }) => metrics.rollout(context.spec, state),
    onSourceProblems: (tip, problems) => reports?.problems(tip, problems),
    onSentence: options.onSentence,
  })
  const secret = await webhookSecret(config)
  const server = await serveHttp({
    port: config.server.port,
    registry: metrics.registry,
    ready: () => reconciler.ready(),
    webhookSecret: secret,
    onPush: () => void reconciler.look(),
    log,
  })
  await reconciler.start()
  return {
    look: () => reconciler.look(),
    ready: () => reconciler.ready(),
    url: server.url,
    async stop() {
      await server.close()
      await reconciler.stop()
      stopping.abort(new Error('stopping'))
      await reports?.close()
      cluster.stop()
      await Promise.all([source.close(), ledger.close(), prometheus.close(), connection.close()])
    },
  }
}

function forgeOf(config: Config): Forge | undefined {
  if (config.forge.kind === 'none') return undefined
  return createGitHub({
    apiUrl: config.forge.apiUrl,
    repository: config.forge.repository,
    branch: config.repository.branch,
    token: async () => {
      const token = await forgeToken(config)
      if (token !== undefined) return token
      throw new Problem({
        kind: 'stalled',
        code: 'FORGE_UNAUTHORIZED',
        message: 'there is no token for the forge',
        hint: 'set forge.tokenFile or SERIN_FORGE_TOKEN, or forge.kind: none',
      })
    },
    clock: systemClock,
    timeoutMs: REQUEST_TIMEOUT_MS,
  })
}

/** Brings releases to the comments of their pull requests: one comment for all canaries of one. */
class Reports {
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

  publish(release: Release): void {
    const number = Number(/(\d+)\/?$/.exec(release.pullRequest)?.[1])
    if (!Number.isInteger(number)) return
    const canaries = this.views.get(number) ?? new Map<string, CanaryView>()
    this.views.set(number, canaries.set(release.key, canaryView(release)))
    const { cluster, ledger, repository } = this.config
    this.queue.report(number, {
      cluster: cluster.name,
      ledgerBranch: ledger.branch,
      repositoryUrl: repository.url.replace(/\.git\/?$/, ''),
      canaries: [...canaries.values()],
    })
  }

  /** Says in the pull request that brought them what is wrong with the source branch's files. */
  problems(tip: string, problems: readonly Problem[]): void {
    void this.tell(tip, problems).catch((error: unknown) => {
      this.log.warn({ tip, error: String(error) }, 'could not tell the pull request what is wrong')
    })
  }

  async close(): Promise<void> {
    await this.queue.close(REPORT_DEADLINE_MS)
  }

  private async tell(tip: string, problems: readonly Problem[]): Promise<void> {
    const pullRequest = await this.forge.pullRequestOf(tip)
    if (pullRequest === null) return
    const { renderProblems } = await import('../forge/problems-comment.ts')
    await this.forge.comment(
      pullRequest.number,
      `${this.config.cluster.name}-problems`,
      renderProblems(this.config.cluster.name, problems),
    )
  }
}

async function metricTemplate(cluster: Cluster, namespace: string, name: string): Promise<MetricTemplate | undefined> {
  const object = await cluster.client.get({
    apiVersion: 'flagger.app/v1beta1',
    kind: 'MetricTemplate',
    namespace,
    name,
  })
  if (object === undefined) return undefined
  const { metricTemplate: template, problems } = parseMetricTemplate(object, placeInCluster(object), 'pruning')
  if (template === undefined && problems[0] !== undefined) throw problems[0]
  return template
}

/** A Secret's data, decoded; it goes nowhere but into the request that needs it. */
async function secretData(
  cluster: Cluster,
  namespace: string,
  name: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  const secret = await cluster.client.get({ apiVersion: 'v1', kind: 'Secret', namespace, name })
  if (secret === undefined) return undefined
  const data = secret['data']
  const keys = typeof data === 'object' && data !== null ? Object.keys(data) : []
  return Object.fromEntries(
    keys.map((key) => [key, Buffer.from(stringAt(secret, 'data', key) ?? '', 'base64').toString('utf8')]),
  )
}
