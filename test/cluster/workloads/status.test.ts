import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergePatch } from '../../../src/cluster/merge-patch.ts'
import { conditionFor, promotedCondition, statusPatch } from '../../../src/cluster/workloads/canary-status.ts'
import { kubeEvent } from '../../../src/cluster/workloads/events.ts'
import { replicasFromZero } from '../../../src/cluster/workloads/scale.ts'
import { type Json, type JsonObject, isObject } from '../../../src/lib/json.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import type { Phase } from '../../../src/resources/status.ts'
import { canaryOf, start, targetOf } from '../world.ts'

const phases: readonly [Phase, string, string][] = [
  ['Initializing', 'Unknown', 'New Deployment detected, starting initialization.'],
  ['Initialized', 'True', 'Deployment initialization completed.'],
  ['Waiting', 'Unknown', 'Waiting for approval.'],
  ['WaitingPromotion', 'Unknown', 'Waiting for approval.'],
  ['Progressing', 'Unknown', 'New revision detected, progressing canary analysis.'],
  ['Promoting', 'Unknown', 'Canary analysis completed, starting primary rolling update.'],
  ['Finalising', 'Unknown', 'Canary analysis completed, routing all traffic to primary.'],
  ['Succeeded', 'True', 'Canary analysis completed successfully, promotion finished.'],
  ['Failed', 'False', 'Canary analysis failed, Deployment scaled to zero.'],
  ['Terminating', 'Unknown', 'New Deployment detected, starting initialization.'],
]

describe('cluster/workloads/canary-status', () => {
  it.each(phases)('says in phase %s that Promoted is %s', (phase, status, message) => {
    expect(conditionFor(phase, 'Deployment', undefined, start)).toEqual({
      type: 'Promoted',
      status,
      reason: phase,
      message,
      lastUpdateTime: '2026-01-01T12:00:00Z',
      lastTransitionTime: '2026-01-01T12:00:00Z',
    })
  })

  it('moves the times of a condition only with what they stand for', () => {
    const waiting: Json = { ...conditionFor('Waiting', 'Deployment', undefined, start) }
    const later = start + 60_000

    expect(conditionFor('Waiting', 'Deployment', waiting, later)).toEqual(waiting)
    expect(conditionFor('Progressing', 'Deployment', waiting, later)).toMatchObject({
      lastUpdateTime: '2026-01-01T12:01:00Z',
      lastTransitionTime: '2026-01-01T12:00:00Z',
    })
    expect(conditionFor('Failed', 'Deployment', waiting, later)).toMatchObject({
      lastUpdateTime: '2026-01-01T12:01:00Z',
      lastTransitionTime: '2026-01-01T12:01:00Z',
    })
    expect(promotedCondition({ conditions: [{ type: 'Other' }, waiting] })).toEqual(waiting)
  })

  it('patches only what changed, and nothing for a new time alone', () => {
    const live = {
      ...targetOf(),
      status: { phase: 'Waiting', canaryWeight: 10, lastTransitionTime: 'a', trackedConfigs: { x: '1' } },
    }

    expect(statusPatch(live, { ...live.status, lastTransitionTime: 'b' })).toBeUndefined()
    expect(statusPatch(live, { phase: 'Waiting', canaryWeight: 20, lastTransitionTime: 'b' })).toEqual({
      status: { canaryWeight: 20, lastTransitionTime: 'b', trackedConfigs: null },
    })
  })
})

describe('cluster/merge-patch', () => {
  const json = fc.jsonValue({ maxDepth: 3 }).map((value) => value as Json)
  const object = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), json).map((value) => strip(value))

  it('gives a patch that turns the one object into the other, and none for equal ones', () => {
    fc.assert(
      fc.property(object, object, (from, to) => {
        const patch = mergePatch(from, to)
        expect(patch === undefined ? from : merged(from, patch)).toEqual(to)
        expect(mergePatch(to, to)).toBeUndefined()
      }),
    )
  })
})

describe('cluster/workloads/events', () => {
  const told = { about: canaryOf(), type: 'Normal' as const, firstMs: start, lastMs: start, count: 1 }

  it('gives the same event for the same words at the same time, and another for others', () => {
    const one = kubeEvent({ ...told, message: 'Advance podinfo.test canary weight 10' })
    const again = kubeEvent({ ...told, message: 'Advance podinfo.test canary weight 10' })
    const other = kubeEvent({ ...told, message: 'Advance podinfo.test canary weight 20' })

    expect(again).toEqual(one)
    expect(other.metadata.name).not.toBe(one.metadata.name)
    expect(one).toMatchObject({
      metadata: { namespace: 'test' },
      involvedObject: { kind: 'Canary', name: 'podinfo', namespace: 'test', uid: 'c0ffee' },
      reason: 'Synced',
      source: { component: 'serin' },
      firstTimestamp: '2026-01-01T12:00:00Z',
    })
  })

  it('cuts long messages at a character', () => {
    const message = String(kubeEvent({ ...told, message: 'ö'.repeat(600) })['message'])

    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1024)
    expect(message).toBe(`${'ö'.repeat(510)}…`)
  })
})

describe('cluster/workloads/scale', () => {
  const scaler = (kind: string, spec: JsonObject): KubeObject => ({
    apiVersion: 'x/v1',
    kind,
    metadata: { name: 'p' },
    spec,
  })

  it.each([
    ['its own number', 3, 5, undefined, 3],
    ['the primary’s number without an autoscaler', 0, 5, undefined, 5],
    ['one pod when nothing says more', 0, undefined, undefined, 1],
    ['the lower bound of an autoscaler', 0, 5, scaler('HorizontalPodAutoscaler', { minReplicas: 2 }), 2],
    ['one pod when an autoscaler has no lower bound', 0, 5, scaler('HorizontalPodAutoscaler', {}), 1],
    ['the lower bound of KEDA', 0, 5, scaler('ScaledObject', { minReplicaCount: 4 }), 4],
    ['one pod when KEDA scales to zero', 0, 5, scaler('ScaledObject', { minReplicaCount: 0 }), 1],
  ])('brings a target back with %s', (_, own, primary, autoscaler, replicas) => {
    const live = primary === undefined ? undefined : targetOf('podinfo:1', { replicas: primary })

    expect(replicasFromZero(targetOf('podinfo:1', { replicas: own }), live, autoscaler)).toBe(replicas)
  })
})

function merged(from: JsonObject, patch: JsonObject): JsonObject {
  const result: Record<string, Json> = {}
  for (const [key, value] of Object.entries({ ...from, ...patch })) {
    const change = patch[key]
    const before = from[key]
    if (change === null || value === undefined) continue
    result[key] = isObject(change) ? merged(isObject(before) ? before : {}, change) : value
  }
  return result
}

/** Without nulls in objects, which a merge patch cannot say. */
function strip(value: JsonObject): JsonObject {
  const pairs = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined)
  return Object.fromEntries(pairs.map(([key, inner]) => [key, isObject(inner) ? strip(inner) : inner]))
}
