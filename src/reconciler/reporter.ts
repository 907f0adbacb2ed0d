import type { Oid } from '../git/types.ts'
import type { CanaryKey, LedgerEntry } from '../ledger/entry.ts'
import { splitKey } from '../ledger/entry.ts'
import type { Clock } from '../lib/clock.ts'
import type { Problem } from '../lib/problem.ts'
import type { Sentence } from '../rollout/sentences.ts'
import type { SourceRollback } from '../rollout/state.ts'
import { finalWeight } from '../rollout/weights.ts'
import type { TimelineEntry } from '../forge/view.ts'
import type { CanaryContext } from './canary-context.ts'
import { statusOf } from './canary-status.ts'
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
}

export interface ReporterOptions {
  readonly cluster: ClusterPort
  readonly clock: Clock
  readonly log: Logger
  /** Takes the newest view of a release to its pull request, whenever it can. Must not throw or wait. */
  readonly publish: (release: Release) => void
  /** Counts for /metrics. */
  readonly observe: (key: CanaryKey, context: CanaryContext, entry: LedgerEntry) => void
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
  problem: string | undefined
}

/** What holds a rollout up for less than this, in milliseconds, is how things go and not worth telling. */
const WORTH_TELLING_MS = 1000

/**
 * Tells everybody: Kubernetes events and status, the log, the pull request, the metrics. Nothing here decides, and
 * nothing that decides waits for it.
 */
export class Reporter {
  private readonly options: ReporterOptions
  private readonly told = new Map<CanaryKey, Told>()

  constructor(options: ReporterOptions) {
    this.options = options
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
    told.problem = undefined
    for (const [nth, sentence] of sentences.entries()) {
      const commit = commits[Math.min(nth, commits.length - 1)]
      this.say(context, sentence, commit)
      told.timeline.push({ timeMs: clock.now(), sentence: sentence.text, ...(commit ? { ledgerCommit: commit } : {}) })
    }
    observe(context.key, context, entry)
    this.refresh(context, entry)
  }

  /** Something that holds the rollout up; told once until it changes. Nothing to wait for makes it forgotten. */
  waiting(context: CanaryContext, entry: LedgerEntry | undefined, reason: Sentence | undefined): void {
    if (entry === undefined) return
    const told = this.toldOf(context.key, entry)
    told.problem = undefined
    if (told.waitingFor !== reason?.text && this.isWorthTelling(told, reason)) {
      told.waitingFor = reason?.text
      if (reason !== undefined) this.say(context, reason, undefined)
      this.publish(context, entry)
    }
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
    const { cluster, log } = this.options
    const text = problem.toString()
    const told = this.told.get(key) ?? nothingTold('')
    this.told.set(key, told)
    if (told.problem === text) return
    told.problem = text
    log.error({ canary: key, code: problem.code, place: problem.place, hint: problem.hint }, problem.message)
    const live = cluster.get({ apiVersion: 'flagger.app/v1beta1', kind: 'Canary', ...splitKey(key) })
    if (live !== undefined) cluster.recordEvent(live, 'Warning', text)
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
    const { pullRequest } = entry.state
    if (pullRequest === undefined) return
    const { timeline, waitingFor, rollback } = this.toldOf(context.key, entry)
    const maxWeight = context.spec.iterations > 0 ? 100 : finalWeight(context.spec)
    this.options.publish({
      key: context.key,
      pullRequest,
      entry,
      maxWeight,
      timeline: [...timeline],
      waitingFor,
      rollback: rollback ?? entry.state.rollback,
    })
  }

  private writeStatus(context: CanaryContext, entry: LedgerEntry): void {
    const { cluster, log, clock } = this.options
    const ref = { apiVersion: 'flagger.app/v1beta1', kind: 'Canary', ...splitKey(context.key) }
    const live = cluster.get(ref)
    if (live === undefined) return
    const status = statusOf(entry.state, context.spec.targetKind, live.status, clock.now())
    cluster.writeStatus(live, status).catch((error: unknown) => {
      log.warn(
        { canary: context.key, error: String(error) },
        'could not write the status, it is written with the next look',
      )
    })
  }

  private toldOf(key: CanaryKey, entry: LedgerEntry): Told {
    const revision = `${entry.state.revision.commit} ${entry.state.attempt}`
    const known = this.told.get(key)
    if (known?.revision === revision) return known
    const fresh = nothingTold(revision)
    this.told.set(key, fresh)
    return fresh
  }
}

function nothingTold(revision: string): Told {
  return {
    revision,
    timeline: [],
    waitingFor: undefined,
    waitingSince: undefined,
    rollback: undefined,
    problem: undefined,
  }
}
