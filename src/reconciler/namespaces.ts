import type { KindRef } from '../cluster/discovery.ts'
import type { ClusterPort } from './ports.ts'

/** Which namespaces are looked after here. */
export interface Namespaces {
  /** Undefined: all. */
  readonly list: readonly string[] | undefined
  /** Whether objects of a namespace are looked after here; undefined stands for objects outside of namespaces. */
  isOurs(namespace: string | undefined): boolean
}

/** The namespaces of a setting; an empty list stands for all, and for what is outside of namespaces too. */
export function namespacesOf(names: readonly string[]): Namespaces {
  if (names.length === 0) return { list: undefined, isOurs: () => true }
  const known = new Set(names)
  return { list: [...known], isOurs: (namespace) => namespace !== undefined && known.has(namespace) }
}

/**
 * The cluster with watches that stay inside of the namespaces, so that a Role in each of them is enough. Asked for one
 * namespace it watches only that one, so that a role that is missing in another disturbs nobody. Where all namespaces are
 * looked after, each kind has one watch for all of them.
 */
export function clusterIn(cluster: ClusterPort, { list }: Namespaces): ClusterPort {
  const ensure = async (kind: KindRef, namespace?: string): Promise<void> => {
    if (list === undefined) return cluster.ensure(kind)
    if (namespace !== undefined) return cluster.ensure(kind, namespace)
    await Promise.all(list.map((one) => cluster.ensure(kind, one)))
  }
  return {
    ensure,
    client: cluster.client,
    get: (ref) => cluster.get(ref),
    list: (apiVersion, kind, namespace) => cluster.list(apiVersion, kind, namespace),
    onChange: (handler) => cluster.onChange(handler),
    holds: (object, request) => cluster.holds(object, request),
    refresh: (ref) => cluster.refresh(ref),
    apply: (object, request) => cluster.apply(object, request),
    scale: (ref, replicas, request) => cluster.scale(ref, replicas, request),
    writeStatus: (canary, status) => cluster.writeStatus(canary, status),
    recordEvent: (canary, type, message) => cluster.recordEvent(canary, type, message),
  }
}
