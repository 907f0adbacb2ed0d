import { type JsonObject, numberAt } from '../../lib/json.ts'
import type { KubeObject } from '../../lib/kube-object.ts'

/**
 * How many pods a target gets when it is scaled up from zero: its own number while it has one; without an autoscaler
 * as many as its primary; with one the autoscaler's lower bound; at least 1.
 */
export function replicasFromZero(
  target: KubeObject,
  primary: KubeObject | undefined,
  scaler: KubeObject | undefined,
): number {
  const own = numberAt(target, 'spec', 'replicas') ?? 1
  if (own > 0) return own
  const wanted =
    scaler === undefined
      ? numberAt(primary, 'spec', 'replicas')
      : numberAt(scaler, 'spec', scaler.kind === 'ScaledObject' ? 'minReplicaCount' : 'minReplicas')
  return Math.max(1, wanted ?? 1)
}

/** The merge patch that sets a workload's number of pods. */
export function scalePatch(replicas: number): JsonObject {
  return { spec: { replicas } }
}
