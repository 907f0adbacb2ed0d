import type { Clock } from '../lib/clock.ts'
import { type KubeObject, type ObjectRef, describeRef, refOf } from '../lib/kube-object.ts'
import { Problem, toProblem } from '../lib/problem.ts'
import type { Client } from './client.ts'
import type { KindRef } from './discovery.ts'
import { type ObjectStore, createObjectStore } from './object-store.ts'
import { Reflector } from './reflector.ts'

export interface CacheOptions {
  readonly client: Client
  readonly clock: Clock
  /** Whose entries of `managedFields` are kept; everybody else's are dropped to save memory. */
  readonly fieldManagers: readonly string[]
  /** Called with each failed list or watch, for the log. */
  readonly onProblem?: ((problem: Problem) => void) | undefined
  /** For the jitter: numbers in [0, 1); `Math.random` when absent. */
  readonly random?: (() => number) | undefined
}

/** How one watched kind is doing. */
export interface WatchedKind extends KindRef {
  readonly namespace: string | undefined
  readonly synced: boolean
  readonly objects: number
  readonly problem: Problem | undefined
}

interface Watched {
  readonly kind: KindRef
  readonly namespace: string | undefined
  readonly store: ObjectStore
  readonly reflector: Reflector
}

/**
 * The cluster's objects of the kinds that were asked for, kept current by watches: reading costs no request. Each kind
 * stands alone: one that is missing, denied or unreachable does not disturb the others, and is tried again for ever.
 */
export class ClusterCache {
  readonly #options: CacheOptions
  readonly #watched = new Map<string, Watched>()
  readonly #handlers = new Set<(ref: ObjectRef) => void>()
  #stopped = false

  constructor(options: CacheOptions) {
    this.#options = options
  }

  /**
   * Watches a kind, in one namespace or in all. Resolves when its objects are known; rejects with the Problem of the
   * last attempt (CLUSTER_KIND_MISSING, CLUSTER_FORBIDDEN, CLUSTER_UNREACHABLE …) while attempts go on. Cheap to repeat.
   */
  ensure(kind: KindRef, namespace?: string): Promise<void> {
    const everywhere = this.#watched.get(keyOf(kind))
    const known = everywhere ?? this.#watched.get(keyOf(kind, namespace))
    if (known !== undefined) return known.reflector.whenSynced()
    if (this.#stopped) {
      const message = `the cluster cache has stopped and cannot watch ${kind.kind}`
      return Promise.reject(new Problem({ kind: 'bug', code: 'CLUSTER_CACHE_STOPPED', message }))
    }
    return this.#start({ apiVersion: kind.apiVersion, kind: kind.kind }, namespace).reflector.whenSynced()
  }

  /**
   * The object as it was last seen, undefined when there is none. Throws a Problem when its kind is not known yet, so
   * that not knowing is never taken for not being there.
   */
  get(ref: ObjectRef): KubeObject | undefined {
    return this.#stores(ref, ref.namespace, describeRef(ref))[0]?.get(ref.namespace, ref.name)
  }

  /** All objects of a kind, in one namespace or in all that are watched. Throws like `get`. */
  list(apiVersion: string, kind: string, namespace?: string): KubeObject[] {
    const found = this.#stores({ apiVersion, kind }, namespace, kind).flatMap((store) => [...store.values()])
    return namespace === undefined ? found : found.filter((object) => object.metadata.namespace === namespace)
  }

  /** Calls back with the reference of every object that came, changed or went. Answers with the way to unsubscribe. */
  onChange(handler: (ref: ObjectRef) => void): () => void {
    this.#handlers.add(handler)
    return () => {
      this.#handlers.delete(handler)
    }
  }

  /** Takes in what one of our own writes returned, without waiting for the watch. */
  wrote(object: KubeObject): void {
    for (const { store, reflector } of this.#holding(object, object.metadata.namespace)) {
      if (store.put(object)) this.#tell(refOf(object))
      reflector.wrote(object.metadata.resourceVersion)
    }
  }

