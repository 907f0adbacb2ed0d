import { Cluster } from '../../cluster/cluster.ts'
import type { Forge } from '../../forge/types.ts'
import type { Oid } from '../../git/types.ts'
import type { KubeObject } from '../../lib/kube-object.ts'
import { seededRandom } from '../../lib/seeded-random.ts'
import type { MetricsPort } from '../../metrics/port.ts'
import {
  createEmbeddedCluster,
  type EmbeddedCluster,
  type Interception,
} from '../../playground/cluster/embedded-cluster.ts'
import type { ApiRequest } from '../../cluster/transport.ts'
import {
  createMemoryRemote,
  type MemoryFault,
  type MemoryOperation,
  type MemoryRemote,
} from '../../playground/git-memory.ts'
import { createVirtualClock, type VirtualClock } from '../../playground/virtual-clock.ts'
import { analyse } from '../../reconciler/analysis-checks.ts'
import { memorySpool } from '../../reconciler/memory-spool.ts'
import type { Logger, Spool } from '../../reconciler/ports.ts'
import { Reconciler, type ReconcilerOptions } from '../../reconciler/reconciler.ts'
import type { Release } from '../../reconciler/reporter.ts'
import type { CanaryDefaults } from '../../reconciler/rollout-spec.ts'
import { crds } from '../../resources/crds.ts'

/** The person who merges and reverts on a stage. */
export const person = { name: 'Ada', email: 'ada@example.com' }
export const serinIdentity = { name: 'Serin', email: 'serin@localhost' }

export interface VirtualStageOptions {
  readonly seed: number
  readonly startMs: number
  /** The source branch's first commit: paths and texts. */
  readonly files: Readonly<Record<string, string>>
  /** Kinds that exist besides Kubernetes' own and Serin's, for example those of a mesh. */
  readonly definitions: readonly KubeObject[]
  readonly log: Logger
  /** The analysis intervals as they are, or longer ones. */
  readonly minIntervalMs: number
  /** What goes wrong with requests to the cluster and to Git. */
  readonly interceptApi?: (request: ApiRequest) => Interception
  readonly interceptGit?: (operation: MemoryOperation, branch: string) => MemoryFault
  readonly metrics: (stage: { readonly cluster: EmbeddedCluster; readonly clock: VirtualClock }) => MetricsPort
  readonly onSentence?: ReconcilerOptions['onSentence']
}

/** The whole world of a rehearsal in one process: virtual time, Git in memory, a cluster; and Serins that run in it. */
export interface VirtualStage {
  readonly clock: VirtualClock
  readonly remote: MemoryRemote
  readonly cluster: EmbeddedCluster
  readonly spool: Spool
  /** Starts a Serin; several may run at once. */
  start(options?: { readonly forge?: Forge; readonly spool?: Spool }): RunningSerin
  /** A person's commit on the source branch. */
  commit(files: Readonly<Record<string, string | null>>, message: string): Oid
}

/** One Serin process. */
export interface RunningSerin {
  readonly reconciler: Reconciler
  /** Rejects when it could not start. */
  readonly started: Promise<void>
  /** The last view of each pull request. */
  readonly published: ReadonlyMap<string, Release>
  /** Ends it as a kill does: it does nothing any more from now on. */
  kill(): void
}

const LOOK_EVERY_MS = 1000

/** Builds a stage. Nothing on it does real input or output, so that its clock can drive it. */
export async function createVirtualStage(options: VirtualStageOptions): Promise<VirtualStage> {
  const clock = createVirtualClock(options.startMs)
  const random = seededRandom(options.seed)
  const remote = createMemoryRemote(options.interceptGit === undefined ? {} : { intercept: options.interceptGit })
  const cluster = createEmbeddedCluster({
    clock,
    random,
    ...(options.interceptApi === undefined ? {} : { intercept: options.interceptApi }),
  })
  const commit = (files: Readonly<Record<string, string | null>>, message: string): Oid =>
    remote.commit('main', new Map(Object.entries(files)), message, person, clock.now())
  for (const definition of [...crds(), ...options.definitions]) await install(cluster, definition)
  commit(options.files, 'Start')
  const metrics = options.metrics({ cluster, clock })
  const spool = memorySpool()
  return {
    clock,
    remote,
    cluster,
    spool,
    commit,
    start: ({ forge, spool: own } = {}) =>
      startSerin({ ...options, clock, random, remote, cluster, metrics, forge, spool: own ?? spool }),
  }
}

async function install(cluster: EmbeddedCluster, definition: KubeObject): Promise<void> {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  const body = JSON.parse(JSON.stringify(definition)) as never
  const { status } = await cluster.transport.send({ method: 'POST', path, body })
  if (status !== 201) throw new Error(`the definition ${definition.metadata.name} was answered ${status}`)
}

interface StartOptions extends Omit<VirtualStageOptions, 'metrics'> {
  readonly clock: VirtualClock
  readonly random: () => number
  readonly remote: MemoryRemote
  readonly cluster: EmbeddedCluster
  readonly metrics: MetricsPort
  readonly forge: Forge | undefined
  readonly spool: Spool
}

function startSerin(options: StartOptions): RunningSerin {
  const { clock, random, remote, log, minIntervalMs } = options
  const life = new AbortController()
  const defaults: CanaryDefaults = { provider: 'istio', metricsServer: 'http://prometheus', minIntervalMs }
  const cluster = new Cluster({ transport: mortal(options.cluster.transport, life.signal), clock, random })
  const published = new Map<string, Release>()
  const none = async (): Promise<undefined> => undefined
  const reconciler = new Reconciler({
    clock,
    random,
    log,
    cluster,
    source: remote.open('main'),
    ledger: remote.open('serin/default'),
    forge: options.forge,
    spool: options.spool,
    checks: (source) =>
      analyse(source, { port: options.metrics, defaults, template: none, secret: none, signal: life.signal }),
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
    if (life.signal.aborted) return
    void reconciler.look()
    clock.after(LOOK_EVERY_MS, look)
  }
  const started = reconciler.start()
  clock.after(LOOK_EVERY_MS, look)
  return {
    reconciler,
    started,
    published,
    kill: () => {
      life.abort(new Error('killed'))
      void reconciler.stop()
      cluster.stop()
    },
  }
}

/** A transport that a dead process can't use any more. */
function mortal(transport: EmbeddedCluster['transport'], life: AbortSignal): EmbeddedCluster['transport'] {
  const check = (): void => life.throwIfAborted()
  return {
    async send(request) {
      check()
      const answer = await transport.send(request)
      check()
      return answer
    },
    async watch(request) {
      check()
      return transport.watch(request)
    },
  }
}
