import { numberAt } from '../lib/json.ts'
import { refOf, type KubeObject, type ObjectRef } from '../lib/kube-object.ts'
import { isOwnedBy } from '../cluster/workloads/owner.ts'
import { replicasFromZero } from '../cluster/workloads/scale.ts'
import type { LedgerEntry } from '../ledger/entry.ts'
import type { Canary } from '../resources/canary.ts'
import type { TrafficProvider } from '../traffic/provider.ts'
import { fenced, type Fence } from './fence.ts'
import type { ClusterPort } from './ports.ts'
import { isRebuilding } from './rebuilding.ts'
import { routesBefore, targetScale } from './wanted.ts'

/** One canary's objects in the cluster, and what decides about them. */
export interface Stage {
  readonly cluster: Pick<ClusterPort, 'get' | 'holds' | 'apply' | 'scale' | 'refresh'>
  readonly canary: Canary
  readonly provider: TrafficProvider
  /** The Canary object that owns what is generated. */
  readonly owner: KubeObject
  readonly targetRef: ObjectRef
  readonly primaryRef: ObjectRef
  /** The target as the source branch has it now; undefined when it is not in Git. */
  readonly target: KubeObject | undefined
  /** Hash of that target. */
  readonly targetHash: string | undefined
  readonly autoscaler: KubeObject | undefined
}

/** The name of the Service that users talk to, and of the mesh's objects. */
export function apexName(canary: Canary): string {
  return canary.spec.service.name ?? canary.spec.targetRef.name
}

/** The live routing objects of the canary's provider. */
export function liveRoutes({ cluster, canary, provider }: Stage): readonly KubeObject[] {
  const names = [apexName(canary), `${apexName(canary)}-primary`, `${apexName(canary)}-canary`]
  return provider.kinds.flatMap(({ apiVersion, kind }) =>
    names
      .map((name) => cluster.get({ apiVersion, kind, namespace: canary.metadata.namespace, name }))
      .filter((object) => object !== undefined),
  )
}

/** The canary's weight that the live routes give; 0 where they give none. */
export function liveWeight(stage: Stage): number {
  return stage.provider.read(stage.canary, liveRoutes(stage))?.canary ?? 0
}

/** Writes the mesh's objects only. */
async function writeRoutes({ cluster, owner }: Stage, routes: readonly KubeObject[]): Promise<void> {
  for (const object of routes) if (object.kind !== 'Service') await cluster.apply(object, { owner })
}

/**
 * Takes traffic off a canary, before anything else happens and without asking anybody. All of it may always go; a part only
 * over the routes that were seen to give it more, as others may have taken all of it meanwhile.
 */
export async function lowerWeight(stage: Stage, { state, routes }: LedgerEntry): Promise<void> {
  const { cluster, owner } = stage
  if (liveWeight(stage) <= state.canaryWeight) return
  const seen = routes.map((object) => ({ object, version: cluster.get(refOf(object))?.metadata.resourceVersion }))
  for (const { object, version } of seen) {
    if (object.kind === 'Service') continue
    await cluster.apply(object, { owner, resourceVersion: state.canaryWeight === 0 ? undefined : version })
  }
}

/** The mesh's objects of a record. */
export function routeRefs({ routes }: LedgerEntry): readonly ObjectRef[] {
  return routes.filter(({ kind }) => kind !== 'Service').map(refOf)
}

/** The other objects of a record, and its target. */
export function workloadRefs({ targetRef, primaryRef }: Stage, { primary, routes }: LedgerEntry): readonly ObjectRef[] {
  const services = routes.filter(({ kind }) => kind === 'Service')
  return [targetRef, primaryRef, ...primary.map(refOf), ...services.map(refOf)]
}

/**
 * Brings the cluster to what is recorded, in an order that never leaves users without a ready backend: workloads, then
 * Services and routes, then the target's replicas. Idempotent; makes no request where nothing differs. Only traffic that
 * goes back to the primary passes no fence.
 */
export async function converge(unfenced: Stage, entry: LedgerEntry, fence: Fence): Promise<void> {
  await lowerWeight(unfenced, entry)
  const stage: Stage = { ...unfenced, cluster: fenced(unfenced.cluster, fence) }
  const { cluster, owner } = stage
  const scale = targetScale(entry.state)
  if (scale !== 'zero') await applyTarget(stage, entry)
  for (const object of entry.primary) await cluster.apply(object, { owner })
  if (entry.state.phase === 'Initializing') await matchTarget(stage)
  const isBeginning = entry.state.phase === 'Initializing' || isRebuilding(stage, entry)
  const routes = isBeginning ? routesBefore(entry, apexName(stage.canary)) : entry.routes
  for (const object of routes) if (object.kind === 'Service') await applyService(stage, object)
  if (scale === 'up') await scaleUp(stage)
  await writeRoutes(stage, routes)
  if (scale === 'zero' && !isBeginning) {
    await scaleDown(stage)
    await applyTarget(stage, entry)
  }
}

/** A Service that was there before the canary is used but never owned: it must outlive the canary. */
async function applyService({ cluster, canary, owner }: Stage, object: KubeObject): Promise<void> {
  const live = cluster.get(refOf(object))
  const isAdopted = object.metadata.name === apexName(canary) && live !== undefined && !isOwnedBy(live, owner)
  await cluster.apply(object, isAdopted ? {} : { owner })
}

/**
 * The target's manifest without replicas, which are Serin's. While its pods serve it holds the recorded revision, else what
 * the primary runs: two Serins that read different commits of the source branch never undo each other's work.
 */
async function applyTarget({ cluster, target, targetHash }: Stage, { state, promoted }: LedgerEntry): Promise<void> {
  const recorded = targetScale(state) === 'zero' ? promoted : state.revision
  if (target === undefined || targetHash !== recorded.hash) return
  const { replicas: _replicas, ...spec } = target.spec ?? {}
  await cluster.apply({ ...target, spec })
}

async function scaleUp({ cluster, targetRef, primaryRef, target, autoscaler }: Stage): Promise<void> {
  const live = cluster.get(targetRef)
  if (live === undefined || numberAt(live, 'spec', 'replicas') !== 0) return
  const wanted = { ...live, spec: { ...live.spec, replicas: numberAt(target, 'spec', 'replicas') ?? 0 } }
  await cluster.scale(targetRef, replicasFromZero(wanted, cluster.get(primaryRef), autoscaler))
}

/** A primary that takes a live target over starts with as many pods as serve now, whatever its autoscaler would begin with. */
async function matchTarget({ cluster, targetRef, primaryRef, autoscaler }: Stage): Promise<void> {
  if (autoscaler === undefined) return
  const serving = numberAt(cluster.get(targetRef), 'spec', 'replicas') ?? 0
  const replicas = numberAt(cluster.get(primaryRef), 'spec', 'replicas') ?? 0
  if (serving > replicas) await cluster.scale(primaryRef, serving)
}

async function scaleDown({ cluster, targetRef }: Stage): Promise<void> {
  const live = cluster.get(targetRef)
  if (live !== undefined && numberAt(live, 'spec', 'replicas') !== 0) await cluster.scale(targetRef, 0)
}
