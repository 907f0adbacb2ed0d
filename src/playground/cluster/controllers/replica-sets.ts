import { at, isObject, numberAt } from '../../../lib/json.ts'
import type { StoredObject } from '../store.ts'
import { controllerOf } from './owners.ts'
import { createPod, readySince } from './pods.ts'
import { counts, keys, update } from './tools.ts'
import type { Tools } from './tools.ts'

/** More pods of one ReplicaSet than this are never made: a slip of the keyboard must not fill the memory. */
const podLimit = 1000

/** Keeps as many pods as each ReplicaSet wants, and its status. Returns what stops it. */
export function startReplicaSets(tools: Tools): () => void {
  return tools.context.store.onChange(({ storeKey, object }) => {
    const { namespace } = object.metadata
    if (storeKey === keys.replicaSets) enqueue(tools, namespace, object.metadata.name)
    const owner = storeKey === keys.pods ? controllerOf(object) : undefined
    if (owner?.kind === 'ReplicaSet') enqueue(tools, namespace, owner.name)
  })
}

function enqueue(tools: Tools, namespace: string | undefined, name: string): void {
  tools.queue.add(`rs ${namespace}/${name}`, () => reconcile(tools, namespace, name))
}

function reconcile(tools: Tools, namespace: string | undefined, name: string): void {
  const { context } = tools
  const set = context.store.get(keys.replicaSets, namespace, name)
  if (set === undefined || set.metadata.deletionTimestamp !== undefined) return
  const pods = podsOf(tools, set)
  const wanted = Math.min(podLimit, numberAt(set, 'spec', 'replicas') ?? 0)
  const template = at(set, 'spec', 'template')
  if (pods.length < wanted && isObject(template)) {
    for (let missing = wanted - pods.length; missing > 0; missing -= 1) createPod(tools, set, template)
  }
  for (const pod of surplus(pods, wanted)) context.store.remove(keys.pods, pod)
  writeStatus(tools, set)
}

function podsOf(tools: Tools, set: StoredObject): readonly StoredObject[] {
  return tools.owners.ofKind(set.metadata.uid, keys.pods).filter((pod) => pod.metadata.deletionTimestamp === undefined)
}

// Pods that are not ready go first, then the youngest.
function surplus(pods: readonly StoredObject[], wanted: number): readonly StoredObject[] {
  if (pods.length <= wanted) return []
  const rank = (pod: StoredObject): number => (readySince(pod) === undefined ? 0 : 1)
  return pods
    .toReversed()
    .toSorted((left, right) => rank(left) - rank(right))
    .slice(0, pods.length - wanted)
}

function writeStatus(tools: Tools, set: StoredObject): void {
  const { context, queue } = tools
  const pods = podsOf(tools, set)
  const minReadyMs = (numberAt(set, 'spec', 'minReadySeconds') ?? 0) * 1000
  const now = context.clock.now()
  const ready = pods.map(readySince).filter((since) => since !== undefined)
  const waiting = ready.map((since) => since + minReadyMs - now).filter((left) => left > 0 && minReadyMs > 0)
  update(context, keys.replicaSets, set, (draft) => {
    draft['status'] = {
      ...counts({
        fullyLabeledReplicas: pods.length,
        readyReplicas: ready.length,
        availableReplicas: ready.length - waiting.length,
        observedGeneration: set.metadata.generation ?? 0,
      }),
      replicas: pods.length,
    }
  })
  if (waiting.length === 0) return
  const { namespace, name } = set.metadata
  queue.addAfter(`rs ${namespace}/${name}`, Math.min(...waiting), () => reconcile(tools, namespace, name))
}
