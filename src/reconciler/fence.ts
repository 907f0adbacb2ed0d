import { canonicalJson } from '../lib/json.ts'
import { describeRef, refOf, type KubeObject, type ObjectRef } from '../lib/kube-object.ts'
import { Problem } from '../lib/problem.ts'
import type { ClusterPort } from './ports.ts'

export interface FenceOptions {
  readonly cluster: Pick<ClusterPort, 'get'>
  /** Objects that are written only over the version that they had when the fence was made: they decide about traffic. */
  readonly routes: readonly ObjectRef[]
  /** Objects whose newer versions Git is asked about. */
  readonly others: readonly ObjectRef[]
  /** Asks Git whether what is to be acted out is still what is recorded. */
  readonly stillHolds: () => Promise<boolean>
}

/** What tells that somebody changed an object; the generation stays when only its status did. */
interface Version {
  readonly resourceVersion: string | undefined
  readonly generation: number | undefined
}

/**
 * Keeps a Serin that knows less than another one from undoing its work. An object is written only over the version that
 * it had before Git confirmed what is recorded: whoever records something else and acts on it in between makes the write
 * fail. A status that its controller wrote meanwhile is no such change, but Git is asked again. Objects that do not exist
 * yet have no version and are simply made.
 */
export class Fence {
  private readonly options: FenceOptions
  private readonly routes: ReadonlySet<string>
  private readonly versions: Map<string, Version>
  private isConfirmed = false

  constructor(options: FenceOptions) {
    this.options = options
    this.routes = new Set(options.routes.map(canonicalJson))
    this.versions = new Map(
      [...options.routes, ...options.others].map((ref) => [canonicalJson(ref), this.versionOf(ref)]),
    )
  }

  /** Git has said that what is recorded holds, later than this fence was made: a push has won. */
  confirm(): void {
    this.isConfirmed = true
  }

  /** Time has gone by since Git said so: it is asked again before the next write. */
  doubt(): void {
    this.isConfirmed = false
  }

  /**
   * The version to write an object over; undefined for a new one. Rejects with LEDGER_MOVED when the record has changed,
   * with CLUSTER_CONFLICT when somebody else changed a route.
   */
  async pass(ref: ObjectRef): Promise<string | undefined> {
    const key = canonicalJson(ref)
    const version = this.versionOf(ref)
    const known = this.versions.get(key)
    const isNew = known?.resourceVersion !== version.resourceVersion
    if (isNew && this.routes.has(key) && !isSameGeneration(known, version)) throw changed(ref)
    if (version.resourceVersion === undefined) return undefined
    if (isNew || !this.isConfirmed) {
      if (isNew) this.seeAgain()
      if (!(await this.options.stillHolds())) throw moved()
      this.isConfirmed = true
    }
    return version.resourceVersion
  }

  /** Takes in what one of our own writes left. */
  wrote(object: KubeObject): void {
    const { resourceVersion, generation } = object.metadata
    if (resourceVersion === undefined) return
    this.versions.set(canonicalJson(refOf(object)), { resourceVersion, generation })
  }

  /** Git is about to be asked: what is there now is what its answer will be about. */
  private seeAgain(): void {
    for (const ref of this.options.others) this.versions.set(canonicalJson(ref), this.versionOf(ref))
    for (const ref of this.options.routes) {
      const version = this.versionOf(ref)
      const key = canonicalJson(ref)
      if (isSameGeneration(this.versions.get(key), version)) this.versions.set(key, version)
    }
  }

  private versionOf(ref: ObjectRef): Version {
    const { resourceVersion, generation } = this.options.cluster.get(ref)?.metadata ?? {}
    return { resourceVersion, generation }
  }
}

/** Of a kind that counts its generations; without one, nothing tells what has changed. */
function isSameGeneration(known: Version | undefined, now: Version): boolean {
  return now.generation !== undefined && known?.generation === now.generation
}

/** The writes that acting out a record needs, each one through a fence; what is there already is not written. */
export type FencedCluster = Pick<ClusterPort, 'get' | 'holds' | 'apply' | 'scale' | 'refresh'>

/** Controllers write a Deployment's status many times while its pods come and go: so often may one be in the way. */
const MAX_ATTEMPTS = 6

/** Lets every write pass a fence first. One that loses against the object's own controller passes it again. */
export function fenced(cluster: FencedCluster, fence: Fence): FencedCluster {
  return {
    get: (ref) => cluster.get(ref),
    holds: (object, request) => cluster.holds(object, request),
    apply: async (object, request) => {
      const ref = refOf(object)
      const live = cluster.get(ref)
      if (live !== undefined && cluster.holds(object, request)) return { object: live, changed: false }
      const applied = await attempt(cluster, fence, ref, (version) =>
        cluster.apply(object, { ...request, resourceVersion: version }),
      )
      fence.wrote(applied.object)
      return applied
    },
    scale: async (ref, replicas) => {
      const scaled = await attempt(cluster, fence, ref, (version) =>
        cluster.scale(ref, replicas, { resourceVersion: version }),
      )
      if (scaled !== undefined) fence.wrote(scaled)
      return scaled
    },
    refresh: (ref) => cluster.refresh(ref),
  }
}

async function attempt<T>(
  cluster: FencedCluster,
  fence: Fence,
  ref: ObjectRef,
  write: (version: string | undefined) => Promise<T>,
): Promise<T> {
  for (let attempts = 1; ; attempts++) {
    const version = await fence.pass(ref)
    try {
      return await write(version)
    } catch (error) {
      const isLost = error instanceof Problem && error.code === 'CLUSTER_CONFLICT'
      if (!isLost || attempts === MAX_ATTEMPTS) throw error
      await cluster.refresh(ref)
    }
  }
}

/** Whether an error says that the record has changed: what was to be done is to be decided anew. */
export function isMoved(error: unknown): boolean {
  return error instanceof Problem && error.code === 'LEDGER_MOVED'
}

function changed(ref: ObjectRef): Problem {
  const place = describeRef(ref)
  return new Problem({
    kind: 'retry',
    code: 'CLUSTER_CONFLICT',
    message: `${place} was changed by somebody else meanwhile`,
    place,
  })
}

function moved(): Problem {
  return new Problem({ kind: 'retry', code: 'LEDGER_MOVED', message: 'somebody else recorded something meanwhile' })
}
