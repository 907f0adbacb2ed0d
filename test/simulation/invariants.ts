import { at, isObject, numberAt } from '../../src/lib/json.ts'
import type { KubeObject } from '../../src/lib/kube-object.ts'
import type { Commit } from '../../src/git/types.ts'
import type { VirtualStage } from '../../src/cli/stage/virtual-stage.ts'
import { ledgerBranch, serinIdentity } from '../../src/cli/stage/staged-serin.ts'
import { clusterRevision, isClusterRevision, revisionHash } from '../../src/source/revision.ts'
import { deploymentFile, tagIn, tagOf } from './fleet.ts'

/** What one commit of the ledger says of podinfo. */
interface Recorded {
  readonly phase: string
  readonly canaryWeight: number
  /** Source commit of the revision under way. */
  readonly commit: string
  /** What the primary runs. */
  readonly primaryTag: string
}

/** Looks at every change of the cluster and of both branches, and remembers what must never have happened. */
export class Invariants {
  readonly breaches: string[] = []
  private readonly stage: () => VirtualStage
  /** What Serin recorded last; a person's commit on top of it is an order that takes a moment to be heard. */
  private recorded: Recorded | undefined
  private wasInitialised = false
  /** The world changes the cluster by somebody else's hand. */
  private isMeddling = false
  /** Somebody else left the routes or the primary as Serin would not; it takes a moment to mend. */
  private readonly meddled = new Set<'routes' | 'primary'>()
  private readonly tagOfCommit = new Map<string, string>()
  private readonly promotedTags = new Set<string>()
  private readonly passes = new Map<string, number>()
  private readonly serinCommits = new Set<string>()
  /** Set when a Canary let a revision skip its analysis. */
  maySkipAnalysis = false

  /** A request that makes the primary was held up: what does not exist yet has no version to write over. */
  mayCreateLate = false

  constructor(stage: () => VirtualStage) {
    this.stage = stage
  }

  /** Lets somebody else change something: what it leaves is not Serin's doing. */
  meddle(what: 'routes' | 'primary', change: () => void): void {
    this.isMeddling = true
    this.meddled.add(what)
    change()
    this.isMeddling = false
  }

  /** A metric was answered while the canary ran an image. */
  measured(tag: string, isGood: boolean): void {
    if (isGood) this.passes.set(tag, (this.passes.get(tag) ?? 0) + 1)
  }

  /** The image tag of a revision, by its commit. */
  tagOf(commit: string): string | undefined {
    return this.tagOfCommit.get(commit)
  }

  moved(branch: string, from: string | null, to: string | null, isForced: boolean): void {
    if (to === null) return
    const log = this.stage().remote.log(branch)
    if (from !== null && !isForced && !log.some(({ oid }) => oid === from)) {
      this.breach(`${branch} lost commits: ${from.slice(0, 7)} is not below ${to.slice(0, 7)}`)
    }
    const tip = log.at(-1)
    if (tip === undefined) return
    if (branch === ledgerBranch) this.ledgerMoved(log, from)
    else this.sourceMoved(log, from)
  }

  changed(object: KubeObject, before: KubeObject | undefined): void {
    if (object.kind === 'VirtualService') this.routesChanged(object)
    if (object.kind === 'Deployment' && object.metadata.name === 'podinfo-primary') this.primaryChanged(object, before)
    if (object.kind === 'Deployment' && object.metadata.name === 'podinfo') this.targetChanged(object)
  }

  private ledgerMoved(log: readonly Commit[], from: string | null): void {
    const start = log.findIndex(({ oid }) => oid === from) + 1
    for (const commit of log.slice(start)) {
      if (!isSerins(commit)) continue
      this.serinCommits.add(commit.oid)
      const files = this.stage().remote.filesAt(commit.oid)
      const read = readRecorded(files)
      if (read === undefined) this.breach(`Serin left a ledger that can't be read: ${commit.message}`)
      else this.record(read)
    }
    this.checkWeight('the ledger moved')
  }

  private record(now: Recorded): void {
    const before = this.recorded
    this.recorded = now
    if (now.phase === 'Initialized') this.wasInitialised = true
    const isNew = before !== undefined && before.commit !== now.commit && now.phase === 'Progressing'
    if (isNew && this.serinCommits.has(now.commit) && !this.isRetry(now.commit)) {
      this.breach(`Serin's own commit ${now.commit.slice(0, 7)} started a rollout`)
    }
  }

  private isRetry(commit: string): boolean {
    const found = this.stage()
      .remote.log('main')
      .find(({ oid }) => oid === commit)
    return found?.message.startsWith('Reapply ') === true
  }

  private sourceMoved(log: readonly Commit[], from: string | null): void {
    const start = log.findIndex(({ oid }) => oid === from) + 1
    for (const commit of log.slice(start)) {
      this.tagOfCommit.set(commit.oid, tagIn(this.stage().remote.filesAt(commit.oid).get(deploymentFile)))
      if (isSerins(commit)) this.serinCommits.add(commit.oid)
    }
  }

