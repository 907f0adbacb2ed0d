import type { ApiContext } from '../api/context.ts'
import { metadataOf } from '../api/served.ts'
import { draftObject, equalJson } from '../document.ts'
import type { Doc } from '../document.ts'
import type { StoredObject } from '../store.ts'
import type { OwnerIndex } from './owners.ts'
import type { WorkQueue } from './queue.ts'

/** What the controllers share. */
export interface Tools {
  readonly context: ApiContext
  readonly queue: WorkQueue
  readonly owners: OwnerIndex
  /** How long a pod takes to become ready, in milliseconds. */
  readonly podStartMs: number
}

/** Store keys of the kinds that controllers work on. */
export const keys = {
  daemonSets: 'daemonsets.apps',
  deployments: 'deployments.apps',
  replicaSets: 'replicasets.apps',
  autoscalers: 'horizontalpodautoscalers.autoscaling',
  pods: 'pods',
  nodes: 'nodes',
  namespaces: 'namespaces',
} as const

/** Changes a stored object; nothing is written when the change changes nothing. Returns what is stored then. */
export function update(
  context: ApiContext,
  storeKey: string,
  object: StoredObject,
  change: (draft: Doc) => void,
): StoredObject {
  const next = draftObject(object)
  change(next)
  return equalJson(next, object) ? object : context.store.put(storeKey, next)
}

/** Changes the spec of a stored object and counts that in its generation. */
export function updateSpec(
  context: ApiContext,
  storeKey: string,
  object: StoredObject,
  change: (draft: Doc) => void,
): StoredObject {
  return update(context, storeKey, object, (draft) => {
    change(draft)
    if (!equalJson(draft['spec'], object.spec)) metadataOf(draft)['generation'] = (object.metadata.generation ?? 0) + 1
  })
}

/** Creates an object with the metadata that the server would give it. */
export function createObject(context: ApiContext, storeKey: string, object: Doc): StoredObject {
  const metadata = metadataOf(object)
  metadata['uid'] = context.newUid()
  metadata['creationTimestamp'] = context.timestamp()
  return context.store.put(storeKey, object)
}

/** Takes a finalizer off; an object that is being deleted goes with its last one. */
export function dropFinalizer(context: ApiContext, storeKey: string, object: StoredObject, finalizer: string): void {
  const rest = (object.metadata.finalizers ?? []).filter((one) => one !== finalizer)
  if (rest.length === 0 && object.metadata.deletionTimestamp !== undefined) {
    context.store.remove(storeKey, object)
    return
  }
  update(context, storeKey, object, (draft) => {
    if (rest.length === 0) delete metadataOf(draft)['finalizers']
    else metadataOf(draft)['finalizers'] = rest
  })
}

/** An owner reference to the controller of an object. */
export function controllerReference(owner: StoredObject): Doc {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  }
}

/** A condition of a status, by type. */
export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
  readonly lastUpdateTime: string
  readonly lastTransitionTime: string
}

/** Counts without those that are zero, as Go leaves them out. */
export function counts(values: Readonly<Record<string, number>>): Doc {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== 0))
}
