import type { Forge } from '../forge/types.ts'
import type { GitBranch, Person } from '../git/types.ts'
import { splitKey, type CanaryKey, type LedgerEntry } from '../ledger/entry.ts'
import type { Clock } from '../lib/clock.ts'
import type { ObjectRef } from '../lib/kube-object.ts'
import { Mutex } from '../lib/mutex.ts'
import { Problem, toProblem } from '../lib/problem.ts'
import type { Check } from '../rollout/check.ts'
import { warning, type Sentence } from '../rollout/sentences.ts'
import { isRunning, type SourceRollback } from '../rollout/state.ts'
import type { CanarySource } from '../source/canaries.ts'
import type { Manifest } from '../source/manifest.ts'
import { applicable } from './applicable.ts'
import { CanaryDirectory } from './canary-directory.ts'
import { CanaryReconciler, type CanaryReconcilerOptions } from './canary-reconciler.ts'
import { ContextBuilder } from './context-builder.ts'
import { LedgerKeeper } from './ledger-keeper.ts'
import { ManifestApplier } from './manifest-applier.ts'
import { clusterIn, namespacesOf, type Namespaces } from './namespaces.ts'
import type { ClusterPort, Logger, Spool } from './ports.ts'
import { PullRequests } from './pull-requests.ts'
import { backoffMs, KeyedQueue } from './queue.ts'
import { Reporter, type ReporterOptions } from './reporter.ts'
import type { CanaryDefaults } from './rollout-spec.ts'
import { SameContent } from './same-content.ts'
import { SafetySpool } from './safety-spool.ts'
import { fileOf, placedAt, SourceProblems } from './source-problems.ts'
import { SourceRollbackWriter } from './source-rollback.ts'
import { SourceWatch, type Look, type WatchedCanary } from './source-watch.ts'

export interface ReconcilerOptions {
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly log: Logger
  readonly source: GitBranch
  readonly ledger: GitBranch
  readonly cluster: ClusterPort
  /** The namespaces that are looked after; all when absent or empty. */
  readonly namespaces?: readonly string[]
  readonly forge: Forge | undefined
  readonly spool: Spool
  /** Asks a canary's metrics and holds them against their bounds. */
  readonly checks: (source: CanarySource) => Promise<readonly Check[]>
  readonly identity: Person
  readonly paths: readonly string[]
  readonly rollbackMode: SourceRollback['rung']
  readonly pushIntervalMs: number
  readonly defaults: CanaryDefaults
  readonly publish: ReporterOptions['publish']
  readonly observe: ReporterOptions['observe']
  /** Everything that is wrong because of a source commit now, for the pull request that it came with; nothing when all is mended. */
  readonly onSourceProblems: (commit: string, problems: readonly Problem[]) => void
  readonly onSentence: ReporterOptions['onSentence']
}

const APPLY_RETRY_MS = 5000
/** Changes of a canary's objects that fall within this time are looked at together, however many somebody makes. */
const SETTLE_MS = 50
/** Canaries that run at once wait for the same push: more of them make fewer pushes. Requests to the cluster are bounded elsewhere. */
const CONCURRENT_CANARIES = 64

/**
 * The whole reconciler: watches a source branch and a cluster, and brings every canary from what is recorded to what is
 * wanted. Everything that happens anywhere only puts a canary's key into one queue.
 */
export class Reconciler {
  private readonly options: ReconcilerOptions
  /** What is recorded. */
  readonly keeper: LedgerKeeper
  private readonly namespaces: Namespaces
  private readonly sourceWatch: SourceWatch
  private readonly directory: CanaryDirectory
  private readonly applier: ManifestApplier
  private readonly safety: SafetySpool
  private readonly queue: KeyedQueue
  private readonly canaries: CanaryReconciler
  private readonly frozenAt = new Map<CanaryKey, { readonly hash: string; readonly sentence: Sentence }>()
  private readonly looking = new Mutex()
  private readonly stopping = new AbortController()
  private readonly troubles = new Map<string, string>()
  private readonly reporter: Reporter
  private readonly problems: SourceProblems
  /** The failures of each canary since it went well last. */
  private readonly failures = new Map<CanaryKey, number>()
  private isLedgerRead = false
  private failedLooks = 0
  private cancelLook: (() => void) | undefined
  /** How many commits of other Serins had been adopted before the last look at the source branch. */
  private caughtUpWith = 0
  private cancelApply: (() => void) | undefined
  private unlisten: (() => void) | undefined

