import { type Json, at, numberAt, stringAt } from '../../lib/json.ts'
import type { KubeObject } from '../../lib/kube-object.ts'
import type { Readiness } from '../../rollout/transition.ts'

export interface ReadinessOptions {
  /** How many of the updated pods must be available, in percent, rounded down to whole pods. */
  readonly readyThresholdPercent: number
  /** How long pods may be unavailable before the rollout counts as failed. */
  readonly deadlineSeconds: number
  readonly nowMs: number
}

/** Whether a Deployment's pods run what its template says, in the words that Flagger's users know. */
export function deploymentReadiness(deployment: KubeObject, options: ReadinessOptions): Readiness {
  const { generation } = deployment.metadata
  const observed = numberAt(deployment, 'status', 'observedGeneration') ?? 0
  if (generation !== undefined && observed < generation) {
    return { kind: 'waiting', message: 'observed deployment generation less than desired generation' }
  }
  const progressing = conditionOf(deployment, 'Progressing')
  if (stringAt(progressing, 'reason') === 'ProgressDeadlineExceeded') {
    return { kind: 'failed', message: `deployment "${deployment.metadata.name}" exceeded its progress deadline` }
  }
  const message = unfinished(deployment, options.readyThresholdPercent)
  if (message === undefined) return { kind: 'ready' }
  return { kind: isPastDeadline(deployment, options) ? 'failed' : 'waiting', message }
}

function unfinished(deployment: KubeObject, readyThresholdPercent: number): string | undefined {
  const wanted = numberAt(deployment, 'spec', 'replicas') ?? 1
  const updated = numberAt(deployment, 'status', 'updatedReplicas') ?? 0
  const total = numberAt(deployment, 'status', 'replicas') ?? 0
  const available = numberAt(deployment, 'status', 'availableReplicas') ?? 0
  const waiting = 'waiting for rollout to finish:'
  if (updated < wanted) return `${waiting} ${updated} out of ${wanted} new replicas have been updated`
  if (total > updated) return `${waiting} ${total - updated} old replicas are pending termination`
  if (available < Math.floor((updated * readyThresholdPercent) / 100)) {
    return `${waiting} ${available} of ${updated} (readyThreshold ${readyThresholdPercent}%) updated replicas are available`
  }
  return undefined
}

function isPastDeadline(deployment: KubeObject, { deadlineSeconds, nowMs }: ReadinessOptions): boolean {
  const available = conditionOf(deployment, 'Available')
  if (stringAt(available, 'status') !== 'False') return false
  if (stringAt(available, 'reason') !== 'MinimumReplicasUnavailable') return false
  const sinceMs = Date.parse(stringAt(available, 'lastTransitionTime') ?? '')
  return !Number.isNaN(sinceMs) && nowMs - sinceMs > deadlineSeconds * 1000
}

function conditionOf(object: KubeObject, type: string): Json | undefined {
  const conditions = at(object, 'status', 'conditions')
  return Array.isArray(conditions) ? conditions.find((one: Json) => stringAt(one, 'type') === type) : undefined
}