  /** Takes in that the server deleted an object on our word. */
  deleted(ref: ObjectRef): void {
    for (const { store } of this.#holding(ref, ref.namespace)) {
      if (store.bury(ref.namespace, ref.name)) this.#tell(ref)
    }
  }

  /** Whether an object of this kind and namespace can be read now. */
  knows(kind: KindRef, namespace?: string): boolean {
    return this.#holding(kind, namespace).some(({ reflector }) => reflector.synced)
  }

  /** True when every kind that was asked for is known. */
  get synced(): boolean {
    return [...this.#watched.values()].every(({ reflector }) => reflector.synced)
  }

  /** Every watched kind and how it is doing, for health reports. */
  status(): readonly WatchedKind[] {
    return [...this.#watched.values()].map(({ kind, namespace, store, reflector }) => ({
      ...kind,
      namespace,
      synced: reflector.synced,
      objects: store.size,
      problem: reflector.problem,
    }))
  }

  /** Ends all watches. What was read stays readable. */
  stop(): void {
    this.#stopped = true
    for (const { reflector } of this.#watched.values()) reflector.stop()
  }

  #start(kind: KindRef, namespace: string | undefined): Watched {
    const { client, clock, fieldManagers, random = Math.random } = this.#options
    const store = createObjectStore((object) => withManagedFieldsOf(object, fieldManagers))
    const reflector = new Reflector({
      client,
      clock,
      kind,
      namespace,
      store,
      random,
      onChange: (ref) => this.#tell(ref),
      onProblem: (problem) => this.#complain(problem),
      onStalled: () => {
        for (const { reflector: other } of this.#watched.values()) other.reopen()
      },
    })
    const watched = { kind, namespace, store, reflector }
    this.#watched.set(keyOf(kind, namespace), watched)
    return watched
  }

  #holding(kind: KindRef, namespace: string | undefined): Watched[] {
    const everywhere = this.#watched.get(keyOf(kind))
    if (everywhere !== undefined) return [everywhere]
    if (namespace !== undefined) {
      const one = this.#watched.get(keyOf(kind, namespace))
      return one === undefined ? [] : [one]
    }
    return [...this.#watched.values()].filter(
      (watched) => watched.kind.apiVersion === kind.apiVersion && watched.kind.kind === kind.kind,
    )
  }

  #stores(kind: KindRef, namespace: string | undefined, wanted: string): ObjectStore[] {
    const holding = this.#holding(kind, namespace)
    const unready = holding.find(({ reflector }) => !reflector.synced)
    if (holding.length > 0 && unready === undefined) return holding.map(({ store }) => store)
    throw unready?.reflector.problem ?? notReady(wanted, unready !== undefined)
  }

  #tell({ apiVersion, kind, namespace, name }: ObjectRef): void {
    for (const handler of this.#handlers) {
      try {
        handler({ apiVersion, kind, namespace, name })
      } catch (error) {
        this.#complain(toProblem(error))
      }
    }
  }

  #complain(problem: Problem): void {
    try {
      this.#options.onProblem?.(problem)
    } catch {
      // Whoever logs must not end the watch; there is nobody left to tell.
    }
  }
}

function keyOf(kind: KindRef, namespace?: string): string {
  return `${kind.apiVersion} ${kind.kind} ${namespace ?? ''}`
}

function notReady(wanted: string, isWatched: boolean): Problem {
  return isWatched
    ? new Problem({
        kind: 'wait',
        code: 'CLUSTER_NOT_SYNCED',
        message: `${wanted} has not been read yet`,
        place: wanted,
      })
    : new Problem({
        kind: 'bug',
        code: 'CLUSTER_NOT_WATCHED',
        message: `${wanted} is read but not watched`,
        place: wanted,
      })
}

function withManagedFieldsOf(object: KubeObject, managers: readonly string[]): KubeObject {
  const { managedFields, ...metadata } = object.metadata
  if (managedFields === undefined) return object
  const kept = managedFields.filter(({ manager }) => typeof manager === 'string' && managers.includes(manager))
  return { ...object, metadata: kept.length === 0 ? metadata : { ...metadata, managedFields: kept } }
}