  constructor(given: ReconcilerOptions) {
    this.namespaces = namespacesOf(given.namespaces ?? [])
    const options = { ...given, cluster: clusterIn(given.cluster, this.namespaces) }
    this.options = options
    const { clock, random, log, source, ledger, cluster, identity, pushIntervalMs } = options
    const { namespaces } = this
    const enqueue = (key: CanaryKey): void => this.queue.add(key)
    this.keeper = new LedgerKeeper({
      branch: ledger,
      identity,
      clock,
      random,
      log,
      pushIntervalMs,
      signal: this.stopping.signal,
      isOurs: (key) => namespaces.isOurs(splitKey(key).namespace),
      onEdit: enqueue,
    })
    this.sourceWatch = new SourceWatch({
      branch: source,
      paths: options.paths,
      recorded: (key) => this.recordedRevisions(key),
      isOurs: (namespace) => namespaces.isOurs(namespace),
      log,
    })
    const recorded = (key: CanaryKey): LedgerEntry | undefined => this.keeper.entry(key)
    this.directory = new CanaryDirectory({ cluster, source: this.sourceWatch, namespaces, recorded, log })
    this.applier = new ManifestApplier({
      cluster,
      log,
      onProblem: (manifest, problem) => this.notApplied(manifest, problem),
      onApplied: ({ object }) => this.problems.taken(object),
    })
    this.safety = new SafetySpool(options.spool, log)
    this.problems = new SourceProblems({ branch: source, log, report: options.onSourceProblems })
    this.reporter = new Reporter({ ...options, onProblem: (key, problem) => this.canaryProblem(key, problem) })
    const contexts = this.contextBuilder(cluster)
    this.canaries = this.canaryReconciler((key) => contexts.build(key))
    this.queue = new KeyedQueue({
      clock,
      random,
      concurrency: CONCURRENT_CANARIES,
      run: (key) => this.reconcile(key),
      onFailure: (key, error, retryMs) => this.failed(key, error, retryMs),
    })
  }

  private contextBuilder(cluster: ClusterPort): ContextBuilder {
    const { clock, log, defaults, checks } = this.options
    const pullRequests = this.pullRequestFinder()
    return new ContextBuilder({
      cluster,
      clock,
      log,
      defaults,
      find: (key) => this.directory.find(key),
      recorded: (key) => this.keeper.entry(key),
      sameContent: new SameContent({ formerly: (commit, ref) => this.sourceWatch.formerly(commit, ref) }),
      frozen: (key) => this.frozenAt.get(key)?.sentence,
      pullRequestOf: (commit) => pullRequests.of(commit),
      checks,
    })
  }

  private canaryReconciler(context: CanaryReconcilerOptions['context']): CanaryReconciler {
    const { clock, random, log, source, identity, rollbackMode } = this.options
    return new CanaryReconciler({
      clock,
      keeper: this.keeper,
      spool: this.safety,
      reporter: this.reporter,
      sourceRollback: new SourceRollbackWriter({
        branch: source,
        identity,
        mode: rollbackMode,
        clock,
        random,
        signal: this.stopping.signal,
        onPushed: () => void this.look(),
      }),
      context,
      catchUp: () => this.catchUp(),
      log,
    })
  }

  /**
   * Reads what the last process left, and takes a first look. A remote that can't be reached is asked again until it can,
   * and `ready` says why. Rejects when the spool can't be read.
   */
  async start(): Promise<void> {
    await this.safety.start()
    this.unlisten = this.options.cluster.onChange((ref) => this.changed(ref))
    await this.look()
  }

  private changed(ref: ObjectRef): void {
    const canary = this.directory.changed(ref)
    for (const key of this.directory.owners(ref)) this.queue.addAfter(key, SETTLE_MS)
    if (canary === undefined) return
    this.queue.addAfter(canary.key, SETTLE_MS)
    // What was the target of that canary is a manifest like any other now.
    if (canary.isGone) this.applyAfter(SETTLE_MS)
  }

