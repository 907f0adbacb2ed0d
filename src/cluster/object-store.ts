import type { KubeObject } from '../lib/kube-object.ts'
import { isNewer } from './resource-version.ts'

/** What the cluster last said about the objects of one kind. It never goes back to an older version of an object. */
export interface ObjectStore {
  readonly size: number
  get(namespace: string | undefined, name: string): KubeObject | undefined
  values(): IterableIterator<KubeObject>
  /** Takes the object in unless a newer one is known or it was deleted. True when something changed. */
  put(object: KubeObject): boolean
  /** Takes a deletion in that the cluster reported. True when something changed. */
  remove(object: KubeObject): boolean
  /** Takes a deletion in that the server just confirmed to us; late reports about the object are ignored. */
  bury(namespace: string | undefined, name: string): boolean
  /** Takes a whole list of a version in; answers with the objects that came, changed or went. */
  replaceAll(items: readonly KubeObject[], resourceVersion: string): readonly KubeObject[]
}

/** An empty store. `reduce` may drop parts of an object that nobody needs, to save memory. */
export function createObjectStore(reduce: (object: KubeObject) => KubeObject): ObjectStore {
  const objects = new Map<string, KubeObject>()
  const buried = new Set<string>()

  function put(object: KubeObject): boolean {
    const key = keyOf(object.metadata.namespace, object.metadata.name)
    if (object.metadata.uid !== undefined && buried.has(object.metadata.uid)) return false
    const known = objects.get(key)
    if (known !== undefined && !isNewer(object.metadata.resourceVersion, known.metadata.resourceVersion)) return false
    objects.set(key, reduce(object))
    return true
  }

  return {
    get size() {
      return objects.size
    },
    get: (namespace, name) => objects.get(keyOf(namespace, name)),
    values: () => objects.values(),
    put,
    remove: (object) => {
      if (object.metadata.uid !== undefined) buried.delete(object.metadata.uid)
      const key = keyOf(object.metadata.namespace, object.metadata.name)
      const known = objects.get(key)
      if (known === undefined || isNewer(known.metadata.resourceVersion, object.metadata.resourceVersion)) return false
      return objects.delete(key)
    },
    bury: (namespace, name) => {
      const key = keyOf(namespace, name)
      const uid = objects.get(key)?.metadata.uid
      if (uid !== undefined) buried.add(uid)
      return objects.delete(key)
    },
    replaceAll: (items, resourceVersion) => {
      const changed: KubeObject[] = []
      const listed = new Set<string>()
      const uids = new Set<string>()
      for (const item of items) {
        listed.add(keyOf(item.metadata.namespace, item.metadata.name))
        if (item.metadata.uid !== undefined) uids.add(item.metadata.uid)
        if (put(item)) changed.push(item)
      }
      for (const uid of buried) if (!uids.has(uid)) buried.delete(uid)
      for (const [key, known] of objects) {
        if (listed.has(key) || isNewer(known.metadata.resourceVersion, resourceVersion)) continue
        objects.delete(key)
        changed.push(known)
      }
      return changed
    },
  }
}

function keyOf(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}
