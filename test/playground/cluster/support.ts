import type { ApiRequest, ApiResponse, WatchLine } from '../../../src/cluster/transport.ts'
import type { Json } from '../../../src/lib/json.ts'
import { at, numberAt, stringAt } from '../../../src/lib/json.ts'
import { createEmbeddedCluster } from '../../../src/playground/cluster/embedded-cluster.ts'
import type { ClusterSettings, EmbeddedCluster } from '../../../src/playground/cluster/embedded-cluster.ts'
import { createVirtualClock } from '../../../src/playground/virtual-clock.ts'
import type { VirtualClock } from '../../../src/playground/virtual-clock.ts'

export interface World {
  readonly cluster: EmbeddedCluster
  readonly clock: VirtualClock
  /** How many timers the cluster has set so far. */
  timers(): number
  send(method: ApiRequest['method'], path: string, body?: Json, contentType?: string): Promise<ApiResponse>
  /** Applies with a field manager; `force` takes fields from others. */
  apply(path: string, manager: string, body: Json, force?: boolean): Promise<ApiResponse>
}

export const maps = '/api/v1/namespaces/default/configmaps'
export const deployments = '/apis/apps/v1/namespaces/default/deployments'
export const merge = 'application/merge-patch+json'

/** A generator of repeatable numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

export function world(settings: Partial<ClusterSettings> = {}): World {
  const clock = createVirtualClock(Date.parse('2026-01-01T00:00:00Z'))
  let timers = 0
  const after: VirtualClock['after'] = (ms, callback) => {
    timers += 1
    return clock.after(ms, callback)
  }
  const cluster = createEmbeddedCluster({ clock: { ...clock, after }, random: seeded(1), ...settings })
  const send: World['send'] = (method, path, body, contentType) =>
    cluster.transport.send({
      method,
      path,
      ...(body === undefined ? {} : { body }),
      ...(contentType === undefined ? {} : { contentType }),
    })
  return {
    cluster,
    clock,
    timers: () => timers,
    send,
    apply: (path, manager, body, force = false) =>
      send(
        'PATCH',
        `${path}?fieldManager=${manager}${force ? '&force=true' : ''}`,
        body,
        'application/apply-patch+yaml',
      ),
  }
}

export function configMap(name: string, data: Readonly<Record<string, string>>): Json {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }
}

export interface Template {
  readonly replicas?: number
  readonly image?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly deadline?: number
}

export function deployment(
  name: string,
  { replicas = 1, image = 'app:1', annotations = {}, deadline = 600 }: Template = {},
): Json {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      progressDeadlineSeconds: deadline,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name }, annotations }, spec: { containers: [{ name: 'app', image }] } },
    },
  }
}

/** Lets the cluster settle until a Deployment has its replicas updated and available, or `ms` have passed. */
export async function rolledOut({ cluster, clock }: World, name: string, ms = 60_000): Promise<boolean> {
  return clock.run(ms, () => {
    const found = cluster.list('apps/v1', 'Deployment').find((one) => one.metadata.name === name)
    const wanted = numberAt(found, 'spec', 'replicas')
    const status = ['replicas', 'updatedReplicas', 'availableReplicas'].map(
      (field) => numberAt(found, 'status', field) ?? 0,
    )
    const isSeen = numberAt(found, 'status', 'observedGeneration') === numberAt(found, 'metadata', 'generation')
    return isSeen && status.every((count) => count === wanted)
  })
}

export function conditions(body: unknown): readonly string[] {
  const list = at(body, 'status', 'conditions')
  return (Array.isArray(list) ? list : []).map(
    (one: unknown) => `${stringAt(one, 'type')}=${stringAt(one, 'status')} ${stringAt(one, 'reason')}`,
  )
}

/** Opens a watch and collects its lines. */
export async function collect(
  { cluster }: World,
  path: string,
  signal?: AbortSignal,
): Promise<{ readonly lines: WatchLine[]; readonly done: Promise<string> }> {
  const answer = await cluster.transport.watch({ method: 'GET', path, ...(signal === undefined ? {} : { signal }) })
  if (answer.kind === 'refused') throw new Error(`refused: ${answer.response.status}`)
  const lines: WatchLine[] = []
  const read = async (): Promise<string> => {
    try {
      for await (const line of answer.lines) lines.push(line)
      return 'ended'
    } catch (error) {
      return error instanceof Error ? error.message : 'broken'
    }
  }
  return { lines, done: read() }
}