  /** Looks at both branches now, and soon again when that fails. Never rejects: what goes wrong is logged and shown by `ready`. */
  look(): Promise<void> {
    return this.looking.run(async () => {
      if (this.stopping.signal.aborted) return
      const hasLedger = await this.attempt('ledger', () => this.readLedger())
      // Without what is recorded, a canary would be taken for a new one.
      const hasSource = this.isLedgerRead && (await this.attempt('source', () => this.lookAtSource()))
      this.lookAgain(hasLedger && hasSource)
    })
  }

  private lookAgain(wentWell: boolean): void {
    const { clock, random } = this.options
    this.cancelLook?.()
    this.cancelLook = undefined
    this.failedLooks = wentWell ? 0 : this.failedLooks + 1
    if (wentWell) return
    this.cancelLook = clock.after(backoffMs(this.failedLooks, random()), () => void this.look())
  }

  private async readLedger(): Promise<void> {
    if (this.isLedgerRead) return this.keeper.poll()
    await this.keeper.start()
    await this.recall()
    this.isLedgerRead = true
  }

  /** What pull requests were told of rollouts that are not over is told on, not anew. */
  private async recall(): Promise<void> {
    const entries = this.keeper.keys().flatMap((key) => {
      const entry = this.namespaces.isOurs(splitKey(key).namespace) ? this.keeper.entry(key) : undefined
      return entry !== undefined && this.reporter.isWorthRecalling(entry) ? [{ key, entry }] : []
    })
    if (entries.length === 0) return
    const timelines = await this.keeper.timelines(entries.map(({ key }) => key))
    for (const { key, entry } of entries) this.reporter.recall(key, entry, timelines.get(key) ?? [])
  }

  /** Ends all work: nothing new is decided, what runs is finished. */
  async stop(): Promise<void> {
    this.unlisten?.()
    this.cancelApply?.()
    this.cancelLook?.()
    this.stopping.abort(new Error('stopping'))
    await this.queue.stop()
    await this.looking.run(async () => {})
  }

  /** Whether both branches could be read at the last look, and if not, why. */
  ready(): { readonly ok: boolean; readonly reasons: readonly string[] } {
    const reasons = [...this.troubles.values()]
    const ok = this.sourceWatch.snapshot !== undefined && reasons.length === 0
    return {
      ok,
      reasons: this.sourceWatch.snapshot === undefined ? ['the source branch was not read yet', ...reasons] : reasons,
    }
  }

  private async lookAtSource(): Promise<void> {
    const { adopted } = this.keeper
    const look = await this.sourceWatch.look()
    this.caughtUpWith = adopted
    await this.seen(look)
  }

  /** What another Serin recorded is judged by a source branch that is at least as new as the one it saw. */
  private async catchUp(): Promise<boolean> {
    if (this.keeper.adopted === this.caughtUpWith) return false
    await this.look()
    if (this.keeper.adopted !== this.caughtUpWith) {
      const message = 'another Serin recorded something, and the source branch that it read cannot be read here'
      throw new Problem({ kind: 'retry', code: 'SOURCE_BEHIND', message })
    }
    return true
  }

  private async seen({ changed, rewritten, commits, snapshot }: Look): Promise<void> {
    if (!changed) return
    this.directory.looked(snapshot)
    const onlyInCluster = await this.directory.onlyInCluster()
    this.freeze(rewritten, new Map([...snapshot.canaries, ...onlyInCluster]))
    this.problems.looked(snapshot, commits)
    await this.applyManifests()
    for (const key of this.directory.keys()) this.queue.add(key)
  }

  /** What a person must change is told where the person is: in the pull request that brought it. */
  private canaryProblem(key: CanaryKey, problem: Problem | undefined): void {
    if (problem?.kind === 'retry' || problem?.kind === 'bug') return
    // No pull request brought what is only in the cluster.
    if (this.directory.isOnlyInCluster(key)) return
    const file = fileOf(problem?.place) ?? this.sourceWatch.snapshot?.canaries.get(key)?.source.manifest?.file
    this.problems.canary(key, problem, file)
  }

