import type { JsonObject } from '../lib/json.ts'
import type { KubeObject, ObjectRef, OwnerReference } from '../lib/kube-object.ts'

/** A structured log: a constant message, with the data in fields. pino is one. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** The cluster in the few verbs that a rollout needs. Reads answer from a cache that watches keep fresh. */
export interface ClusterPort {
  /** Starts watching a kind and resolves when its objects are known. Rejects with a Problem where the cluster has no such kind. */
  ensure(kind: { readonly apiVersion: string; readonly kind: string }): Promise<void>
  get(ref: ObjectRef): KubeObject | undefined
  list(apiVersion: string, kind: string, namespace?: string): readonly KubeObject[]
  /** Calls back with each object that changed. The callback must not throw. */
  onChange(listener: (ref: ObjectRef) => void): () => void
  /** Server-side apply; no request when the live object already is so. With a resourceVersion it fails if the object moved on. */
  apply(
    object: KubeObject,
    options?: { readonly owner?: OwnerReference; readonly resourceVersion?: string },
  ): Promise<KubeObject>
  scale(ref: ObjectRef, replicas: number): Promise<void>
  writeStatus(ref: ObjectRef, status: JsonObject): Promise<void>
  /** Never waits, never fails: events are kept in a bounded queue. */
  recordEvent(about: KubeObject, type: 'Normal' | 'Warning', message: string): void
}

/** Where a decision towards safety waits until Git has it. Survives the process. */
export interface Spool {
  put(key: string, text: string): Promise<void>
  remove(key: string): Promise<void>
  all(): Promise<ReadonlyMap<string, string>>
}
