import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'

/** The namespace of the scenario that runs now: `test` on an embedded cluster, a fresh name on one that is shared. */
export let namespace = 'test'

/** Begins another namespace, where the cluster is shared with other tests. */
export function renewNamespace(): void {
  if (isOnRealCluster()) namespace = `test-${randomBytes(4).toString('hex')}`
}

/** Whether the scenarios run on the real control plane now. */
export function isOnRealCluster(): boolean {
  return inject('controlPlane') !== undefined
}
