import type { CanaryKey, LedgerEntry } from '../ledger/entry.ts'
import type { ObjectRef } from '../lib/kube-object.ts'
import { Problem } from '../lib/problem.ts'
import type { Canary } from '../resources/canary.ts'
import { isRunning } from '../rollout/state.ts'
import { isClusterRevision } from '../source/revision.ts'
import { ClusterCanaries } from './cluster-canaries.ts'
import { withConsequence } from './last-good.ts'
import type { Namespaces } from './namespaces.ts'
import type { ClusterPort, Logger } from './ports.ts'
import type { SourceSnapshot, SourceWatch, WatchedCanary } from './source-watch.ts'

export interface CanaryDirectoryOptions {
  readonly cluster: ClusterPort
  readonly source: SourceWatch
  readonly namespaces: Namespaces
  readonly recorded: (key: CanaryKey) => LedgerEntry | undefined
  readonly log: Logger
}

const TARGET_SHARED = 'CANARY_TARGET_SHARED'

/** What a change in the cluster means for a canary. */
export interface CanaryChange {
  readonly key: CanaryKey
  /** It is not in the cluster any more. */
  readonly isGone: boolean
}

/**
 * Knows every canary that is looked after: those that the source branch describes, and those that are only in the
 * cluster. Where both have one, the source branch's version counts.
 */
export class CanaryDirectory {
  private readonly options: CanaryDirectoryOptions
  private readonly live: ClusterCanaries
  /** Canaries by `namespace/name` of each object that may be theirs, and the other way round. */
  private readonly keysByName = new Map<string, Set<CanaryKey>>()
  private readonly namesOfKey = new Map<CanaryKey, readonly string[]>()
  private last: SourceSnapshot | undefined
  private readonly toldElsewhere = new Set<CanaryKey>()

  constructor(options: CanaryDirectoryOptions) {
    this.options = options
    const { cluster, namespaces, recorded } = options
    this.live = new ClusterCanaries(cluster, namespaces, (key) => recorded(key) !== undefined)
  }

  /** See `ClusterCanaries.known`. */
  known(): ReturnType<ClusterCanaries['known']> {
    return this.live.known()
  }

  /** Everything that is known of a canary; a Problem where it can't be worked with, undefined where there is none. */
  async find(key: CanaryKey): Promise<WatchedCanary | Problem | undefined> {
    const { source } = this.options
    const snapshot = source.snapshot
    const described = snapshot?.canaries.get(key)
    if (described !== undefined) {
      const { canary, place } = described.source
      return this.sharedTarget(key, canary, place) ?? this.withoutNewSharers(described)
    }
    const broken = snapshot?.broken.get(key)
    const { canary, place, problem } = this.live.find(key) ?? {}
    if (canary === undefined || place === undefined) return broken ?? problem
    // What the cluster has was good once: a rollout must not lose its checks for a manifest that can't be read.
    const fault = broken === undefined ? problem : withConsequence(broken)
    return this.sharedTarget(key, canary, place) ?? source.follow(key, canary, place, fault)
  }

  /** What was found last of a canary that can be worked with. */
  now(key: CanaryKey): WatchedCanary | undefined {
    const { source } = this.options
    return source.snapshot?.canaries.get(key) ?? (this.isOnlyInCluster(key) ? source.followedNow(key) : undefined)
  }

  /** Every canary, also those that can't be worked with. None before the first look at the source branch. */
  keys(): ReadonlySet<CanaryKey> {
    const { snapshot } = this.options.source
    if (snapshot === undefined) return new Set()
    return new Set([...snapshot.canaries.keys(), ...snapshot.broken.keys(), ...this.live.keys()])
  }

  /** Canaries that the cluster has and no manifest describes, with what was found out of them. */
  async onlyInCluster(): Promise<ReadonlyMap<CanaryKey, WatchedCanary>> {
    const all = new Map<CanaryKey, WatchedCanary>()
    for (const key of this.live.keys()) {
      const { canary, place, problem } = (this.isOnlyInCluster(key) ? this.live.find(key) : undefined) ?? {}
      if (canary === undefined || place === undefined) continue
      const watched = await this.options.source.follow(key, canary, place, problem)
      if (watched !== undefined) all.set(key, watched)
    }
    return all
  }

  /** Whether a canary is in the cluster and no manifest describes it. */
  isOnlyInCluster(key: CanaryKey): boolean {
    const { snapshot } = this.options.source
    if (snapshot === undefined || snapshot.canaries.has(key) || snapshot.broken.has(key)) return false
    return this.live.has(key)
  }

  /** The canaries that an object may belong to. */
  owners({ namespace = '', name }: ObjectRef): Iterable<CanaryKey> {
    return this.keysByName.get(`${namespace}/${name}`) ?? []
  }

  /** Takes in that an object of the cluster came, changed or went; undefined when it is no Canary. */
  changed(ref: ObjectRef): CanaryChange | undefined {
    const key = this.live.changed(ref)
    if (key === undefined) return undefined
    const isGone = !this.live.has(key)
    const isDescribed = this.namesOfKey.has(key) && this.options.source.snapshot?.canaries.has(key) === true
    if (isGone && !isDescribed && this.namesOfKey.has(key)) {
      this.options.source.unfollow(key)
      this.options.log.info({ canary: key }, 'the Canary was deleted in the cluster; its history stays in the ledger')
    }
    this.index(key)
    return { key, isGone }
  }

