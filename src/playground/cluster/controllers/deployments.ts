import { at, isObject, numberAt, stringAt } from '../../../lib/json.ts'
import type { JsonObject } from '../../../lib/json.ts'
import { metadataOf } from '../api/served.ts'
import { child, draft, draftObject, equalJson, isDoc } from '../document.ts'
import type { Doc } from '../document.ts'
import type { StoredObject } from '../store.ts'
import { writeDeploymentStatus } from './deployment-status.ts'
import type { NewReplicaSet } from './deployment-status.ts'
import { controllerOf } from './owners.ts'
import { nextNewReplicas, nextOldReplicas, rollingLimits, wantedOf } from './rolling.ts'
import { templateHash } from './template-hash.ts'
import { controllerReference, createObject, keys, update, updateSpec } from './tools.ts'
import type { Tools } from './tools.ts'

const revisionKey = 'deployment.kubernetes.io/revision'
const historyKey = 'deployment.kubernetes.io/revision-history'
const desiredKey = 'deployment.kubernetes.io/desired-replicas'
const maxKey = 'deployment.kubernetes.io/max-replicas'
const hashLabel = 'pod-template-hash'

/** Rolls Deployments out through their ReplicaSets and keeps their status. Returns what stops it. */
export function startDeployments(tools: Tools): () => void {
  return tools.context.store.onChange(({ storeKey, object }) => {
    const { namespace } = object.metadata
    if (storeKey === keys.deployments) enqueue(tools, namespace, object.metadata.name)
    const owner = storeKey === keys.replicaSets ? controllerOf(object) : undefined
    if (owner?.kind === 'Deployment') enqueue(tools, namespace, owner.name)
  })
}

function enqueue(tools: Tools, namespace: string | undefined, name: string): void {
  tools.queue.add(`deployment ${namespace}/${name}`, () => reconcile(tools, namespace, name))
}

function reconcile(tools: Tools, namespace: string | undefined, name: string): void {
  const { context } = tools
  const deployment = context.store.get(keys.deployments, namespace, name)
  if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined) return
  const isPaused = at(deployment, 'spec', 'paused') === true
  const sets = setsOf(tools, deployment)
  const existing = findNew(deployment, sets)
  if (isPaused || (existing !== undefined && isScaling(deployment, sets))) {
    scaleAll(tools, deployment, existing, sets)
    finish(tools, deployment, existing, existing === undefined ? 'none' : 'known')
    return
  }
  const old = sets.filter((set) => set !== existing)
  const fresh = existing === undefined ? createNew(tools, deployment, old) : adopt(tools, deployment, existing, old)
  const grown = scaleTo(tools, deployment, fresh, nextNewReplicas(deployment, fresh, old))
  if (grown === fresh) {
    for (const [set, count] of nextOldReplicas(
      deployment,
      fresh,
      old.filter((one) => wantedOf(one) > 0),
    )) {
      scaleTo(tools, deployment, set, count)
    }
  }
  finish(tools, deployment, grown, existing === undefined ? 'created' : 'known')
}

function finish(tools: Tools, before: StoredObject, fresh: StoredObject | undefined, news: NewReplicaSet): void {
  const { context } = tools
  const { namespace, name } = before.metadata
  const revision = fresh?.metadata.annotations?.[revisionKey]
  const current = context.store.get(keys.deployments, namespace, name) ?? before
  const deployment = update(context, keys.deployments, current, (next) => {
    if (revision !== undefined) child(metadataOf(next), 'annotations')[revisionKey] = revision
  })
  const sets = setsOf(tools, deployment)
  writeDeploymentStatus(tools, deployment, findNew(deployment, sets), sets, news, () =>
    reconcile(tools, namespace, name),
  )
  cleanUp(tools, deployment, sets)
}

/** A Deployment's ReplicaSets, oldest first. */
function setsOf(tools: Tools, deployment: StoredObject): readonly StoredObject[] {
  return tools.owners.ofKind(deployment.metadata.uid, keys.replicaSets)
}

function templateOf(object: StoredObject): JsonObject {
  const template = at(object, 'spec', 'template')
  return isObject(template) ? template : {}
}

function findNew(deployment: StoredObject, sets: readonly StoredObject[]): StoredObject | undefined {
  const wanted = templateOf(deployment)
  return sets.find((set) => equalJson(withoutHash(templateOf(set)), wanted))
}

const bare = new WeakMap<JsonObject, Doc>()

function withoutHash(template: JsonObject): Doc {
  const known = bare.get(template)
  if (known !== undefined) return known
  const copy = draftObject(template)
  const labels = metadataOf(copy)['labels']
  if (isDoc(labels)) delete labels[hashLabel]
  bare.set(template, copy)
  return copy
}

function revisionOf(set: StoredObject): number {
  return Number(set.metadata.annotations?.[revisionKey] ?? 0)
}

