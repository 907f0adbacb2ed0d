import { at, isObject } from '../../../lib/json.ts'
import type { StoredObject } from '../store.ts'
import { controllerOf } from './owners.ts'
import { createPod, nodeFor, readySince } from './pods.ts'
import { templateHash } from './template-hash.ts'
import { counts, keys, update } from './tools.ts'
import type { Tools } from './tools.ts'

const hashLabel = 'controller-revision-hash'

/** Keeps one pod on the node for each DaemonSet whose nodeSelector allows it, and the status. Returns what stops it. */
export function startDaemonSets(tools: Tools): () => void {
  return tools.context.store.onChange(({ storeKey, object }) => {
    const { namespace } = object.metadata
    if (storeKey === keys.daemonSets) enqueue(tools, namespace, object.metadata.name)
    const owner = storeKey === keys.pods ? controllerOf(object) : undefined
    if (owner?.kind === 'DaemonSet') enqueue(tools, namespace, owner.name)
  })
}

function enqueue(tools: Tools, namespace: string | undefined, name: string): void {
  tools.queue.add(`ds ${namespace}/${name}`, () => reconcile(tools, namespace, name))
}

function reconcile(tools: Tools, namespace: string | undefined, name: string): void {
  const { context } = tools
  const set = context.store.get(keys.daemonSets, namespace, name)
  const template = at(set, 'spec', 'template')
  if (set === undefined || set.metadata.deletionTimestamp !== undefined || !isObject(template)) return
  const spec = at(template, 'spec')
  const wanted = nodeFor(tools, isObject(spec) ? spec : undefined) === undefined ? 0 : 1
  const hash = templateHash(template)
  const isCurrent = (pod: StoredObject): boolean => pod.metadata.labels?.[hashLabel] === hash
  const before = tools.owners.ofKind(set.metadata.uid, keys.pods)
  for (const pod of before) if (wanted === 0 || !isCurrent(pod)) context.store.remove(keys.pods, pod)
  if (wanted === 1 && !before.some(isCurrent)) createPod(tools, set, template, { [hashLabel]: hash })
  const pods = tools.owners.ofKind(set.metadata.uid, keys.pods)
  const ready = pods.filter((pod) => readySince(pod) !== undefined).length
  update(context, keys.daemonSets, set, (next) => {
    next['status'] = {
      currentNumberScheduled: pods.length,
      numberMisscheduled: 0,
      desiredNumberScheduled: wanted,
      numberReady: ready,
      ...counts({
        observedGeneration: set.metadata.generation ?? 0,
        updatedNumberScheduled: pods.filter(isCurrent).length,
        numberAvailable: ready,
        numberUnavailable: wanted - ready,
      }),
    }
  })
}
