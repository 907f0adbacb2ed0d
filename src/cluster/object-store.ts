import type { KubeObject } from '../lib/kube-object.ts'
import { isNewer } from './resource-version.ts'

/** What the cluster last said about the objects of one kind. It never goes back to an older version of an object. */
export interface ObjectStore {
  readonly size: number
  get(namespace: string | undefined, name: string): KubeObject | undefined
  values(): IterableIterator<KubeObject>
  /** Takes the object in unless a newer one is known or it was deleted. True when something changed. */
  put(object: KubeObject): boolean
  /**
   * Takes a deletion in that the cluster reported; late answers to writes of that object are ignored from then on. True when
   * something changed.
   */
  remove(object: KubeObject): boolean
  /** Takes a deletion in that the server just confirmed to us; late reports about the object are ignored. */
  bury(namespace: string | undefined, name: string): boolean
  /** Takes a whole list of a version in; answers with the objects that came, changed or went. */
  replaceAll(items: readonly KubeObject[], resourceVersion: string): readonly KubeObject[]
}

/** An empty store. `reduce` may drop parts of an object that nobody needs, to save memory. */
export function createObjectStore(reduce: (object: KubeObject) => KubeObject): ObjectStore {
  const objects = new Map<string, KubeObject>()
  // A uid never comes back: whatever is heard of it later was under way before.
  const gone = createGoneSet()

  function put(object: KubeObject): boolean {
    const key = keyOf(object.metadata.namespace, object.metadata.name)
    if (gone.has(object.metadata.uid)) return false
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
      gone.add(object.metadata.uid)
      const key = keyOf(object.metadata.namespace, object.metadata.name)
      const known = objects.get(key)
      if (known === undefined || isNewer(known.metadata.resourceVersion, object.metadata.resourceVersion)) return false
      return objects.delete(key)
    },
    bury: (namespace, name) => {
      const key = keyOf(namespace, name)
      gone.add(objects.get(key)?.metadata.uid)
      return objects.delete(key)
    },
    replaceAll: (items, resourceVersion) => {
      const changed: KubeObject[] = []
      const listed = new Set<string>()
      for (const item of items) {
        listed.add(keyOf(item.metadata.namespace, item.metadata.name))
        if (put(item)) changed.push(item)
      }
      for (const [key, known] of objects) {
        if (listed.has(key) || isNewer(known.metadata.resourceVersion, resourceVersion)) continue
        objects.delete(key)
        gone.add(known.metadata.uid)
        changed.push(known)
      }
      return changed
    },
  }
}

/** What was deleted lately; more than can be under way at once is not remembered. */
const rememberedGone = 1000

interface GoneSet {
  has(uid: string | undefined): boolean
  add(uid: string | undefined): void
}

function createGoneSet(): GoneSet {
  const uids = new Set<string>()
  return {
    has: (uid) => uid !== undefined && uids.has(uid),
    add: (uid) => {
      if (uid === undefined) return
      uids.add(uid)
      const [oldest] = uids
      if (uids.size > rememberedGone && oldest !== undefined) uids.delete(oldest)
    },
  }
}

function keyOf(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}
