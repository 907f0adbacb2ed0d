import { at, numberAt, stringAt } from '../../../lib/json.ts'
import { isList } from '../document.ts'
import type { Doc } from '../document.ts'
import type { StoredObject } from '../store.ts'
import { availableOf, rollingLimits } from './rolling.ts'
import { counts, keys, update } from './tools.ts'
import type { Condition, Tools } from './tools.ts'

/** What happened to the ReplicaSet of the current template: made just now, known before, or there is none. */
export type NewReplicaSet = 'created' | 'known' | 'none'

interface Counts {
  readonly replicas: number
  readonly updatedReplicas: number
  readonly readyReplicas: number
  readonly availableReplicas: number
}

/** Writes a Deployment's status from its ReplicaSets and looks again when its progress deadline passes. */
export function writeDeploymentStatus(
  tools: Tools,
  deployment: StoredObject,
  fresh: StoredObject | undefined,
  sets: readonly StoredObject[],
  news: NewReplicaSet,
  again: () => void,
): void {
  const { context, queue } = tools
  const now = context.clock.now()
  const totals = countUp(fresh, sets)
  const available = availableCondition(deployment, totals, context.timestamp())
  const progressing = progressCondition(deployment, totals, fresh, news, { now, time: context.timestamp() })
  const unavailable = Math.max(
    0,
    sets.reduce((sum, set) => sum + (numberAt(set, 'spec', 'replicas') ?? 0), 0) - totals.availableReplicas,
  )
  update(context, keys.deployments, deployment, (next) => {
    const kept = at(deployment, 'status', 'collisionCount')
    next['status'] = {
      ...counts({
        observedGeneration: deployment.metadata.generation ?? 0,
        ...totals,
        unavailableReplicas: unavailable,
      }),
      ...(typeof kept === 'number' ? { collisionCount: kept } : {}),
      conditions: [available, ...(progressing === undefined ? [] : [progressing])].map((condition): Doc => ({
        ...condition,
      })),
    }
  })
  const left = progressing === undefined ? undefined : timeLeft(deployment, progressing, now)
  const key = `deployment ${deployment.metadata.namespace}/${deployment.metadata.name}`
  if (left === undefined) queue.cancelAfter(key)
  else queue.addAfter(key, left, again)
}

function countUp(fresh: StoredObject | undefined, sets: readonly StoredObject[]): Counts {
  const sum = (field: string): number => sets.reduce((total, set) => total + (numberAt(set, 'status', field) ?? 0), 0)
  return {
    replicas: sum('replicas'),
    updatedReplicas: fresh === undefined ? 0 : (numberAt(fresh, 'status', 'replicas') ?? 0),
    readyReplicas: sum('readyReplicas'),
    availableReplicas: sets.reduce((total, set) => total + availableOf(set), 0),
  }
}

function conditionOf(deployment: StoredObject, type: string): Condition | undefined {
  const conditions = at(deployment, 'status', 'conditions')
  const found = (isList(conditions) ? conditions : []).find((condition) => stringAt(condition, 'type') === type)
  if (found === undefined) return undefined
  const text = (field: string): string => stringAt(found, field) ?? ''
  return {
    type,
    status: text('status'),
    lastUpdateTime: text('lastUpdateTime'),
    lastTransitionTime: text('lastTransitionTime'),
    reason: text('reason'),
    message: text('message'),
  }
}

function condition(
  before: Condition | undefined,
  time: string,
  given: Pick<Condition, 'type' | 'status' | 'reason' | 'message'>,
): Condition {
  const { type, status, reason, message } = given
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : time
  return { type, status, lastUpdateTime: time, lastTransitionTime, reason, message }
}