  private async reconcile(key: CanaryKey): Promise<number | undefined> {
    const againMs = await this.canaries.reconcile(key)
    this.failures.delete(key)
    return againMs
  }

  private pullRequestFinder(): PullRequests {
    const { forge, clock, random, log } = this.options
    const onFoundLate = (commit: string): void => this.foundLate(commit)
    return new PullRequests({ forge, clock, random, log, onFoundLate, signal: this.stopping.signal })
  }

  private foundLate(commit: string): void {
    for (const key of this.directory.keys()) {
      if (this.directory.now(key)?.revision?.commit === commit) this.queue.add(key)
    }
  }

  private async applyManifests(): Promise<void> {
    const snapshot = this.sourceWatch.snapshot
    if (snapshot === undefined || this.stopping.signal.aborted) return
    // A manifest may be the target of a Canary that only the cluster has.
    const { namespaces, isComplete } = await this.directory.known()
    const onlyInCluster = await this.directory.onlyInCluster()
    const known = this.directory.keys()
    const objects = applicable(snapshot, { recorded: this.keeper.entries(), onlyInCluster, known, namespaces })
    this.cancelApply?.()
    this.cancelApply = undefined
    const areTaken = await this.applier.apply(objects)
    if (!areTaken || !isComplete) this.applyAfter(APPLY_RETRY_MS)
  }

  private applyAfter(ms: number): void {
    this.cancelApply?.()
    this.cancelApply = this.options.clock.after(ms, () => void this.looking.run(() => this.applyManifests()))
  }

  /** A rewritten branch must not move a running rollout: it stands still until the content matches or changes again. */
  private freeze(rewritten: boolean, canaries: ReadonlyMap<CanaryKey, WatchedCanary>): void {
    for (const [key, { revision }] of canaries) {
      const state = this.keeper.entry(key)?.state
      const frozen = this.frozenAt.get(key)
      if (frozen !== undefined && frozen.hash !== revision?.hash) this.frozenAt.delete(key)
      if (!rewritten || revision === undefined || state === undefined) continue
      if (!isRunning(state.phase) || state.revision.hash === revision.hash) continue
      const { name } = this.options.source
      const text = `Source branch ${name} was rewritten: ${key} stays at weight ${state.canaryWeight} until the revision under test is back or another commit changes it`
      this.frozenAt.set(key, { hash: revision.hash, sentence: warning(text) })
    }
  }

  private recordedRevisions(key: CanaryKey): { readonly commit: string; readonly hash: string }[] {
    const entry = this.keeper.entry(key)
    return entry === undefined ? [] : [entry.state.revision, entry.promoted]
  }

  private async attempt(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      if (this.troubles.delete(what)) this.options.log.info({ what }, 'reachable again')
      return true
    } catch (error) {
      const problem = toProblem(error)
      const text = problem.toString()
      if (this.troubles.get(what) !== text) {
        this.options.log.error({ what, code: problem.code, place: problem.place, hint: problem.hint }, problem.message)
      }
      this.troubles.set(what, text)
      return false
    }
  }

  private failed(key: CanaryKey, error: unknown, retryMs: number): void {
    if (this.stopping.signal.aborted) return
    const problem = toProblem(error)
    const fields = { canary: key, code: problem.code, place: problem.place, hint: problem.hint, retryMs }
    const failures = (this.failures.get(key) ?? 0) + 1
    this.failures.set(key, failures)
    if (problem.kind === 'bug') this.options.log.error({ ...fields, stack: stackOf(error) }, problem.message)
    else if (failures === 1) this.options.log.warn(fields, problem.message)
    else this.options.log.debug(fields, problem.message)
    // One failure may be a lost race or a hiccup, but a push was tried many times; what comes again is worth telling.
    const isCertain = problem.kind === 'stalled' || problem.code === 'LEDGER_UNREACHABLE'
    if (isCertain || failures > 1) this.reporter.problem(key, problem)
  }

  private notApplied({ object, place, file }: Manifest, problem: Problem): void {
    this.options.log.error({ place, code: problem.code, hint: problem.hint }, problem.toString())
    if (problem.kind === 'stalled') this.problems.refused(object, file, placedAt(problem, place))
  }
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined
}
