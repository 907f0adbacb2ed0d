import type { OwnerReference } from '../../../lib/kube-object.ts'
import { metadataOf } from '../api/served.ts'
import { deleteOptions, remove } from '../api/remove.ts'
import { draft } from '../document.ts'
import type { Change, StoredObject } from '../store.ts'
import type { Dependent } from './owners.ts'
import { dropFinalizer, update } from './tools.ts'
import type { Tools } from './tools.ts'

/** Deletes what its owners left behind, in the background, the foreground or not at all. Returns what stops it. */
export function startGarbage(tools: Tools): () => void {
  return tools.context.store.onChange((change) => {
    const { object, storeKey, type } = change
    const uid = object.metadata.uid ?? ''
    if (type === 'DELETED') {
      if (tools.owners.of(uid).length > 0) tools.queue.add(`orphans ${uid}`, () => sweepDependents(tools, uid))
      blockersGone(tools, change)
    } else if (type === 'ADDED' && object.metadata.ownerReferences !== undefined) {
      tools.queue.add(`owners ${uid}`, () => sweep(tools, { storeKey, object }))
    }
    if (type !== 'DELETED' && isWaiting(object))
      tools.queue.add(`deletion ${uid}`, () => settle(tools, storeKey, object))
  })
}

function isWaiting(object: StoredObject): boolean {
  const { deletionTimestamp, finalizers } = object.metadata
  return (
    deletionTimestamp !== undefined &&
    finalizers?.some((one) => one === 'foregroundDeletion' || one === 'orphan') === true
  )
}

// A dependent went away: an owner that waits for it in the foreground may go too.
function blockersGone(tools: Tools, { object }: Change): void {
  for (const reference of object.metadata.ownerReferences ?? []) {
    const owner = ownerOf(tools, reference, object)
    if (owner !== undefined && isWaiting(owner.object)) {
      tools.queue.add(`deletion ${reference.uid}`, () => settle(tools, owner.storeKey, owner.object))
    }
  }
}

function ownerOf(tools: Tools, reference: OwnerReference, dependent: StoredObject): Dependent | undefined {
  const { registry, store } = tools.context
  const kind = registry.ofObject(reference.apiVersion, reference.kind)
  if (kind === undefined) return undefined
  const object = store.get(kind.storeKey, kind.namespaced ? dependent.metadata.namespace : undefined, reference.name)
  return object?.metadata.uid === reference.uid ? { storeKey: kind.storeKey, object } : undefined
}

function sweepDependents(tools: Tools, uid: string): void {
  for (const dependent of tools.owners.of(uid)) sweep(tools, dependent)
}

// An owner of a kind that the server does not know may exist elsewhere: its dependents stay.
function isAbsent(tools: Tools, reference: OwnerReference, dependent: StoredObject): boolean {
  const known = tools.context.registry.ofObject(reference.apiVersion, reference.kind) !== undefined
  return known && ownerOf(tools, reference, dependent) === undefined
}

function sweep(tools: Tools, { storeKey, object }: Dependent): void {
  const { store } = tools.context
  const live = store.get(storeKey, object.metadata.namespace, object.metadata.name)
  if (live === undefined || live.metadata.uid !== object.metadata.uid) return
  const references = live.metadata.ownerReferences ?? []
  const present = references.filter((reference) => !isAbsent(tools, reference, live))
  if (references.length === 0 || present.length === references.length) return
  if (present.length > 0) keepOwners(tools, storeKey, live, present)
  else removeObject(tools, live)
}

function keepOwners(tools: Tools, storeKey: string, object: StoredObject, owners: readonly OwnerReference[]): void {
  update(tools.context, storeKey, object, (next) => {
    const metadata = metadataOf(next)
    if (owners.length === 0) delete metadata['ownerReferences']
    else metadata['ownerReferences'] = owners.map((owner) => draft({ ...owner }))
  })
}

/** Deletes an object as a client would: its finalizers are waited for. */
export function removeObject(tools: Tools, object: StoredObject, policy = 'Background'): void {
  const { context } = tools
  const kind = context.registry.ofObject(object.apiVersion, object.kind)
  if (kind === undefined || object.metadata.deletionTimestamp !== undefined) return
  const { namespace, name, uid } = object.metadata
  if (context.store.get(kind.storeKey, namespace, name)?.metadata.uid !== uid) return
  const options = deleteOptions({ method: 'DELETE', path: '' }, new URLSearchParams({ propagationPolicy: policy }))
  remove(context, { kind, namespace, name }, options)
}

function settle(tools: Tools, storeKey: string, object: StoredObject): void {
  const { store } = tools.context
  const live = store.get(storeKey, object.metadata.namespace, object.metadata.name)
  if (live === undefined || live.metadata.uid !== object.metadata.uid || !isWaiting(live)) return
  const uid = live.metadata.uid ?? ''
  const dependents = tools.owners.of(uid)
  if (live.metadata.finalizers?.includes('orphan') === true) {
    for (const dependent of dependents) {
      const rest = (dependent.object.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid)
      keepOwners(tools, dependent.storeKey, dependent.object, rest)
    }
    dropFinalizer(tools.context, storeKey, live, 'orphan')
    return
  }
  for (const dependent of dependents) removeObject(tools, dependent.object, 'Foreground')
  const isBlocked = tools.owners.of(uid).some(({ object: one }) => {
    return (
      one.metadata.ownerReferences?.some(
        (reference) => reference.uid === uid && reference.blockOwnerDeletion === true,
      ) === true
    )
  })
  if (!isBlocked) dropFinalizer(tools.context, storeKey, live, 'foregroundDeletion')
}
