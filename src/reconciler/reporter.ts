import type { Oid } from '../git/types.ts'
import type { CanaryKey, LedgerEntry } from '../ledger/entry.ts'
import { splitKey } from '../ledger/entry.ts'
import type { Clock } from '../lib/clock.ts'
import type { JsonObject } from '../lib/json.ts'
import type { KubeObject } from '../lib/kube-object.ts'
import { Problem } from '../lib/problem.ts'
import type { Sentence } from '../rollout/sentences.ts'
import { isRunning, type SourceRollback } from '../rollout/state.ts'
import { finalWeight } from '../rollout/weights.ts'
import type { TimelineEntry } from '../forge/view.ts'
import type { CanaryContext } from './canary-context.ts'
import { stalledStatus, statusOf } from './canary-status.ts'
import type { ClusterPort, Logger } from './ports.ts'

/** What a pull request's comment is made from, for one canary. */
export interface Release {
  readonly key: CanaryKey
  readonly pullRequest: string
  readonly entry: LedgerEntry
  readonly maxWeight: number
  readonly timeline: readonly TimelineEntry[]
  readonly waitingFor: string | undefined
  readonly rollback: SourceRollback | undefined
  /** What is wrong with the canary, for a person to read. */
  readonly problem: string | undefined
}

export interface ReporterOptions {
  readonly cluster: ClusterPort
  readonly clock: Clock
  readonly log: Logger
  /** Takes the newest view of a release to its pull request, whenever it can. Must not throw or wait. */
  readonly publish: (release: Release) => void
  /** Counts for /metrics. */
  readonly observe: (key: CanaryKey, context: CanaryContext, entry: LedgerEntry) => void
  /** What keeps a canary from being worked with, each time that it is found; undefined when nothing does. Must not throw. */
  readonly onProblem: (key: CanaryKey, problem: Problem | undefined) => void
  /** Everything that a person gets to read, for the demo's timeline. */
  readonly onSentence: ((key: CanaryKey, sentence: Sentence, commit: Oid | undefined) => void) | undefined
}

interface Told {
  revision: string
  timeline: TimelineEntry[]
  waitingFor: string | undefined
  /** Since when the same thing holds the rollout up. */
  waitingSince: { readonly text: string; readonly ms: number } | undefined
  rollback: SourceRollback | undefined
  problem: Problem | undefined
  /** The problem that an event told of. */
  problemEvent: string | undefined
  /** What was published last. */
  release: Release | undefined
}

const CANARY = { apiVersion: 'flagger.app/v1beta1', kind: 'Canary' }
/** A rollout that ended longer ago than this is not told again by a new process, in milliseconds. */
const RECENT_MS = 60 * 60_000

/** What holds a rollout up for less than this, in milliseconds, is how things go and not worth telling. */
const WORTH_TELLING_MS = 1000

/**
 * Tells everybody: Kubernetes events and status, the log, the pull request, the metrics. Nothing here decides, and
 * nothing that decides waits for it.
 */
export class Reporter {
  private readonly options: ReporterOptions
  private readonly told = new Map<CanaryKey, Told>()
  /** Canaries whose status could not be written: told once. */
  private readonly unwritten = new Set<CanaryKey>()

  constructor(options: ReporterOptions) {
    this.options = options
  }

  /** Whether a process that starts should find out what was told of a rollout: it runs, or may not have been told in full. */
  isWorthRecalling({ state }: LedgerEntry): boolean {
    return isRunning(state.phase) || this.options.clock.now() - state.lastTransitionMs < RECENT_MS
  }

  /** What an earlier process told of the recorded rollout. */
  recall(key: CanaryKey, entry: LedgerEntry, timeline: readonly TimelineEntry[]): void {
    this.toldOf(key, entry).timeline = [...timeline]
  }

  /** A recorded transition with its ledger commits; `entry` is what they leave. */
  transition(
    context: CanaryContext,
    entry: LedgerEntry,
    sentences: readonly Sentence[],
    commits: readonly Oid[],
  ): void {
    const { clock, observe } = this.options
    const told = this.toldOf(context.key, entry)
    told.waitingFor = undefined
    told.waitingSince = undefined
    this.faultsOf(context, told)
    for (const [nth, sentence] of sentences.entries()) {
      const commit = commits[Math.min(nth, commits.length - 1)]
      this.say(context, sentence, commit)
      told.timeline.push({ timeMs: clock.now(), sentence: sentence.text, ...(commit ? { ledgerCommit: commit } : {}) })
    }
    observe(context.key, context, entry)
    this.refresh(context, entry)
  }

  /** A rollout that stands still although nothing is missing; told at once, and once. */
  frozen(context: CanaryContext, entry: LedgerEntry, reason: Sentence): void {
    this.toldOf(context.key, entry).waitingSince = { text: reason.text, ms: Number.NEGATIVE_INFINITY }
    this.waiting(context, entry, reason)
  }

  /** Something that holds the rollout up; told once until it changes. Nothing to wait for makes it forgotten. */
  waiting(context: CanaryContext, entry: LedgerEntry | undefined, reason: Sentence | undefined): void {
    if (entry === undefined) return
    const told = this.toldOf(context.key, entry)
    this.faultsOf(context, told)
    const isNew = told.waitingFor !== reason?.text && this.isWorthTelling(told, reason)
    if (isNew) told.waitingFor = reason?.text
    if (isNew && reason !== undefined) this.say(context, reason, undefined)
    const isUnsaid = told.release === undefined && this.isWorthRecalling(entry)
    if (isNew || isUnsaid || told.release?.problem !== told.problem?.toString()) this.publish(context, entry)
    this.writeStatus(context, entry)
  }

