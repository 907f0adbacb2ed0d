import { objectsChange, transitionChange, type LedgerChange } from '../ledger/change.ts'
import type { CanaryKey, LedgerEntry } from '../ledger/entry.ts'
import type { Clock } from '../lib/clock.ts'
import { canonicalJson } from '../lib/json.ts'
import type { KubeObject } from '../lib/kube-object.ts'
import { Problem, toProblem } from '../lib/problem.ts'
import type { KnownInput, Order, RolloutInput } from '../rollout/input.ts'
import { sourceReverted, wantsReapply, wantsSourceRevert } from '../rollout/idle.ts'
import { restoreWeight } from '../rollout/steps.ts'
import { isRunning } from '../rollout/state.ts'
import { isTowardsSafety, type Answer, type Question, type Transition, type Wait } from '../rollout/transition.ts'
import { splitAt } from '../traffic/split.ts'
import { converge, liveWeight, lowerWeight, routeRefs, workloadRefs } from './converge.ts'
import { decide } from './decide.ts'
import { Fence, isMoved } from './fence.ts'
import type { LedgerKeeper, Seen } from './ledger-keeper.ts'
import type { Logger } from './ports.ts'
import { isRebuilding } from './rebuilding.ts'
import type { Reporter } from './reporter.ts'
import type { SafetySpool, Spooled } from './safety-spool.ts'
import type { CanaryContext } from './canary-context.ts'
import { Unfinished } from './unfinished.ts'
import type { SourceRollbackWriter } from './source-rollback.ts'

export interface CanaryReconcilerOptions {
  readonly clock: Clock
  readonly keeper: LedgerKeeper
  readonly spool: SafetySpool
  readonly reporter: Reporter
  readonly sourceRollback: SourceRollbackWriter
  /** Everything known of a canary right now; a Problem where it can't be worked with; undefined where it is unknown. */
  readonly context: (key: CanaryKey) => Promise<CanaryContext | Problem | undefined>
  /** Looks at the source branch where another Serin may have read more of it; resolves with whether it had to. */
  readonly catchUp: () => Promise<boolean>
  readonly log: Logger
}

/** Nothing more to do now; `lookAgainMs` where time alone goes on. */
interface Rest {
  readonly lookAgainMs?: number
}

/** More transitions than this in one go mean that something is wrong. */
const MAX_STEPS = 12
/** How soon a waiting rollout is looked at again although nothing seems to change, in milliseconds. */
const WAITING_LOOK_MS = 5000

/**
 * The shell around the core for one canary at a time, and the only place that knows the order of things: towards safety
 * the cluster first, then Git; towards risk Git first, then the cluster; then everybody is told.
 */
export class CanaryReconciler {
  private readonly options: CanaryReconcilerOptions
  private readonly unfinished = new Unfinished()

  constructor(options: CanaryReconcilerOptions) {
    this.options = options
  }

  /** Brings one canary as far as it goes now. Resolves with the milliseconds after which to look again, if time alone matters. */
  async reconcile(key: CanaryKey): Promise<number | undefined> {
    for (let step = 0; step < MAX_STEPS; step++) {
      const context = await this.options.context(key)
      if (context === undefined) return undefined
      if (context instanceof Problem) return this.stalled(key, context)
      const waited = await this.step(key, context)
      if (waited !== 'again') return waited.lookAgainMs
    }
    throw new Problem({
      kind: 'bug',
      code: 'ROLLOUT_LIVELOCK',
      place: key,
      message: `no rest after ${MAX_STEPS} transitions`,
    })
  }

  private async step(key: CanaryKey, context: CanaryContext): Promise<'again' | Rest> {
    const { keeper, reporter } = this.options
    // Another Serin has read more of the source branch than this one: what it recorded is judged by what it saw.
    if (await this.options.catchUp()) return 'again'
    const seen = keeper.seen(key)
    const { entry } = seen
    const unreadable = keeper.problem(key)
    if (entry === undefined && unreadable !== undefined) {
      reporter.problem(key, unreadable)
      return {}
    }
    if (entry === undefined) return this.goOn(key, context, seen)
    const spooled = this.options.spool.get(key, entry)
    if (spooled !== undefined) return this.goOnWithoutGit(key, context, seen, entry, spooled)
    await this.options.spool.remove(key)
    try {
      if (!(await this.keepRecorded(key, context, seen, entry))) return 'again'
    } catch (error) {
      return this.rescue(key, context, seen, entry, error)
    }
    return this.goOn(key, context, seen)
  }

