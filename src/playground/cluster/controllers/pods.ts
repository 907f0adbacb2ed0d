import { at, isObject, stringAt } from '../../../lib/json.ts'
import type { JsonObject } from '../../../lib/json.ts'
import { draft, isList } from '../document.ts'
import type { Doc } from '../document.ts'
import type { StoredObject } from '../store.ts'
import { controllerReference, createObject, keys, update } from './tools.ts'
import type { Tools } from './tools.ts'

/** On a pod template: milliseconds until its pods are ready, instead of the cluster's. */
export const readyAfterAnnotation = 'playground.serin.dev/ready-after-ms'

/** On a pod template: its pods run and never become ready. */
export const neverReadyAnnotation = 'playground.serin.dev/never-ready'

/** Starts every new pod as a scheduler and a kubelet would. Returns what stops it. */
export function startPods(tools: Tools): () => void {
  const { context, queue } = tools
  return context.store.onChange(({ storeKey, type, object }) => {
    if (storeKey !== keys.pods || type !== 'ADDED') return
    const { namespace, name } = object.metadata
    queue.add(`pod ${namespace}/${name}`, () => schedule(tools, namespace, name))
  })
}

/** Creates a pod from a template for its controller. */
export function createPod(tools: Tools, owner: StoredObject, template: JsonObject, labels: Doc = {}): void {
  const { context } = tools
  const prefix = `${owner.metadata.name}-`
  const given = at(template, 'metadata')
  const spec = at(template, 'spec')
  const own = at(given, 'labels')
  const annotations = at(given, 'annotations')
  createObject(context, keys.pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${prefix}${context.newSuffix()}`,
      generateName: prefix,
      namespace: owner.metadata.namespace,
      labels: { ...(isObject(own) ? copy(own) : {}), ...labels },
      ...(isObject(annotations) ? { annotations: copy(annotations) } : {}),
      ownerReferences: [controllerReference(owner)],
    },
    spec: isObject(spec) ? copy(spec) : {},
    status: { phase: 'Pending', qosClass: 'BestEffort' },
  })
}

function copy(value: JsonObject): Doc {
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, member === undefined ? undefined : draft(member)]),
  )
}

/** The node that a pod's nodeSelector allows, or undefined when there is none. */
export function nodeFor(tools: Tools, spec: JsonObject | undefined): string | undefined {
  const selector = spec?.['nodeSelector']
  const wanted = Object.entries(isObject(selector) ? selector : {})
  const nodes = tools.context.store.list(keys.nodes)
  return nodes.find((node) => wanted.every(([key, value]) => node.metadata.labels?.[key] === value))?.metadata.name
}

function schedule(tools: Tools, namespace: string | undefined, name: string): void {
  const { context } = tools
  const pod = context.store.get(keys.pods, namespace, name)
  if (pod === undefined || stringAt(pod, 'spec', 'nodeName') !== undefined) return
  const now = context.timestamp()
  const node = nodeFor(tools, pod.spec)
  if (node === undefined) {
    const message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    update(context, keys.pods, pod, (next) => {
      const condition = {
        type: 'PodScheduled',
        status: 'False',
        lastTransitionTime: now,
        reason: 'Unschedulable',
        message,
      }
      next['status'] = { phase: 'Pending', qosClass: 'BestEffort', conditions: [condition] }
    })
    return
  }
  const isBroken = images(pod).some((image) => image.endsWith(':broken'))
  update(context, keys.pods, pod, (next) => {
    next['spec'] = { ...(isObject(pod.spec) ? copy(pod.spec) : {}), nodeName: node }
    next['status'] = isBroken
      ? waitingStatus(pod, now, 'ImagePullBackOff')
      : waitingStatus(pod, now, 'ContainerCreating')
  })
  if (isBroken) return
  const given = Number(pod.metadata.annotations?.[readyAfterAnnotation] ?? Number.NaN)
  const delay = Number.isFinite(given) && given >= 0 ? given : tools.podStartMs
  context.clock.after(delay, () => run(tools, namespace, name, pod.metadata.uid))
}

function run(tools: Tools, namespace: string | undefined, name: string, uid: string | undefined): void {
  const { context } = tools
  const pod = context.store.get(keys.pods, namespace, name)
  if (pod === undefined || pod.metadata.uid !== uid) return
  const isReady = pod.metadata.annotations?.[neverReadyAnnotation] !== 'true'
  update(context, keys.pods, pod, (next) => {
    next['status'] = runningStatus(pod, context.timestamp(), isReady, addressOf(uid ?? ''))
  })
}

function images(pod: StoredObject): readonly string[] {
  const containers = at(pod, 'spec', 'containers')
  return (isList(containers) ? containers : []).map((container) => stringAt(container, 'image') ?? '')
}

function containerNames(pod: StoredObject): readonly (readonly [name: string, image: string])[] {
  const containers = at(pod, 'spec', 'containers')
  return (isList(containers) ? containers : []).map(
    (one) => [stringAt(one, 'name') ?? '', stringAt(one, 'image') ?? ''] as const,
  )
}

function conditions(now: string, since: string, isReady: boolean): Doc[] {
  const state = isReady ? 'True' : 'False'
  const condition = (type: string, status: string, time: string): Doc => ({ type, status, lastTransitionTime: time })
  return [
    condition('PodScheduled', 'True', since),
    condition('Initialized', 'True', since),
    condition('ContainersReady', state, now),
    condition('Ready', state, now),
  ]
}

function waitingStatus(pod: StoredObject, now: string, reason: string): Doc {
  return {
    phase: 'Pending',
    conditions: conditions(now, now, false),
    hostIP: '10.0.0.1',
    startTime: now,
    containerStatuses: containerNames(pod).map(([name, image]) => {
      return { name, image, imageID: '', ready: false, started: false, restartCount: 0, state: { waiting: { reason } } }
    }),
    qosClass: 'BestEffort',
  }
}

function runningStatus(pod: StoredObject, now: string, isReady: boolean, address: string): Doc {
  const since = stringAt(pod, 'status', 'startTime') ?? now
  return {
    phase: 'Running',
    conditions: conditions(now, since, isReady),
    hostIP: '10.0.0.1',
    podIP: address,
    podIPs: [{ ip: address }],
    startTime: since,
    containerStatuses: containerNames(pod).map(([name, image]) => {
      const state = { running: { startedAt: now } }
      return { name, image, imageID: image, ready: isReady, started: true, restartCount: 0, state }
    }),
    qosClass: 'BestEffort',
  }
}

function addressOf(uid: string): string {
  return `10.244.${Number.parseInt(uid.slice(0, 2), 16)}.${(Number.parseInt(uid.slice(2, 4), 16) % 253) + 1}`
}

/** When a pod became ready, in milliseconds since the epoch; undefined when it is not. */
export function readySince(pod: StoredObject): number | undefined {
  const conditions = at(pod, 'status', 'conditions')
  const ready = (isList(conditions) ? conditions : []).find((condition) => stringAt(condition, 'type') === 'Ready')
  const since = stringAt(ready, 'lastTransitionTime')
  return stringAt(ready, 'status') === 'True' && since !== undefined ? Date.parse(since) : undefined
}