  /** The revert that was written to the source branch. */
  sourceReverted(
    context: CanaryContext,
    entry: LedgerEntry | undefined,
    sentences: readonly Sentence[],
    rollback: SourceRollback,
  ): void {
    if (entry === undefined) return
    this.toldOf(context.key, entry).rollback = rollback
    this.transition(context, entry, sentences, [])
  }

  /** A canary that can't be worked with; told once until the problem changes. */
  problem(key: CanaryKey, problem: Problem): void {
    const told = this.told.get(key) ?? nothingTold('')
    this.told.set(key, told)
    this.tell(key, told, problem)
    this.options.onProblem(key, problem)
    const live = this.liveCanary(key)
    if (live !== undefined) this.write(key, live, stalledStatus(live.status, problem, this.options.clock.now()))
    const { release } = told
    if (release === undefined || release.problem === problem.toString()) return
    told.release = { ...release, problem: problem.toString() }
    this.options.publish(told.release)
  }

  /** A canary that can be worked with may still have faults: then its last good version is in force. */
  private faultsOf({ key, faults }: CanaryContext, told: Told): void {
    const [fault] = faults
    if (fault !== undefined) {
      this.tell(key, told, fault)
    } else if (told.problem !== undefined) {
      this.options.log.info({ canary: key, code: told.problem.code }, 'problem solved')
      told.problem = undefined
      told.problemEvent = undefined
    }
    this.options.onProblem(key, undefined)
  }

  private tell(key: CanaryKey, told: Told, problem: Problem): void {
    const { cluster, log } = this.options
    const text = problem.toString()
    if (told.problem?.toString() !== text) {
      log.error({ canary: key, code: problem.code, place: problem.place, hint: problem.hint }, problem.message)
    }
    told.problem = problem
    const live = this.liveCanary(key)
    if (live === undefined || told.problemEvent === text) return
    told.problemEvent = text
    cluster.recordEvent(live, 'Warning', text)
  }

  /** Undefined also while Canaries are not known yet: a problem may be the reason. */
  private liveCanary(key: CanaryKey): KubeObject | undefined {
    const { cluster, log } = this.options
    try {
      return cluster.get({ ...CANARY, ...splitKey(key) })
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      cluster.ensure(CANARY).catch((reason: unknown) => {
        log.debug({ canary: key, error: String(reason) }, 'canaries of the cluster are not known yet')
      })
      return undefined
    }
  }

  private isWorthTelling(told: Told, reason: Sentence | undefined): boolean {
    const nowMs = this.options.clock.now()
    if (reason !== undefined && told.waitingSince?.text !== reason.text)
      told.waitingSince = { text: reason.text, ms: nowMs }
    if (reason === undefined) told.waitingSince = undefined
    return reason === undefined || nowMs - (told.waitingSince?.ms ?? nowMs) >= WORTH_TELLING_MS
  }

  private say(context: CanaryContext, sentence: Sentence, commit: Oid | undefined): void {
    const { cluster, log, onSentence } = this.options
    cluster.recordEvent(context.object, sentence.type, sentence.text)
    const fields = { canary: context.key, ...(commit === undefined ? {} : { ledgerCommit: commit }) }
    if (sentence.type === 'Warning') log.warn(fields, sentence.text)
    else log.info(fields, sentence.text)
    onSentence?.(context.key, sentence, commit)
  }

  private refresh(context: CanaryContext, entry: LedgerEntry): void {
    this.publish(context, entry)
    this.writeStatus(context, entry)
  }

  private publish(context: CanaryContext, entry: LedgerEntry): void {
    const pullRequest = entry.state.pullRequest ?? foundLate(context, entry)
    if (pullRequest === undefined) return
    const told = this.toldOf(context.key, entry)
    const { timeline, waitingFor, rollback, problem } = told
    const maxWeight = context.spec.iterations > 0 ? 100 : finalWeight(context.spec)
    told.release = {
      key: context.key,
      pullRequest,
      entry,
      maxWeight,
      timeline: [...timeline],
      waitingFor,
      rollback: rollback ?? entry.state.rollback,
      problem: problem?.toString(),
    }
    this.options.publish(told.release)
  }

  private writeStatus(context: CanaryContext, entry: LedgerEntry): void {
    const live = this.liveCanary(context.key)
    if (live === undefined) return
    const { problem } = this.toldOf(context.key, entry)
    const nowMs = this.options.clock.now()
    this.write(context.key, live, statusOf(entry.state, context.spec.targetKind, live.status, nowMs, problem))
  }

  private write(key: CanaryKey, live: KubeObject, status: JsonObject): void {
    const { cluster, log } = this.options
    cluster.writeStatus(live, status).then(
      () => this.unwritten.delete(key),
      (error: unknown) => {
        const fields = { canary: key, error: String(error) }
        const text = 'could not write the status, it is written with the next look'
        if (this.unwritten.has(key)) log.debug(fields, text)
        else log.warn(fields, text)
        this.unwritten.add(key)
      },
    )
  }

  private toldOf(key: CanaryKey, entry: LedgerEntry): Told {
    const revision = `${entry.state.revision.commit} ${entry.state.attempt}`
    const known = this.told.get(key)
    if (known?.revision === revision) return known
    const fresh = { ...nothingTold(revision), problem: known?.problem, problemEvent: known?.problemEvent }
    this.told.set(key, fresh)
    return fresh
  }
}

/** The forge may have named the pull request only after the rollout's first transition was recorded. */
function foundLate({ desired }: CanaryContext, { state }: LedgerEntry): string | undefined {
  return desired?.revision.commit === state.revision.commit ? desired.pullRequest : undefined
}

function nothingTold(revision: string): Told {
  return {
    revision,
    timeline: [],
    waitingFor: undefined,
    waitingSince: undefined,
    rollback: undefined,
    problem: undefined,
    problemEvent: undefined,
    release: undefined,
  }
}
