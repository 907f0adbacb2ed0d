import type { ApiContext } from '../api/context.ts'
import { startAutoscalers } from './autoscalers.ts'
import { startDaemonSets } from './daemon-sets.ts'
import { startDefinitions } from './definitions.ts'
import { startDeployments } from './deployments.ts'
import { startGarbage } from './garbage.ts'
import { startNamespaces } from './namespaces.ts'
import { OwnerIndex } from './owners.ts'
import { startPods } from './pods.ts'
import { WorkQueue } from './queue.ts'
import { startReplicaSets } from './replica-sets.ts'
import { createObject, keys } from './tools.ts'
import type { Tools } from './tools.ts'

/** How the controllers pace themselves. */
export interface ControllerSettings {
  /** How long a pod takes to become ready, in milliseconds. */
  readonly podStartMs: number
}

const starters = [
  startDefinitions,
  startNamespaces,
  startPods,
  startReplicaSets,
  startDeployments,
  startDaemonSets,
  startAutoscalers,
  startGarbage,
]

/** Starts the controllers and puts the furniture of a new cluster in place. Returns what stops them. */
export function startControllers(context: ApiContext, settings: ControllerSettings): () => void {
  const queue = new WorkQueue(context.clock)
  const tools: Tools = { context, queue, owners: new OwnerIndex(context.store), podStartMs: settings.podStartMs }
  const stops = starters.map((start) => start(tools))
  for (const name of ['default', 'kube-system']) createNamespace(context, name)
  createNode(context)
  queue.flush()
  return () => {
    for (const stop of stops) stop()
    queue.stop()
  }
}

function createNamespace(context: ApiContext, name: string): void {
  createObject(context, keys.namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  })
}

function createNode(context: ApiContext): void {
  const name = 'serin-node'
  const labels = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' }
  const since = context.timestamp()
  createObject(context, keys.nodes, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    spec: {},
    status: {
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '', lastTransitionTime: since }],
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
    },
  })
}
