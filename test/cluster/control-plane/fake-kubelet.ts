import { createClient, type Client } from '../../../src/cluster/client.ts'
import { ClusterCache } from '../../../src/cluster/cache.ts'
import type { KubeTransport } from '../../../src/cluster/transport.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { at, numberAt, stringAt, type JsonObject } from '../../../src/lib/json.ts'
import { refOf, type KubeObject } from '../../../src/lib/kube-object.ts'
import { Problem } from '../../../src/lib/problem.ts'

/** What pods are told to do, by annotations on them. */
export const PodAnnotation = {
  /** Milliseconds until the pod is ready; 50 when absent. */
  readyAfterMs: 'kubelet.test/ready-after-ms',
  /** `true`: it runs and never gets ready. */
  neverReady: 'kubelet.test/never-ready',
  /** `true`: its containers end with code 1 and are restarted in vain. */
  crash: 'kubelet.test/crash',
  /** `true`: its images can't be pulled. An image whose tag begins with `broken` can't be pulled either. */
  failPull: 'kubelet.test/fail-pull',
} as const

/** The label of nodes that only seem to be. */
export const FAKE_NODE_LABEL = 'kubelet.test/fake'

export interface FakeKubeletOptions {
  readonly transport: KubeTransport
  /** How many nodes to make; 2 when absent. */
  readonly nodes?: number
  /** Where a failure of a request goes that is not tried again; thrown away when absent. */
  readonly onProblem?: (problem: Problem) => void
}

export interface FakeKubelet {
  stop(): Promise<void>
}

const DEFAULT_READY_MS = 50
const RETRY_MS = 200

/**
 * Plays the kubelets of a control plane without machines: makes nodes ready, and takes each pod that the scheduler bound
 * to one of them through its life, as its annotations say. Pods get addresses of 10.128.0.0/9 that nobody answers.
 */
export async function startFakeKubelet(options: FakeKubeletOptions): Promise<FakeKubelet> {
  const client = createClient(options.transport)
  const names = Array.from({ length: options.nodes ?? 2 }, (_, index) => `fake-node-${index}`)
  for (const name of names) await makeNode(client, name)
  const cache = new ClusterCache({
    client,
    clock: systemClock,
    fieldManagers: [],
    random: Math.random,
    onProblem: tell,
  })
  const pods = new PodKeeper(client, cache, options.transport, new Set(names))
  cache.onChange((ref) => ref.kind === 'Pod' && pods.look(`${ref.namespace}/${ref.name}`))
  await cache.ensure({ apiVersion: 'v1', kind: 'Pod' })
  for (const pod of cache.list('v1', 'Pod')) pods.look(keyOf(pod))
  return {
    async stop() {
      cache.stop()
      await pods.stop()
    },
  }

  function tell(problem: Problem): void {
    options.onProblem?.(problem)
  }
}

/** A ready Node without taints. One that is there already is taken as it is. */
async function makeNode(client: Client, name: string): Promise<void> {
  const ref = { apiVersion: 'v1', kind: 'Node', name }
  if ((await client.get(ref)) === undefined) {
    const metadata = { name, labels: { [FAKE_NODE_LABEL]: 'true' } }
    await client.create({ apiVersion: 'v1', kind: 'Node', metadata }, { fieldManager: 'fake-kubelet' })
  }
  const now = new Date().toISOString()
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  }
  const capacity = { cpu: '64', memory: '256Gi', pods: '1000' }
  const status = { conditions: [ready], capacity, allocatable: capacity, nodeInfo: nodeInfo() }
  await client.patch(ref, { type: 'merge', body: { status }, fieldManager: 'fake-kubelet', subresource: 'status' })
  // The controller that would take the taint of a new node away is not run: nodes here have no heartbeat.
  await client.patch(ref, { type: 'merge', body: { spec: { taints: null } }, fieldManager: 'fake-kubelet' })
}

/** All of it is required. */
function nodeInfo(): JsonObject {
  const names = ['machineID', 'systemUUID', 'bootID', 'kernelVersion', 'osImage', 'containerRuntimeVersion']
  const more = ['kubeletVersion', 'kubeProxyVersion', 'operatingSystem', 'architecture']
  return Object.fromEntries([...names, ...more].map((name) => [name, 'fake']))
}

/** Brings each pod's status, one step at a time, to what it should say now. */
class PodKeeper {
  private readonly client: Client
  private readonly cache: ClusterCache
  private readonly transport: KubeTransport
  private readonly nodes: ReadonlySet<string>
  private readonly timers = new Map<string, NodeJS.Timeout>()
  private readonly running = new Map<string, Promise<void>>()
  /** Address and time of readiness, from when a pod was first seen on a node. */
  private readonly born = new Map<string, Birth>()
  private isStopped = false

  constructor(client: Client, cache: ClusterCache, transport: KubeTransport, nodes: ReadonlySet<string>) {
    this.client = client
    this.cache = cache
    this.transport = transport
    this.nodes = nodes
  }

  /** Something may have changed about a pod: one look at a time. */
  look(key: string, afterMs = 0): void {
    if (this.isStopped) return
    clearTimeout(this.timers.get(key))
    this.timers.set(
      key,
      setTimeout(() => {
        this.timers.delete(key)
        const before = this.running.get(key) ?? Promise.resolve()
        const work = before.then(() => this.step(key))
        this.running.set(key, work)
        void work.finally(() => this.running.get(key) === work && this.running.delete(key))
      }, afterMs),
    )
  }

  async stop(): Promise<void> {
    this.isStopped = true
    for (const timer of this.timers.values()) clearTimeout(timer)
    await Promise.all(this.running.values())
  }

