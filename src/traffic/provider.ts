import type { Canary } from '../resources/canary.ts'
import type { KubeObject } from '../lib/kube-object.ts'
import type { TrafficSplit } from './split.ts'

/**
 * Maps a canary and a traffic split to the routing objects of one mesh or ingress, and reads a split back, so that
 * `read(canary, objects(canary, split)) = split`. Pure: applying the objects is somebody else's work.
 */
export interface TrafficProvider {
  /** The name in `spec.provider`. */
  readonly name: string
  /** The kinds it writes, for watches and RBAC. */
  readonly kinds: readonly { readonly apiVersion: string; readonly kind: string }[]
  /** The wanted objects without owner references. Throws a Problem (`stalled`) when the canary lacks what this provider needs. */
  objects(canary: Canary, split: TrafficSplit): readonly KubeObject[]
  /** The split that live objects of these kinds express; undefined when they express none or are missing. */
  read(canary: Canary, live: readonly KubeObject[]): TrafficSplit | undefined
  /** Why traffic does not follow the written objects yet (a gateway that has not accepted its route); undefined when it does. */
  pending(canary: Canary, live: readonly KubeObject[]): string | undefined
}
