import type { JsonObject } from '../../lib/json.ts'
import { isObject } from '../../lib/json.ts'
import type { KubeObject } from '../../lib/kube-object.ts'
import { freeze } from './document.ts'

/** One change of one object. `before` is what it replaced or removed. */
export interface Change {
  readonly revision: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly storeKey: string
  readonly object: StoredObject
  readonly before: StoredObject | undefined
}

/** An object as the store holds it: frozen, in the stored form. */
export type StoredObject = KubeObject & JsonObject

type Listener = (change: Change) => void

interface Shelf {
  readonly objects: Map<string, StoredObject>
  readonly sorted: Map<string, readonly StoredObject[]>
}

/** All objects, with one counter for all resourceVersions and a history that watches replay from. */
export class Store {
  private readonly shelves = new Map<string, Shelf>()
  private readonly listeners = new Set<Listener>()
  private history: Change[] = []
  private readonly historyLimit: number
  private forgotten = 0
  private counter = 1

  /** Keeps at least `historyLimit` changes for watches that start in the past. */
  constructor(historyLimit: number) {
    this.historyLimit = historyLimit
  }

  /** The resourceVersion of the last change. */
  get revision(): number {
    return this.counter
  }

  /** The last resourceVersion that the history no longer covers. */
  get oldest(): number {
    return this.forgotten
  }

  get(storeKey: string, namespace: string | undefined, name: string): StoredObject | undefined {
    return this.shelves.get(storeKey)?.objects.get(`${namespace ?? ''}/${name}`)
  }

  /** All objects of a kind, or those of one namespace, ordered by namespace and name. */
  list(storeKey: string, namespace?: string): readonly StoredObject[] {
    const shelf = this.shelves.get(storeKey)
    if (shelf === undefined) return []
    const scope = namespace ?? ''
    const known = shelf.sorted.get(scope)
    if (known !== undefined) return known
    const all = shelf.sorted.get('') ?? inOrder(shelf.objects)
    shelf.sorted.set('', all)
    if (namespace === undefined) return all
    const some = all.filter((object) => object.metadata.namespace === namespace)
    shelf.sorted.set(scope, some)
    return some
  }

  /** Every kind that has objects. */
  kinds(): readonly string[] {
    return [...this.shelves.keys()]
  }

  /** Stores an object under a new resourceVersion, freezes it and tells the listeners. */
  put(storeKey: string, object: JsonObject): StoredObject {
    const stored = this.stamp(object)
    const shelf = this.shelf(storeKey)
    const key = keyOf(stored)
    const before = shelf.objects.get(key)
    shelf.objects.set(key, stored)
    forget(shelf, stored)
    this.record({
      revision: this.counter,
      type: before === undefined ? 'ADDED' : 'MODIFIED',
      storeKey,
      object: stored,
      before,
    })
    return stored
  }

  /** Removes an object; what the watches get as its last state carries the resourceVersion of the removal. */
  remove(storeKey: string, object: StoredObject): StoredObject {
    const shelf = this.shelf(storeKey)
    const key = keyOf(object)
    const before = shelf.objects.get(key)
    if (before === undefined) return object
    const last = this.stamp(before)
    shelf.objects.delete(key)
    forget(shelf, last)
    this.record({ revision: this.counter, type: 'DELETED', storeKey, object: last, before })
    return last
  }

  /** What changed after a resourceVersion, oldest first; undefined when the history no longer reaches back so far. */
  since(revision: number): readonly Change[] | undefined {
    if (revision < this.forgotten) return undefined
    let index = this.history.length
    while (index > 0 && (this.history[index - 1]?.revision ?? 0) > revision) index -= 1
    return this.history.slice(index)
  }

  /** The objects of a kind as they were; undefined when the history no longer reaches back so far. */
  listAt(revision: number, storeKey: string, namespace?: string): readonly StoredObject[] | undefined {
    const changes = this.since(revision)
    if (changes === undefined) return undefined
    const relevant = changes.filter((change) => change.storeKey === storeKey)
    if (relevant.length === 0) return this.list(storeKey, namespace)
    const objects = new Map(this.shelf(storeKey).objects)
    for (const change of relevant.toReversed()) {
      if (change.before === undefined) objects.delete(keyOf(change.object))
      else objects.set(keyOf(change.object), change.before)
    }
    const all = inOrder(objects)
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace)
  }

  /** Forgets the history, as a server does after a while: watches from before are answered 410 Gone. */
  compact(): void {
    this.history = []
    this.forgotten = this.counter
  }

  /** Calls back after every change until the returned function is called. */
  onChange(listener: Listener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  private stamp(object: JsonObject): StoredObject {
    this.counter += 1
    const metadata: unknown = object['metadata']
    const stamped: unknown = {
      ...object,
      metadata: { ...(isObject(metadata) ? metadata : {}), resourceVersion: String(this.counter) },
    }
    return asStored(freeze(stamped))
  }

  private shelf(storeKey: string): Shelf {
    const known = this.shelves.get(storeKey)
    if (known !== undefined) return known
    const made: Shelf = { objects: new Map(), sorted: new Map() }
    this.shelves.set(storeKey, made)
    return made
  }

  private record(change: Change): void {
    this.history.push(change)
    if (this.history.length > 2 * this.historyLimit) {
      const dropped = this.history.length - this.historyLimit
      this.forgotten = this.history[dropped - 1]?.revision ?? this.forgotten
      this.history = this.history.slice(dropped)
    }
    for (const listener of this.listeners) listener(change)
  }
}

/** A value that has the form of a stored object; anything else is a fault of the caller. */
export function asStored(value: unknown): StoredObject {
  if (!isStored(value)) throw new TypeError('a stored object needs apiVersion, kind and metadata.name')
  return value
}

function isStored(value: unknown): value is StoredObject {
  if (!isObject(value) || typeof value['apiVersion'] !== 'string' || typeof value['kind'] !== 'string') return false
  return isObject(value['metadata']) && typeof value['metadata']['name'] === 'string'
}

function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`
}

function inOrder(objects: ReadonlyMap<string, StoredObject>): readonly StoredObject[] {
  return [...objects].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, object]) => object)
}

function forget(shelf: Shelf, object: KubeObject): void {
  shelf.sorted.delete('')
  shelf.sorted.delete(object.metadata.namespace ?? '')
}