  private async step(key: string): Promise<void> {
    const [namespace = '', name = ''] = key.split('/')
    const pod = this.cache.get({ apiVersion: 'v1', kind: 'Pod', namespace, name })
    if (this.isStopped) return
    if (pod === undefined) return void this.born.delete(key)
    if (!this.nodes.has(stringAt(pod, 'spec', 'nodeName') ?? '')) return
    try {
      if (pod.metadata.deletionTimestamp !== undefined) await this.remove(pod)
      else await this.settle(pod)
    } catch (error) {
      // Changed or gone meanwhile, or a server that restarts: what is there then is looked at again.
      if (!(error instanceof Problem)) throw error
      this.look(key, RETRY_MS)
    }
  }

  private async remove({ metadata }: KubeObject): Promise<void> {
    const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`
    const preconditions = metadata.uid === undefined ? {} : { uid: metadata.uid }
    await this.transport.send({ method: 'DELETE', path, body: { gracePeriodSeconds: 0, preconditions } })
  }

  private async settle(pod: KubeObject): Promise<void> {
    const { readyAtMs, address } = this.birthOf(pod)
    const waitMs = readyAtMs - Date.now()
    const state = fateOf(pod, waitMs <= 0)
    const status = statusOf(pod, state, address)
    if (!isSame(pod, status)) {
      const patched = { type: 'merge', body: { status }, fieldManager: 'fake-kubelet', subresource: 'status' } as const
      this.cache.wrote(await this.client.patch(refOf(pod), patched))
    }
    if (state === 'starting') this.look(keyOf(pod), waitMs)
  }

  private birthOf(pod: KubeObject): Birth {
    const key = keyOf(pod)
    const known = this.born.get(key)
    if (known !== undefined && known.uid === pod.metadata.uid) return known
    const address = stringAt(pod, 'status', 'podIP') ?? randomAddress()
    // One that is ready already was so for a fake kubelet that ran before.
    const readyAtMs = isReady(pod) ? 0 : Date.now() + readyAfterMs(pod)
    const birth = { uid: pod.metadata.uid, address, readyAtMs }
    this.born.set(key, birth)
    return birth
  }
}

interface Birth {
  readonly uid: string | undefined
  readonly address: string
  readonly readyAtMs: number
}

function randomAddress(): string {
  const part = (): number => Math.trunc(Math.random() * 254) + 1
  return `10.${128 + Math.trunc(Math.random() * 127)}.${part()}.${part()}`
}

function isReady(pod: KubeObject): boolean {
  const conditions = at(pod, 'status', 'conditions')
  if (!Array.isArray(conditions)) return false
  return conditions.some((one) => stringAt(one, 'type') === 'Ready' && stringAt(one, 'status') === 'True')
}

function statusOf(pod: KubeObject, state: PodState, podIP: string): JsonObject {
  const ready = state === 'ready'
  const since = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const condition = (type: string, holds: boolean): JsonObject => ({
    type,
    status: holds ? 'True' : 'False',
    lastTransitionTime: since,
  })
  return {
    phase: state === 'no-image' ? 'Pending' : 'Running',
    podIP,
    startTime: pod.metadata.creationTimestamp ?? since,
    conditions: [
      condition('Initialized', true),
      condition('PodScheduled', true),
      condition('ContainersReady', ready),
      condition('Ready', ready),
    ],
    containerStatuses: containersOf(pod).map(({ name, image }) => ({
      name,
      image,
      imageID: image,
      ready,
      restartCount: state === 'crashing' ? 3 : 0,
      state: containerState(state, image, since),
    })),
  }
}

type PodState = 'starting' | 'ready' | 'unready' | 'crashing' | 'no-image'

function fateOf(pod: KubeObject, isTime: boolean): PodState {
  const says = (name: string): boolean => pod.metadata.annotations?.[name] === 'true'
  const isBroken = containersOf(pod).some(({ image }) => /:broken[^/]*$/.test(image))
  if (says(PodAnnotation.failPull) || isBroken) return 'no-image'
  if (says(PodAnnotation.crash)) return 'crashing'
  if (says(PodAnnotation.neverReady)) return 'unready'
  return isTime ? 'ready' : 'starting'
}

function readyAfterMs(pod: KubeObject): number {
  const text = pod.metadata.annotations?.[PodAnnotation.readyAfterMs]
  const ms = text === undefined ? DEFAULT_READY_MS : Number(text)
  return Number.isFinite(ms) && ms >= 0 ? ms : DEFAULT_READY_MS
}

function containerState(state: PodState, image: string, since: string): JsonObject {
  if (state === 'no-image') {
    return { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` } }
  }
  if (state === 'crashing') {
    return { waiting: { reason: 'CrashLoopBackOff', message: 'back-off restarting failed container' } }
  }
  return { running: { startedAt: since } }
}

function containersOf(pod: KubeObject): readonly { name: string; image: string }[] {
  const containers = at(pod, 'spec', 'containers')
  if (!Array.isArray(containers)) return []
  return containers.map((one) => ({ name: stringAt(one, 'name') ?? '', image: stringAt(one, 'image') ?? '' }))
}

/** Whether a pod's status says it already. Times do not count. */
function isSame(pod: KubeObject, wanted: JsonObject): boolean {
  const digest = (status: unknown): string => {
    const conditions = at(status, 'conditions')
    const containers = at(status, 'containerStatuses')
    const ready = Array.isArray(conditions) ? conditions.filter((c) => stringAt(c, 'status') === 'True').length : 0
    const waits = Array.isArray(containers)
      ? containers.map((c) => `${stringAt(c, 'state', 'waiting', 'reason')} ${numberAt(c, 'restartCount')}`)
      : []
    return `${stringAt(status, 'phase')} ${ready} ${waits.join()}`
  }
  return digest(pod['status']) === digest(wanted)
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace}/${metadata.name}`
}
