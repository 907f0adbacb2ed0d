import { describe, expect, it } from 'vitest'
import { deploymentReadiness } from '../../../src/cluster/workloads/readiness.ts'
import { timestamp } from '../../../src/lib/clock.ts'
import type { JsonObject } from '../../../src/lib/json.ts'
import { start, targetOf } from '../world.ts'

function deployment(replicas: number, status: JsonObject, generation = 1) {
  const target = targetOf('podinfo:1', { replicas })
  return { ...target, metadata: { ...target.metadata, generation }, status: { observedGeneration: 1, ...status } }
}

function unavailableFor(seconds: number): JsonObject {
  const lastTransitionTime = timestamp(start - seconds * 1000)
  return {
    conditions: [{ type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable', lastTransitionTime }],
  }
}

const exceeded = { conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }] }
const ready = { replicas: 4, updatedReplicas: 4, availableReplicas: 4 }
const half = { replicas: 4, updatedReplicas: 4, availableReplicas: 2 }
const waiting = 'waiting for rollout to finish:'

describe('cluster/workloads/readiness', () => {
  it.each([
    ['all pods are there', deployment(4, ready), 100, 'ready', ''],
    ['nothing is wanted', deployment(0, { replicas: 0 }), 100, 'ready', ''],
    ['enough pods are there', deployment(4, half), 50, 'ready', ''],
    [
      'the threshold rounds down',
      deployment(3, { replicas: 3, updatedReplicas: 3, availableReplicas: 1 }),
      66,
      'ready',
      '',
    ],
    [
      'it is not seen yet',
      deployment(4, ready, 2),
      100,
      'waiting',
      'observed deployment generation less than desired generation',
    ],
    [
      'it was never seen',
      { ...deployment(1, {}), status: {} },
      100,
      'waiting',
      'observed deployment generation less than desired generation',
    ],
    [
      'pods are old',
      deployment(4, { ...ready, updatedReplicas: 3 }),
      100,
      'waiting',
      `${waiting} 3 out of 4 new replicas have been updated`,
    ],
    [
      'old pods remain',
      deployment(4, { ...ready, replicas: 6 }),
      100,
      'waiting',
      `${waiting} 2 old replicas are pending termination`,
    ],
    [
      'pods are missing',
      deployment(4, half),
      100,
      'waiting',
      `${waiting} 2 of 4 (readyThreshold 100%) updated replicas are available`,
    ],
    [
      'pods are missing for a while',
      deployment(4, { ...half, ...unavailableFor(600) }),
      75,
      'waiting',
      `${waiting} 2 of 4 (readyThreshold 75%) updated replicas are available`,
    ],
    [
      'pods are missing for too long',
      deployment(4, { ...half, ...unavailableFor(601) }),
      75,
      'failed',
      `${waiting} 2 of 4 (readyThreshold 75%) updated replicas are available`,
    ],
    [
      'its own deadline is over',
      deployment(4, { ...half, ...exceeded }),
      10,
      'failed',
      'deployment "podinfo" exceeded its progress deadline',
    ],
  ] as const)('tells how far a Deployment is when %s', (_, object, readyThresholdPercent, kind, message) => {
    const readiness = deploymentReadiness(object, { readyThresholdPercent, deadlineSeconds: 600, nowMs: start })

    expect(readiness).toEqual(kind === 'ready' ? { kind } : { kind, message })
  })
})