function nextRevision(old: readonly StoredObject[]): number {
  return Math.max(0, ...old.map(revisionOf)) + 1
}

function createNew(tools: Tools, deployment: StoredObject, old: readonly StoredObject[]): StoredObject {
  const template = draftObject(templateOf(deployment))
  const hash = templateHash(templateOf(deployment))
  child(metadataOf(template), 'labels')[hashLabel] = hash
  const selector = draft(at(deployment, 'spec', 'selector') ?? {})
  if (isDoc(selector)) child(selector, 'matchLabels')[hashLabel] = hash
  const minReady = numberAt(deployment, 'spec', 'minReadySeconds')
  return createObject(tools.context, keys.replicaSets, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace,
      generation: 1,
      labels: { ...child(metadataOf(template), 'labels') },
      annotations: { ...ownAnnotations(deployment), ...sizes(deployment), [revisionKey]: String(nextRevision(old)) },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: nextNewReplicas(deployment, undefined, old),
      selector,
      template,
      ...(minReady === undefined ? {} : { minReadySeconds: minReady }),
    },
    status: { replicas: 0 },
  })
}

function ownAnnotations(deployment: StoredObject): Doc {
  const skipped = new Set([
    revisionKey,
    historyKey,
    desiredKey,
    maxKey,
    'kubectl.kubernetes.io/last-applied-configuration',
  ])
  return Object.fromEntries(Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !skipped.has(key)))
}

// A ReplicaSet that is used again, as after an undo, gets a new revision and remembers its former ones.
function adopt(tools: Tools, deployment: StoredObject, set: StoredObject, old: readonly StoredObject[]): StoredObject {
  const next = nextRevision(old)
  if (revisionOf(set) >= next) return set
  return update(tools.context, keys.replicaSets, set, (copy) => {
    const annotations = child(metadataOf(copy), 'annotations')
    const before = stringAt(annotations, revisionKey)
    const history = stringAt(annotations, historyKey)
    if (before !== undefined) annotations[historyKey] = history === undefined ? before : `${history},${before}`
    Object.assign(annotations, sizes(deployment), { [revisionKey]: String(next) })
  })
}

function sizes(deployment: StoredObject): Doc {
  const replicas = numberAt(deployment, 'spec', 'replicas') ?? 0
  const most = replicas === 0 ? 0 : replicas + rollingLimits(deployment).maxSurge
  return { [desiredKey]: String(replicas), [maxKey]: String(most) }
}

function scaleTo(tools: Tools, deployment: StoredObject, set: StoredObject, count: number): StoredObject {
  const scaled = updateSpec(tools.context, keys.replicaSets, set, (copy) => {
    child(copy, 'spec')['replicas'] = count
    Object.assign(child(metadataOf(copy), 'annotations'), sizes(deployment))
  })
  return wantedOf(set) === count ? set : scaled
}

function isScaling(deployment: StoredObject, sets: readonly StoredObject[]): boolean {
  const replicas = String(numberAt(deployment, 'spec', 'replicas') ?? 0)
  return sets.some((set) => {
    const desired = set.metadata.annotations?.[desiredKey]
    return wantedOf(set) > 0 && desired !== undefined && desired !== replicas
  })
}

// A change of the number alone: the active ReplicaSets share it in proportion, the newest takes what is left over.
function scaleAll(
  tools: Tools,
  deployment: StoredObject,
  fresh: StoredObject | undefined,
  sets: readonly StoredObject[],
): void {
  const replicas = numberAt(deployment, 'spec', 'replicas') ?? 0
  const active = sets.filter((set) => wantedOf(set) > 0)
  const only = active.length <= 1 ? (active[0] ?? fresh ?? sets.at(-1)) : undefined
  if (only !== undefined) {
    scaleTo(tools, deployment, only, replicas)
    return
  }
  if (active.length === 0) return
  const total = active.reduce((sum, set) => sum + wantedOf(set), 0)
  const allowed = replicas === 0 ? 0 : replicas + rollingLimits(deployment).maxSurge
  let left = allowed
  for (const set of active.slice(0, -1)) {
    const share = Math.min(left, Math.round((wantedOf(set) * allowed) / total))
    scaleTo(tools, deployment, set, share)
    left -= share
  }
  const last = active.at(-1)
  if (last !== undefined) scaleTo(tools, deployment, last, left)
}

function cleanUp(tools: Tools, deployment: StoredObject, sets: readonly StoredObject[]): void {
  const limit = numberAt(deployment, 'spec', 'revisionHistoryLimit') ?? 10
  const fresh = findNew(deployment, sets)
  const idle = sets
    .filter((set) => set !== fresh && wantedOf(set) === 0 && (numberAt(set, 'status', 'replicas') ?? 0) === 0)
    .toSorted((left, right) => revisionOf(left) - revisionOf(right))
  for (const set of idle.slice(0, Math.max(0, idle.length - limit))) tools.context.store.remove(keys.replicaSets, set)
}