  /** Decides the next transition on what is recorded and brought about. */
  private async goOn(key: CanaryKey, context: CanaryContext, seen: Seen): Promise<'again' | Rest> {
    const { entry } = seen
    const { frozen } = context
    if (frozen !== undefined && !isDecided(seen.order) && entry !== undefined && isRunning(entry.state.phase)) {
      this.options.reporter.frozen(context, entry, frozen)
      return {}
    }
    const input = this.input(context, seen)
    if (input === undefined) return {}
    if (isKnown(input) && wantsSourceRevert(input)) {
      const written = await this.revertSource(key, context, seen, input)
      if (written === 'recorded') return 'again'
    }
    if (isKnown(input) && wantsReapply(input)) return this.reapply(key, context, input)
    const outcome = await decide(input, (question) => answer(context, question))
    if (outcome.kind === 'wait') return this.wait(key, context, entry, outcome, input)
    await this.perform(key, context, seen, outcome)
    return 'again'
  }

  /** What is recorded can't be brought about now. A failed check and a rollback are decided all the same. */
  private async rescue(
    key: CanaryKey,
    context: CanaryContext,
    seen: Seen,
    entry: LedgerEntry,
    hindrance: unknown,
  ): Promise<'again'> {
    const input = this.input(context, seen)
    const outcome = input && (await decide(input, (question) => answer(context, question)))
    if (outcome?.kind !== 'transition' || !isTowardsSafety(entry.state, outcome)) throw hindrance
    await this.perform(key, context, seen, outcome)
    return 'again'
  }

  /** Brings the cluster to what is recorded. False when something was recorded on the way: then all is looked at anew. */
  private async keepRecorded(key: CanaryKey, context: CanaryContext, seen: Seen, entry: LedgerEntry): Promise<boolean> {
    if (await this.updateRoutes(key, context, seen, entry)) return false
    if (seen.order === undefined && (await this.finish(key, context, entry))) return true
    const fence = this.fence(key, context, entry)
    if (await this.repairWeight(key, context, seen, entry)) return false
    // What a person asks for comes first: it may take traffic off the canary that this would bring.
    return seen.order !== undefined || this.actOut(key, context, entry, fence)
  }

  private input(context: CanaryContext, { entry, order }: Seen): RolloutInput | undefined {
    if (context.desired === undefined) return undefined
    return {
      spec: context.spec,
      state: entry?.state ?? null,
      promoted: entry?.promoted ?? null,
      desired: context.desired,
      order: order ?? null,
      nowMs: this.options.clock.now(),
    }
  }

  private async wait(
    key: CanaryKey,
    context: CanaryContext,
    entry: LedgerEntry | undefined,
    wait: Wait,
    input: RolloutInput,
  ): Promise<'again' | Rest> {
    const { keeper, reporter, clock } = this.options
    if (input.order !== null) {
      await keeper.answer(key, `Nothing to ${input.order.kind}: the rollout is ${input.state?.phase ?? 'not known'}.`)
      return 'again'
    }
    reporter.waiting(context, entry, wait.reason)
    if (wait.untilMs !== undefined) return { lookAgainMs: Math.max(0, wait.untilMs - clock.now()) }
    return wait.reason === undefined ? {} : { lookAgainMs: WAITING_LOOK_MS }
  }

  /** Records a transition and acts it out. A superseded one changes nothing: the next step decides anew. */
  private async perform(key: CanaryKey, context: CanaryContext, seen: Seen, transition: Transition): Promise<void> {
    const { entry } = seen
    const primary =
      transition.promotion === undefined ? (entry?.primary ?? []) : this.promoted(key, context, transition)
    const routes = context.routes(splitAt(transition.next.canaryWeight))
    const change = transitionChange(key, entry ?? null, transition, { primary, routes }, [])
    const isLower = entry !== undefined && transition.next.canaryWeight < entry.state.canaryWeight
    if (entry !== undefined && (isLower || isTowardsSafety(entry.state, transition))) {
      await this.options.spool.put(key, entry, { change, sentences: transition.sentences })
      await lowerWeight(context.stage, change.next)
    }
    await this.recordAndAct(key, context, seen, change, transition)
  }