  /** Takes in a new look at the source branch, and tells what became of canaries with it. */
  looked(snapshot: SourceSnapshot): void {
    for (const key of new Set([...this.namesOfKey.keys(), ...snapshot.canaries.keys()])) this.index(key)
    this.tellElsewhere(snapshot)
    for (const key of this.last?.canaries.keys() ?? []) {
      if (this.isOnlyInCluster(key)) this.tellNoLongerDescribed(key)
    }
    this.last = snapshot
  }

  private tellElsewhere({ elsewhere }: SourceSnapshot): void {
    const fresh = elsewhere.filter((key) => !this.toldElsewhere.has(key))
    if (fresh.length === 0) return
    for (const key of fresh) this.toldElsewhere.add(key)
    const { log, namespaces } = this.options
    const fields = { canaries: fresh.slice(0, 20), count: fresh.length, namespaces: namespaces.list }
    log.info(fields, 'canaries of other namespaces are left alone')
  }

  private tellNoLongerDescribed(key: CanaryKey): void {
    const { cluster, log } = this.options
    const text =
      'No manifest of the source branch describes this Canary any more: it is followed as it is in the cluster'
    log.info({ canary: key }, text)
    const object = this.live.find(key)?.object
    if (object !== undefined) cluster.recordEvent(object, 'Normal', text)
  }

  /** A canary that came to a target which another one has already: their weights would fight. */
  private sharedTarget(key: CanaryKey, canary: Canary, place: string): Problem | undefined {
    const { kind, name } = canary.spec.targetRef
    const { namespace } = canary.metadata
    for (const other of this.owners({ apiVersion: '', kind, namespace, name })) {
      const target = other === key ? undefined : this.canaryOf(other)?.spec.targetRef
      if (target?.kind !== kind || target.name !== name || !this.goesFirst(other, key)) continue
      return new Problem({
        kind: 'stalled',
        code: TARGET_SHARED,
        message: `${kind}/${name}.${namespace} is the target of ${other} too`,
        place,
        hint: 'a target belongs to one canary: delete the other one once it has no rollout',
      })
    }
    return undefined
  }

  /** Manifests that share a target are all stalled, but for one that has it already: its rollout must not lose its checks. */
  private withoutNewSharers(watched: WatchedCanary): WatchedCanary {
    const { recorded } = this.options
    const { key, source, faults } = watched
    const shared = source.problems.filter(({ code }) => code === TARGET_SHARED)
    if (shared.length === 0 || recorded(key) === undefined) return watched
    const { targetRef } = source.canary.spec
    const { namespace } = source.canary.metadata
    for (const other of this.owners({ apiVersion: '', kind: targetRef.kind, namespace, name: targetRef.name })) {
      if (other !== key && recorded(other) !== undefined) return watched
    }
    const problems = source.problems.filter(({ code }) => code !== TARGET_SHARED)
    return { ...watched, source: { ...source, problems }, faults: [...faults, ...shared] }
  }

  /**
   * Before one that was never seen goes one whose target holds what it has not promoted: a new canary takes for good what
   * its target holds. Then the source branch's goes first, then the one that was made first.
   */
  private goesFirst(other: CanaryKey, key: CanaryKey): boolean {
    if (this.isNewBeside(key, other)) return true
    if (this.isNewBeside(other, key)) return false
    if (!this.isOnlyInCluster(key)) return false
    if (!this.isOnlyInCluster(other)) return true
    const [first, second] = [other, key].map((one) => {
      const { creationTimestamp = '', name } = this.live.find(one)?.object.metadata ?? { name: '' }
      return `${creationTimestamp} ${name}`
    })
    return (first ?? '') < (second ?? '')
  }

  private isNewBeside(key: CanaryKey, other: CanaryKey): boolean {
    const { recorded } = this.options
    const entry = recorded(other)
    if (entry === undefined || recorded(key) !== undefined) return false
    const { state, promoted } = entry
    if (isRunning(state.phase) || state.canaryWeight > 0) return true
    const wanted = this.now(key)?.revision ?? this.now(other)?.revision
    if (wanted === undefined || isClusterRevision(promoted)) return state.phase === 'Failed'
    return wanted.hash !== promoted.hash
  }

  private canaryOf(key: CanaryKey): Canary | undefined {
    const { snapshot } = this.options.source
    return snapshot?.canaries.get(key)?.source.canary ?? this.live.find(key)?.canary
  }

  private index(key: CanaryKey): void {
    const canary = this.canaryOf(key)
    const names = canary === undefined ? [] : namesOf(canary)
    const before = this.namesOfKey.get(key) ?? []
    if (names.join() === before.join()) return
    for (const name of before) this.keysByName.get(name)?.delete(key)
    for (const name of names) this.keysByName.set(name, (this.keysByName.get(name) ?? new Set()).add(key))
    if (names.length === 0) this.namesOfKey.delete(key)
    else this.namesOfKey.set(key, names)
  }
}

/** `namespace/name` of every object that a canary has to do with. */
function namesOf({ metadata, spec }: Canary): readonly string[] {
  const target = spec.targetRef.name
  const apex = spec.service.name ?? target
  const names = [metadata.name, target, `${target}-primary`, apex, `${apex}-primary`, `${apex}-canary`]
  return [...new Set(names)].map((name) => `${metadata.namespace}/${name}`)
}
