import { timestamp } from '../../lib/clock.ts'
import { type Json, type JsonObject, at, canonicalJson, isObject, stringAt } from '../../lib/json.ts'
import type { KubeObject } from '../../lib/kube-object.ts'
import type { Phase } from '../../resources/status.ts'
import { mergePatch } from '../merge-patch.ts'

/** A condition of a Canary: what `kubectl wait --for=condition=promoted` looks at. Times are RFC 3339. */
export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  readonly lastUpdateTime: string
  readonly lastTransitionTime: string
}

/**
 * The Promoted condition of a phase. It is the previous one, times included, while status and phase are the same;
 * `lastTransitionTime` moves only when the status changes. `kind` is the target's, for example `Deployment`.
 */
export function conditionFor(phase: Phase, kind: string, previous: Json | undefined, nowMs: number): Condition {
  const { status, message } = promoted(phase, kind)
  const now = timestamp(nowMs)
  const isSameStatus = stringAt(previous, 'status') === status
  const isSame = isSameStatus && stringAt(previous, 'reason') === phase
  const since = stringAt(previous, 'lastTransitionTime')
  return {
    type: 'Promoted',
    status,
    reason: phase,
    message: (isSame ? stringAt(previous, 'message') : undefined) ?? message,
    lastUpdateTime: (isSame ? stringAt(previous, 'lastUpdateTime') : undefined) ?? now,
    lastTransitionTime: (isSameStatus ? since : undefined) ?? now,
  }
}

/** The Promoted condition that a Canary's status holds. */
export function promotedCondition(status: Json | undefined): Json | undefined {
  const conditions = at(status, 'conditions')
  return Array.isArray(conditions) ? conditions.find((one: Json) => stringAt(one, 'type') === 'Promoted') : undefined
}

/**
 * The merge patch that gives a Canary this status, for its status subresource. Fields that the status no longer has are
 * taken away. Undefined when nothing but `lastTransitionTime` would change.
 */
export function statusPatch(live: KubeObject, status: JsonObject): JsonObject | undefined {
  const before = isObject(live.status) ? live.status : {}
  if (canonicalJson(untimed(before)) === canonicalJson(untimed(status))) return undefined
  const patch = mergePatch(before, status)
  return patch === undefined ? undefined : { status: patch }
}

function untimed(status: JsonObject): JsonObject {
  return { ...status, lastTransitionTime: undefined }
}

function promoted(phase: Phase, kind: string): Pick<Condition, 'status' | 'message'> {
  switch (phase) {
    case 'Initialized':
      return { status: 'True', message: `${kind} initialization completed.` }
    case 'Waiting':
    case 'WaitingPromotion':
      return { status: 'Unknown', message: 'Waiting for approval.' }
    case 'Progressing':
      return { status: 'Unknown', message: 'New revision detected, progressing canary analysis.' }
    case 'Promoting':
      return { status: 'Unknown', message: 'Canary analysis completed, starting primary rolling update.' }
    case 'Finalising':
      return { status: 'Unknown', message: 'Canary analysis completed, routing all traffic to primary.' }
    case 'Succeeded':
      return { status: 'True', message: 'Canary analysis completed successfully, promotion finished.' }
    case 'Failed':
      return { status: 'False', message: `Canary analysis failed, ${kind} scaled to zero.` }
    case '':
    case 'Initializing':
    case 'Terminating':
    case 'Terminated':
      return { status: 'Unknown', message: `New ${kind} detected, starting initialization.` }
  }
}
