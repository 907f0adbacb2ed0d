import { schedule, setLogger, type ScheduledTask } from 'node-cron'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Cluster } from '../cluster/cluster.ts'
import { createClusterClock } from '../cluster/cluster-clock.ts'
import { connectCluster } from '../cluster/transport-http.ts'
import type { Config } from '../config/config.ts'
import { forgeToken, repositoryCredentials, webhookSecret } from '../config/secrets.ts'
import { createGitHub } from '../forge/github.ts'
import type { Forge } from '../forge/types.ts'
import { openBranch } from '../git/open-branch.ts'
import { systemClock } from '../lib/clock.ts'
import { Problem } from '../lib/problem.ts'
import { dedupe } from '../metrics/dedupe.ts'
import { createPrometheus } from '../metrics/prometheus.ts'
import { analyse } from '../reconciler/analysis-checks.ts'
import { diskSpool } from '../reconciler/disk-spool.ts'
import type { Logger } from '../reconciler/ports.ts'
import { Reconciler, type ReconcilerOptions } from '../reconciler/reconciler.ts'
import type { CanaryDefaults } from '../reconciler/rollout-spec.ts'
import { clusterNews } from './cluster-news.ts'
import { metricTemplate, secretData } from './cluster-reads.ts'
import { observer } from './observe.ts'
import { Reports } from './reports.ts'
import { startServer } from '../server/http.ts'
import { Metrics } from '../server/metrics.ts'
import { version } from './version.ts'

export interface SerinProcessOptions {
  readonly config: Config
  readonly kubeconfigPath: string | undefined
  readonly context: string | undefined
  readonly log: Logger
  /** How long the cluster may take for one answer, in milliseconds; 30 s when absent. */
  readonly clusterDeadlineMs?: number
  readonly onSentence?: ReconcilerOptions['onSentence']
}

/** Whether all that is needed can be reached, and if not, why. */
interface Readiness {
  readonly ok: boolean
  readonly reasons: readonly string[]
}

/** A running reconciler with its connections. */
export interface SerinProcess {
  /** Looks at both branches now. */
  look(): Promise<void>
  ready(): Readiness
  /** `http://host:port` of health, metrics and webhooks. */
  readonly url: string
  /** Finishes what runs, hands over what waits to be reported, closes everything. */
  stop(): Promise<void>
}

const REQUEST_TIMEOUT_MS = 30_000
/** How long the end waits for Kubernetes events that were not sent yet, in milliseconds. */
const EVENTS_GRACE_MS = 2_000

async function makeDataDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((error: unknown) => {
    throw new Problem({
      kind: 'stalled',
      code: 'DATA_DIRECTORY_UNUSABLE',
      place: path,
      message: `the data directory can not be made (${error instanceof Error && 'code' in error ? String(error.code) : 'failed'})`,
      hint: 'set dataDirectory to a folder that can be written',
      cause: error,
    })
  })
}

/** The outside as a configuration names it; nothing has been asked of it yet. */
async function connect(options: SerinProcessOptions) {
  const { config, log, kubeconfigPath, context, clusterDeadlineMs = REQUEST_TIMEOUT_MS } = options
  await makeDataDirectory(config.dataDirectory)
  const news = clusterNews(log, systemClock)
  const clock = createClusterClock({ clock: systemClock, onSkew: (aheadMs) => news.skew(aheadMs) })
  const connection = await connectCluster({
    userAgent: `serin/${version}`,
    kubeconfigPath,
    context,
    deadlineMs: clusterDeadlineMs,
    onServerTime: (serverMs) => {
      clock.heard(serverMs)
      news.answered()
    },
  })
  const cluster = new Cluster({
    transport: connection.transport,
    clock,
    onProblem: (problem) => news.problem(problem),
  })
  const branch = (name: string): ReturnType<typeof openBranch> =>
    openBranch({
      url: config.repository.url,
      branch: name,
      directory: join(config.dataDirectory, 'git'),
      credentials: () => repositoryCredentials(config),
      clock: systemClock,
      timeoutMs: REQUEST_TIMEOUT_MS,
    })
  const source = branch(config.repository.branch)
  const ledger = branch(config.ledger.branch)
  const prometheus = createPrometheus()
  return {
    cluster,
    clock,
    source,
    ledger,
    prometheus,
    forge: forgeOf(config),
    close: async () => {
      await Promise.race([cluster.events.idle(), systemClock.sleep(EVENTS_GRACE_MS)])
      cluster.stop()
      await Promise.all([source.close(), ledger.close(), prometheus.close(), connection.close()])
    },
  }
}

