import { installDefinitions } from '../../playground/cluster/install-definitions.ts'
import type { ApiRequest } from '../../cluster/transport.ts'
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
import {
  createMemoryRemote,
  type MemoryFault,
  type MemoryOperation,
  type MemoryRemote,
  type MemoryRemoteOptions,
} from '../../playground/git-memory.ts'
import { createVirtualClock, type VirtualClock } from '../../playground/virtual-clock.ts'
import { memorySpool } from '../../reconciler/memory-spool.ts'
import type { Logger, Spool } from '../../reconciler/ports.ts'
import type { ReconcilerOptions } from '../../reconciler/reconciler.ts'
import { crds } from '../../resources/crds.ts'
import type { Fate, OutsideCall } from './outside.ts'
import { startStagedSerin, type RunningSerin } from './staged-serin.ts'

export { serinIdentity, type RunningSerin } from './staged-serin.ts'

/** The person who merges and reverts on a stage. */
export const person = { name: 'Ada', email: 'ada@example.com' }

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
  /** How often a Serin looks at both branches; 1,000 ms when absent. */
  readonly lookEveryMs?: number
  /** The version of autoscalers that the cluster serves; `v2` when absent. */
  readonly autoscaling?: 'v2' | 'v2beta2'
  /** What goes wrong with requests to the cluster and to Git. */
  readonly interceptApi?: (request: ApiRequest) => Interception
  readonly interceptGit?: (operation: MemoryOperation, branch: string) => MemoryFault
  /** What becomes of a Serin that makes a call; each passes when absent. */
  readonly fateOf?: (call: OutsideCall) => Fate
  /** Told of each branch that has moved on the server. */
  readonly onMoved?: MemoryRemoteOptions['onMoved']
  readonly metrics: (stage: { readonly cluster: EmbeddedCluster; readonly clock: VirtualClock }) => MetricsPort
  readonly onSentence?: ReconcilerOptions['onSentence']
}

export interface StartOptions {
  readonly forge?: Forge
  readonly spool?: Spool
  readonly namespaces?: readonly string[]
}

/** The whole world of a rehearsal in one process: virtual time, Git in memory, a cluster; and Serins that run in it. */
export interface VirtualStage {
  readonly clock: VirtualClock
  readonly remote: MemoryRemote
  readonly cluster: EmbeddedCluster
  readonly spool: Spool
  /** Starts a Serin; several may run at once. Without a spool of its own it shares the stage's; without a list it looks after all namespaces. */
  start(options?: StartOptions): RunningSerin
  /** A person's commit on the source branch. */
  commit(files: Readonly<Record<string, string | null>>, message: string): Oid
}

/** Builds a stage. Nothing on it does real input or output, so that its clock can drive it. */
export async function createVirtualStage(options: VirtualStageOptions): Promise<VirtualStage> {
  const clock = createVirtualClock(options.startMs)
  const random = seededRandom(options.seed)
  const remote = createMemoryRemote({
    ...(options.interceptGit === undefined ? {} : { intercept: options.interceptGit }),
    ...(options.onMoved === undefined ? {} : { onMoved: options.onMoved }),
  })
  const cluster = createEmbeddedCluster({
    clock,
    random,
    ...(options.autoscaling === undefined ? {} : { autoscaling: options.autoscaling }),
    ...(options.interceptApi === undefined ? {} : { intercept: options.interceptApi }),
  })
  installDefinitions(cluster, [...crds(), ...options.definitions])
  const commit = (files: Readonly<Record<string, string | null>>, message: string): Oid =>
    remote.commit('main', new Map(Object.entries(files)), message, person, clock.now())
  commit(options.files, 'Start')
  const metrics = options.metrics({ cluster, clock })
  const spool = memorySpool()
  let processes = 0
  const { log, minIntervalMs, lookEveryMs = 1000, onSentence, fateOf = () => ({ kind: 'pass' }) } = options
  const everywhere = { clock, random, remote, cluster, metrics, log, minIntervalMs, lookEveryMs, fateOf, onSentence }
  return {
    clock,
    remote,
    cluster,
    spool,
    commit,
    start: ({ forge, spool: own, namespaces = [] } = {}) => {
      processes += 1
      return startStagedSerin({ ...everywhere, process: processes, forge, spool: own ?? spool, namespaces })
    },
  }
}
