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

/**
 * Keeps a Serin that knows less than another one from undoing its work. An object is written only over the version that
 * it had before Git confirmed what is recorded: whoever records something else and acts on it in between makes the write
 * fail. Objects that do not exist yet have no version and are simply made.
 */
export class Fence {
  private readonly options: FenceOptions
  private readonly routes: ReadonlySet<string>
  private readonly versions: Map<string, string | undefined>
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

  /**
   * The version to write an object over; undefined for a new one. Rejects with LEDGER_MOVED when the record has changed,
   * with CLUSTER_CONFLICT when somebody else changed a route.
   */
  async pass(ref: ObjectRef): Promise<string | undefined> {
    const key = canonicalJson(ref)
    const version = this.versionOf(ref)
    const isNew = this.versions.get(key) !== version
    if (isNew && this.routes.has(key)) throw changed(ref)
    if (version === undefined) return undefined
    if (isNew || !this.isConfirmed) {
      if (isNew) this.seeOthers()
      if (!(await this.options.stillHolds())) throw moved()
      this.isConfirmed = true
    }
    return version
  }

  /** Takes in what one of our own writes left. */
  wrote(object: KubeObject): void {
    const { resourceVersion } = object.metadata
    if (resourceVersion !== undefined) this.versions.set(canonicalJson(refOf(object)), resourceVersion)
  }

  private seeOthers(): void {
    for (const ref of this.options.others) this.versions.set(canonicalJson(ref), this.versionOf(ref))
  }

  private versionOf(ref: ObjectRef): string | undefined {
    return this.options.cluster.get(ref)?.metadata.resourceVersion
  }
}

/** The writes that acting out a record needs, each one through a fence; what is there already is not written. */
export type FencedCluster = Pick<ClusterPort, 'get' | 'holds' | 'apply' | 'scale'>

/** Lets every write pass a fence first. */
export function fenced(cluster: FencedCluster, fence: Fence): FencedCluster {
  return {
    get: (ref) => cluster.get(ref),
    holds: (object, request) => cluster.holds(object, request),
    apply: async (object, request) => {
      const ref = refOf(object)
      const live = cluster.get(ref)
      if (live !== undefined && cluster.holds(object, request)) return { object: live, changed: false }
      const applied = await cluster.apply(object, { ...request, resourceVersion: await fence.pass(ref) })
      fence.wrote(applied.object)
      return applied
    },
    scale: async (ref, replicas) => {
      const scaled = await cluster.scale(ref, replicas, { resourceVersion: await fence.pass(ref) })
      if (scaled !== undefined) fence.wrote(scaled)
      return scaled
    },
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
