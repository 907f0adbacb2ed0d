import { Cluster } from '../../cluster/cluster.ts'
import type { KubeTransport } from '../../cluster/transport.ts'
import type { Forge } from '../../forge/types.ts'
import type { Clock } from '../../lib/clock.ts'
import type { MemoryRemote } from '../../playground/git-memory.ts'
import type { MetricsPort } from '../../metrics/port.ts'
import { analyse } from '../../reconciler/analysis-checks.ts'
import type { Logger, Spool } from '../../reconciler/ports.ts'
import { Reconciler, type ReconcilerOptions } from '../../reconciler/reconciler.ts'
import type { Release } from '../../reconciler/reporter.ts'
import type { CanaryDefaults } from '../../reconciler/rollout-spec.ts'
import { Life } from './life.ts'
import { outsideOf, type Fate, type OutsideCall } from './outside.ts'

export const serinIdentity = { name: 'Serin', email: 'serin@localhost' }
/** The ledger of every Serin on a stage. */
export const ledgerBranch = 'serin/default'

/** One Serin process. */
export interface RunningSerin {
  /** From 1, in the order of starting. */
  readonly process: number
  readonly reconciler: Reconciler
  /** Rejects when it could not start; stays open when it is killed before. */
  readonly started: Promise<void>
  /** The last view of each pull request. */
  readonly published: ReadonlyMap<string, Release>
  readonly isDead: boolean
  /** Ends it as a kill does: it does nothing any more from now on. */
  kill(): void
  /** All of it stands still until it is resumed; it goes on with what it knew. */
  pause(): void
  resume(): void
  /** Breaks its open watches. */
  cutWatches(): void
}

export interface StagedSerinOptions {
  readonly process: number
  readonly clock: Clock
  readonly random: () => number
  readonly remote: MemoryRemote
  readonly cluster: { readonly transport: KubeTransport }
  readonly metrics: MetricsPort
  readonly forge: Forge | undefined
  readonly spool: Spool
  readonly log: Logger
  readonly minIntervalMs: number
  /** How often it looks at both branches. */
  readonly lookEveryMs: number
  /** The namespaces that it looks after; all when empty. */
  readonly namespaces: readonly string[]
  readonly fateOf: (call: OutsideCall) => Fate
  readonly onSentence: ReconcilerOptions['onSentence']
}

/** Starts a Serin whose every call to the outside may be its last. */
export function startStagedSerin(options: StagedSerinOptions): RunningSerin {
  const { random, remote, log, minIntervalMs, lookEveryMs, process } = options
  const life = new Life(options.clock)
  const { clock } = life
  const outside = outsideOf({ life, process, clock: options.clock, fateOf: options.fateOf })
  const defaults: CanaryDefaults = { provider: 'istio', metricsServer: 'http://prometheus', minIntervalMs }
  const cluster = new Cluster({ transport: outside.transport(options.cluster.transport), clock, random })
  const port = outside.metrics(options.metrics)
  const published = new Map<string, Release>()
  const none = async (): Promise<undefined> => undefined
  const signal = new AbortController().signal
  const reconciler = new Reconciler({
    clock,
    random,
    log,
    cluster,
    namespaces: options.namespaces,
    source: outside.branch(remote.open('main')),
    ledger: outside.branch(remote.open(ledgerBranch)),
    forge: options.forge,
    spool: outside.spool(options.spool),
    checks: (source) => analyse(source, { port, defaults, template: none, secret: none, signal }),
    identity: serinIdentity,
    paths: ['.'],
    rollbackMode: 'commit',
    pushIntervalMs: 0,
    defaults,
    publish: (release) => void published.set(release.pullRequest, release),
    observe: () => {},
    onSourceProblems: () => {},
    onSentence: options.onSentence,
  })
  const look = (): void => {
    void reconciler.look()
    clock.after(lookEveryMs, look)
  }
  const started = reconciler.start()
  clock.after(lookEveryMs, look)
  return {
    process,
    reconciler,
    started,
    published,
    get isDead() {
      return life.isDead
    },
    kill: () => life.kill(),
    pause: () => life.pause(),
    resume: () => life.resume(),
    cutWatches: () => life.cutWatches(),
  }
}
