import type { KubeObject } from '../lib/kube-object.ts'
import type { Promoted, RolloutState } from '../rollout/state.ts'

/** All that the ledger holds of one canary: one folder. */
export interface LedgerEntry {
  readonly state: RolloutState
  readonly promoted: Promoted
  /** The generated workload and autoscaler, as they are applied but for owner references. */
  readonly primary: readonly KubeObject[]
  /** The Services and the traffic provider's objects with their weights. */
  readonly routes: readonly KubeObject[]
}

/** Names a canary everywhere: `namespace/name`, which is also its folder in the ledger. */
export type CanaryKey = string

/** The key of a canary. */
export function keyOf(namespace: string, name: string): CanaryKey {
  return `${namespace}/${name}`
}

/** The namespace and the name in a key. */
export function splitKey(key: CanaryKey): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/')
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/** The key of the canary that a path of the ledger belongs to; undefined for other files. */
export function keyOfPath(path: string): CanaryKey | undefined {
  const [namespace, name, file, ...more] = path.split('/')
  if (namespace === undefined || name === undefined || file === undefined || more.length > 0) return undefined
  return keyOf(namespace, name)
}