  private async recordAndAct(
    key: CanaryKey,
    context: CanaryContext,
    seen: Seen,
    change: LedgerChange,
    transition: Pick<Transition, 'sentences'>,
  ): Promise<void> {
    const { keeper, spool, reporter } = this.options
    const fence = this.fence(key, context, change.next)
    const recorded = await keeper.record(change, seen)
    await spool.remove(key)
    if (recorded.kind === 'superseded') return
    fence.confirm()
    try {
      await this.actOut(key, context, change.next, fence)
    } catch (error) {
      this.unfinished.keep(key, change.next, fence)
      throw error
    } finally {
      reporter.transition(context, change.next, transition.sentences, recorded.commits)
    }
  }

  /**
   * Acts out what was recorded here while the cluster was away, without recording it again: nobody has touched the routes
   * since, or the fence says so. False when there is nothing of the kind.
   */
  private async finish(key: CanaryKey, context: CanaryContext, entry: LedgerEntry): Promise<boolean> {
    const fence = this.unfinished.take(key, entry)
    if (fence === undefined) return false
    try {
      return await this.actOut(key, context, entry, fence)
    } catch (error) {
      if (toProblem(error).code === 'CLUSTER_CONFLICT') return false
      this.unfinished.keep(key, entry, fence)
      throw error
    }
  }

  /** False when the record has changed meanwhile: then there is something else to act out. */
  private async actOut(key: CanaryKey, context: CanaryContext, entry: LedgerEntry, fence: Fence): Promise<boolean> {
    if (this.options.keeper.entry(key) !== entry) return false
    try {
      await converge(context.stage, entry, fence)
      return true
    } catch (error) {
      if (isMoved(error)) return false
      throw error
    }
  }

  private fence(key: CanaryKey, { stage }: CanaryContext, entry: LedgerEntry): Fence {
    const { keeper } = this.options
    const order = keeper.order(key)
    const stillHolds = async (): Promise<boolean> => {
      await keeper.poll()
      return keeper.entry(key) === entry && keeper.order(key) === order
    }
    return new Fence({
      cluster: stage.cluster,
      routes: routeRefs(entry),
      others: workloadRefs(stage, entry),
      stillHolds,
    })
  }

  /** What the primary gets: the revision that the core names, from where its content is known. */
  private promoted(key: CanaryKey, context: CanaryContext, transition: Transition): readonly KubeObject[] {
    const hash = transition.promotion?.promoted.hash
    if (hash === context.desired?.revision.hash) return context.primary()
    const restored = this.options.keeper.orderedEntry(key)
    if (restored !== undefined && restored.promoted.hash === hash) return restored.primary
    throw new Problem({
      kind: 'bug',
      code: 'REVISION_CONTENT_UNKNOWN',
      place: key,
      message: `the content of revision ${hash ?? 'none'} is not known`,
    })
  }

  /**
   * Git does not have the last decisions yet. More of what safety asks for is decided on top of them, so that a canary is
   * watched and rolled back however long Git is away; then all of it is recorded.
   */
  private async goOnWithoutGit(
    key: CanaryKey,
    context: CanaryContext,
    seen: Seen,
    entry: LedgerEntry,
    { change, sentences }: Spooled,
  ): Promise<'again' | Rest> {
    await lowerWeight(context.stage, change.next)
    const input = this.input(context, { ...seen, entry: change.next })
    const outcome = input && (await decide(input, (question) => answer(context, question)))
    if (outcome?.kind === 'transition' && isTowardsSafety(change.next.state, outcome)) {
      const { primary } = change.next
      const routes = context.routes(splitAt(outcome.next.canaryWeight))
      const more = transitionChange(key, change.next, outcome, { primary, routes }, [])
      const both = { ...more, commits: [...change.commits, ...more.commits] }
      await this.options.spool.put(key, entry, { change: both, sentences: [...sentences, ...outcome.sentences] })
      await lowerWeight(context.stage, more.next)
      this.options.log.warn({ canary: key }, outcome.subject.text)
      return 'again'
    }
    try {
      await this.recordAndAct(key, context, seen, change, { sentences })
      return 'again'
    } catch (error) {
      const problem = toProblem(error)
      if (problem.kind !== 'retry') throw error
      this.options.log.warn({ canary: key, code: problem.code, why: problem.message }, 'Git does not have it yet')
      return { lookAgainMs: WAITING_LOOK_MS }
    }
  }