function availableCondition(deployment: StoredObject, totals: Counts, time: string): Condition {
  const least = (numberAt(deployment, 'spec', 'replicas') ?? 0) - rollingLimits(deployment).maxUnavailable
  const before = conditionOf(deployment, 'Available')
  const status = totals.availableReplicas >= least ? 'True' : 'False'
  if (before?.status === status) return before
  return status === 'True'
    ? condition(before, time, {
        type: 'Available',
        status,
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      })
    : condition(before, time, {
        type: 'Available',
        status,
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      })
}

function progressCondition(
  deployment: StoredObject,
  totals: Counts,
  fresh: StoredObject | undefined,
  news: NewReplicaSet,
  { now, time }: { readonly now: number; readonly time: string },
): Condition | undefined {
  if (numberAt(deployment, 'spec', 'progressDeadlineSeconds') === undefined) return undefined
  const before = conditionOf(deployment, 'Progressing')
  const say = (status: string, reason: string, message: string): Condition => {
    return condition(before, time, { type: 'Progressing', status, reason, message })
  }
  if (at(deployment, 'spec', 'paused') === true) {
    if (before?.reason === 'DeploymentPaused') return before
    return say('Unknown', 'DeploymentPaused', 'Deployment is paused')
  }
  const name = fresh?.metadata.name ?? deployment.metadata.name
  const isComplete = hasCompleted(deployment, totals, fresh)
  const wasComplete = before?.reason === 'NewReplicaSetAvailable'
  if (isComplete || (wasComplete && news !== 'created' && totals.replicas === totals.updatedReplicas)) {
    return wasComplete && before.message.includes(`"${name}"`)
      ? before
      : say('True', 'NewReplicaSetAvailable', `ReplicaSet "${name}" has successfully progressed.`)
  }
  if (news === 'created') return say('True', 'NewReplicaSetCreated', `Created new replica set "${name}"`)
  if (before?.reason === 'DeploymentPaused') return say('Unknown', 'DeploymentResumed', 'Deployment is resumed')
  if (hasProgressed(deployment, totals)) return say('True', 'ReplicaSetUpdated', `ReplicaSet "${name}" is progressing.`)
  if (before === undefined) return say('True', 'FoundNewReplicaSet', `Found new replica set "${name}"`)
  return isOverdue(deployment, before, now)
    ? say('False', 'ProgressDeadlineExceeded', `ReplicaSet "${name}" has timed out progressing.`)
    : before
}

function isOverdue(deployment: StoredObject, progressing: Condition, now: number): boolean {
  return timeLeft(deployment, progressing, now) === 0
}

function hasCompleted(deployment: StoredObject, totals: Counts, fresh: StoredObject | undefined): boolean {
  const wanted = numberAt(deployment, 'spec', 'replicas') ?? 0
  const isSeen = numberAt(fresh, 'status', 'observedGeneration') === fresh?.metadata.generation
  return (
    isSeen && [totals.updatedReplicas, totals.replicas, totals.availableReplicas].every((count) => count === wanted)
  )
}

function hasProgressed(deployment: StoredObject, totals: Counts): boolean {
  const before = (field: keyof Counts): number => numberAt(deployment, 'status', field) ?? 0
  return (
    totals.updatedReplicas > before('updatedReplicas') ||
    totals.replicas - totals.updatedReplicas < before('replicas') - before('updatedReplicas') ||
    totals.readyReplicas > before('readyReplicas') ||
    totals.availableReplicas > before('availableReplicas')
  )
}

/** Milliseconds until the deadline of a rollout that is under way; undefined when none is, or it has failed already. */
function timeLeft(deployment: StoredObject, progressing: Condition, now: number): number | undefined {
  const underWay = ['NewReplicaSetCreated', 'FoundNewReplicaSet', 'ReplicaSetUpdated', 'DeploymentResumed']
  if (!underWay.includes(progressing.reason)) return undefined
  const seconds = numberAt(deployment, 'spec', 'progressDeadlineSeconds') ?? 600
  return Math.max(0, Date.parse(progressing.lastUpdateTime) + seconds * 1000 - now)
}