/** Connects everything that a configuration names and starts reconciling. Rejects with a Problem where that can't work. */
export async function startSerin(options: SerinProcessOptions): Promise<SerinProcess> {
  const { config, log } = options
  const stopping = new AbortController()
  const outside = await connect(options)
  const { cluster, forge } = outside
  const reports = forge === undefined ? undefined : new Reports(forge, config, log)
  const metrics = new Metrics({ version, provider: config.provider, flagger: true })
  const observe = observer(metrics)
  const defaults: CanaryDefaults = {
    provider: config.provider,
    metricsServer: config.metricsServer,
    minIntervalMs: config.minimumIntervalMs,
  }
  const port = dedupe(outside.prometheus)
  const reconciler = new Reconciler({
    clock: outside.clock,
    random: Math.random,
    log,
    cluster,
    namespaces: config.cluster.namespaces,
    source: outside.source,
    ledger: outside.ledger,
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
    observe: (key, context, entry) => observe(key, context.spec, entry),
    onSourceProblems: (tip, problems) => reports?.problems(tip, problems),
    onSentence: options.onSentence,
  })
  const ready = (): Readiness => withCluster(reconciler.ready(), cluster)
  const secret = await webhookSecret(config)
  if (secret === undefined) warnUnsigned(log)
  const server = await startServer({
    host: config.server.host,
    port: config.server.port,
    registry: metrics.registry,
    ready,
    ...(secret === undefined ? {} : { webhookSecret: secret }),
    onPush: () => void reconciler.look(),
  })
  const poll = await startPolling(config, log, reconciler)
  return {
    look: () => reconciler.look(),
    ready,
    url: server.url,
    async stop() {
      await poll.destroy()
      await server.close()
      await reconciler.stop()
      stopping.abort(new Error('stopping'))
      await reports?.close()
      await outside.close()
    },
  }
}

/** A kind that is not followed is named; one that the cluster does not serve may not be needed, or its canary says so. */
function withCluster({ ok, reasons }: Readiness, cluster: Cluster): Readiness {
  const problems = cluster.status().flatMap(({ problem }) => (problem === undefined ? [] : [problem]))
  const told = problems.filter(({ kind }) => kind !== 'wait').map((problem) => problem.toString())
  return told.length === 0 ? { ok, reasons } : { ok: false, reasons: [...reasons, ...new Set(told)] }
}

/** Whoever reaches the port can then make Serin look at the branches, and nothing else. */
function warnUnsigned(log: Logger): void {
  const hint = 'set server.webhookSecret or server.webhookSecretFile'
  log.warn({ hint }, 'push webhooks are taken without a signature')
}

/** Reads the ledger, takes the first look, and then looks on schedule. */
async function startPolling(config: Config, log: Logger, reconciler: Reconciler): Promise<ScheduledTask> {
  setLogger(cronLog(log))
  await reconciler.start()
  return schedule(config.repository.poll, () => reconciler.look(), { noOverlap: true, suppressMissedWarning: true })
}

/** The schedule's library has things to say by itself. */
function cronLog(log: Logger): Parameters<typeof setLogger>[0] {
  return {
    info: (message) => log.debug({ message: String(message) }, 'schedule'),
    // A look that outlasts the schedule's step leaves one out: that is how it is meant.
    warn: (message) => log.debug({ message: String(message) }, 'schedule'),
    error: (message) => log.error({ message: String(message) }, 'schedule'),
    debug: (message) => log.debug({ message: String(message) }, 'schedule'),
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