  private routesChanged(object: KubeObject): void {
    const weights = weightsOf(object)
    if (this.isMeddling) return
    if (weights === undefined) return this.breach('the VirtualService has no weights')
    const { primary, canary } = weights
    if (primary + canary !== 100 || primary < 0 || canary < 0) this.breach(`weights ${primary} and ${canary}`)
    this.meddled.delete('routes')
    this.checkWeight('the routes changed')
    this.checkTarget()
  }

  private checkWeight(when: string): void {
    const canary = this.liveWeight()
    const recorded = this.recorded?.canaryWeight ?? 0
    if (!this.meddled.has('routes') && canary > recorded) {
      this.breach(`${when}: the canary gets ${canary} %, recorded are ${recorded} %`)
    }
  }

  private liveWeight(): number {
    const routes = this.stage().cluster.list('networking.istio.io/v1beta1', 'VirtualService')
    return weightsOf(routes.find(({ metadata }) => metadata.name === 'podinfo'))?.canary ?? 0
  }

  private primaryChanged(object: KubeObject, before: KubeObject | undefined): void {
    if (this.isMeddling) return
    const tag = tagOf(object.spec)
    if (numberAt(object, 'spec', 'replicas') === 0) this.breach('the primary was scaled to zero')
    const isWritten = tag !== tagOf(before?.spec)
    if (isWritten && tag !== this.recorded?.primaryTag && !this.meddled.has('primary') && !this.mayCreateLate) {
      this.breach(`the primary runs ${tag}, recorded is ${this.recorded?.primaryTag}`)
    }
    if (!this.promotedTags.has(tag)) this.checkAnalysis(tag)
    this.promotedTags.add(tag)
    const ready = numberAt(object, 'status', 'readyReplicas') ?? 0
    if (ready > 0 && this.meddled.has('primary')) this.meddled.delete('primary')
    if (this.wasInitialised && ready === 0 && !this.meddled.has('primary')) this.breach('the primary has no ready pod')
  }

  private checkAnalysis(tag: string): void {
    if (!this.wasInitialised || this.maySkipAnalysis) return
    const passes = this.passes.get(tag) ?? 0
    if (passes < 2) this.breach(`${tag} was promoted after ${passes} passed checks`)
  }

  private targetChanged(object: KubeObject): void {
    this.tagOfCommit.set(clusterRevision(revisionHash(object)), tagOf(object.spec))
    if (!this.isMeddling && numberAt(object, 'spec', 'replicas') === 0) this.checkTarget()
  }

  private checkTarget(): void {
    const target = this.stage()
      .cluster.list('apps/v1', 'Deployment', 'test')
      .find(({ metadata }) => metadata.name === 'podinfo')
    if (this.liveWeight() === 0 || target === undefined || this.meddled.has('routes')) return
    if (numberAt(target, 'spec', 'replicas') === 0) this.breach('a canary without pods gets traffic')
    const tag = tagOf(target.spec)
    const commit = this.recorded?.commit ?? ''
    const expected = this.tagOfCommit.get(commit)
    // Somebody's hand may change what runs at any moment, without asking.
    if (isClusterRevision({ commit }) || !this.isTargetInGit()) return
    if (expected !== undefined && tag !== expected) {
      this.breach(`the canary that gets traffic runs ${tag}, recorded is ${expected}`)
    }
  }

  private isTargetInGit(): boolean {
    return tagIn(this.stage().remote.files('main').get(deploymentFile)) !== 'none'
  }

  private breach(text: string): void {
    this.breaches.push(text)
  }
}

function isSerins({ author }: Commit): boolean {
  return author.email === serinIdentity.email
}

/** Only what the invariants need: reading a whole entry after each push would take most of a simulation's time. */
function readRecorded(files: ReadonlyMap<string, string>): Recorded | undefined {
  const status = files.get('test/podinfo/status.yaml') ?? ''
  const phase = /^phase: (\w+)$/m.exec(status)?.[1]
  const canaryWeight = /^canaryWeight: (\d+)$/m.exec(status)?.[1]
  const commit = /^revision:\n {2}commit: "?([\w:]+)"?$/m.exec(status)?.[1]
  if (phase === undefined || canaryWeight === undefined || commit === undefined) return undefined
  return {
    phase,
    canaryWeight: Number(canaryWeight),
    commit,
    primaryTag: tagIn(files.get('test/podinfo/primary.yaml')),
  }
}

/** The weights of a VirtualService's first route. */
export function weightsOf(object: KubeObject | undefined): { primary: number; canary: number } | undefined {
  const http = at(object, 'spec', 'http')
  const route: unknown = Array.isArray(http) ? at(http[0], 'route') : undefined
  if (!Array.isArray(route)) return undefined
  const weight = (name: string): number =>
    numberAt(
      route.filter(isObject).find((one) => at(one, 'destination', 'host') === name),
      'weight',
    ) ?? 0
  return { primary: weight('podinfo-primary'), canary: weight('podinfo-canary') }
}