  /** The Canary's own spec may ask for other routes at the same weight: recorded, then written. */
  private async updateRoutes(key: CanaryKey, context: CanaryContext, seen: Seen, entry: LedgerEntry): Promise<boolean> {
    const routes = context.routes(splitAt(entry.state.canaryWeight))
    if (canonicalJson(routes) === canonicalJson(entry.routes)) return false
    const change = objectsChange(
      key,
      { ...entry, routes },
      `Update routes of ${context.spec.name}.${context.spec.namespace}`,
    )
    await this.options.keeper.record(change, seen)
    return true
  }

  /**
   * Routes that give the canary less than is recorded: the process ended before it acted, somebody changed them by hand,
   * or another Serin is about to record a rollback. More traffic needs a commit, so that only one of them can win.
   */
  private async repairWeight(key: CanaryKey, context: CanaryContext, seen: Seen, entry: LedgerEntry): Promise<boolean> {
    const { spec, stage } = context
    if (!spec.movesTraffic || seen.order !== undefined || isRebuilding(stage, entry)) return false
    if (liveWeight(stage) >= entry.state.canaryWeight) return false
    await this.perform(key, context, seen, restoreWeight(spec, entry.state, this.options.clock.now()))
    return true
  }

  /** Tells the source branch that its newest revision failed. `recorded`: a transition says that it could not be done. */
  private async revertSource(
    key: CanaryKey,
    context: CanaryContext,
    seen: Seen,
    input: KnownInput,
  ): Promise<'recorded' | 'written'> {
    const { sourceRollback, reporter, keeper } = this.options
    const { state, promoted } = input
    const { source: target, inSource } = context
    const written =
      target === undefined || inSource === undefined
        ? ({ kind: 'done', rollback: { rung: 'status-only', reason: 'the target is not in Git' } } as const)
        : await sourceRollback.write({
            key,
            file: target.file,
            object: target.object,
            revision: inSource,
            state,
            promoted,
          })
    if (written.kind === 'already') return 'written'
    const transition = sourceReverted(input, sourceRollback.branchName, written.rollback)
    if (written.rollback.rung === 'commit') {
      reporter.sourceReverted(context, keeper.entry(key), transition.sentences, written.rollback)
      return 'written'
    }
    await this.perform(key, context, seen, transition)
    return 'recorded'
  }

  /** A person's retry of what the source branch no longer asks for: it is brought back there, which starts the run. */
  private async reapply(key: CanaryKey, context: CanaryContext, input: KnownInput): Promise<'again' | Rest> {
    const { sourceRollback, keeper } = this.options
    const { state, promoted, order } = input
    const target = context.source
    if (target === undefined || order === null) {
      await keeper.answer(key, 'Nothing to retry: the target is not in Git.')
      return 'again'
    }
    const { file, object } = target
    const failed = { key, file, object, revision: state.revision, state, promoted }
    const written = await sourceRollback.reapply(failed, order.commit)
    // The next look at the source branch finds it there.
    if (written.kind === 'already' || written.rollback.rung === 'commit') return {}
    await keeper.answer(key, `Could not retry: ${written.rollback.reason ?? 'the source branch takes no commit'}.`)
    return 'again'
  }

  private stalled(key: CanaryKey, problem: Problem): number {
    this.options.reporter.problem(key, problem)
    // A right that is granted or a kind that is installed makes no event for this canary.
    return WAITING_LOOK_MS
  }
}

async function answer(context: CanaryContext, question: Question): Promise<Answer> {
  return question.ask === 'readiness'
    ? { to: 'readiness', readiness: context.readiness(question.of) }
    : { to: 'checks', checks: await context.checks() }
}

/** A person says what becomes of a run that stands still. */
function isDecided(order: Order | undefined): boolean {
  return order?.kind === 'rollback' || order?.kind === 'restore'
}

function isKnown(input: RolloutInput): input is KnownInput {
  return input.state !== null && input.promoted !== null
}
