import type { Clock } from '../lib/clock.ts'
import { Problem, toProblem } from '../lib/problem.ts'
import { renderComment } from './comment.ts'
import type { Forge } from './types.ts'
import type { ReleaseView } from './view.ts'

/** Waiting time after the first failure; it doubles with each further one up to the longest. */
const FIRST_BACKOFF_MS = 1000
const LONGEST_BACKOFF_MS = 5 * 60_000

/** Problems that concern the whole forge, not one pull request: worth keeping everything for. */
const FORGE_WIDE = new Set(['FORGE_UNAUTHORIZED', 'FORGE_FORBIDDEN'])

export interface ReportQueueOptions {
  readonly forge: Pick<Forge, 'comment'>
  readonly clock: Clock
  /** Distinguishes our comment from those of other clusters, for example the cluster's name. */
  readonly marker: string
  /** How many pull requests may wait; beyond that the one that waits longest is given up. */
  readonly capacity?: number
  /** Least time between two comments: GitHub asks for one second between writes. */
  readonly spacingMs?: number
  /** Told of every failed try and everything given up. Must not throw. `pullRequest` is null for a summary. */
  readonly onProblem: (problem: Problem, pullRequest: number | null) => void
}

/**
 * Brings comments up to date behind the back of the reconciler. `report` never waits and never fails; per pull request only
 * the latest view is kept. A forge that fails is tried again with growing pauses, at most five minutes, for as long as it
 * takes; a pull request that the forge refuses is given up alone. What is lost by a crash is reported anew by the
 * next start from the ledger's head.
 */
export class ReportQueue {
  readonly #options: ReportQueueOptions
  readonly #waiting = new Map<number, ReleaseView | string>()
  /** Ends the pause that the worker is in. */
  #wake = new AbortController()
  #worker: Promise<void> | null = null
  #closed = false
  #closing = false
  #failures = 0
  #nextMs = 0

  constructor(options: ReportQueueOptions) {
    this.#options = options
  }

  /** How many pull requests wait. */
  get size(): number {
    return this.#waiting.size
  }

  /** Sees to it that the pull request's comment shows this view or text, or a later one. Ignored after `close`. */
  report(pullRequest: number, view: ReleaseView | string): void {
    if (this.#closing) return
    if (!this.#waiting.has(pullRequest)) this.#makeRoom()
    this.#waiting.set(pullRequest, view)
    this.#worker ??= this.#work()
  }

  /**
   * Takes no more reports and sends what waits, for at most `deadlineMs` milliseconds from now and without the usual
   * pauses; resolves with the number of pull requests whose latest view did not get out.
   */
  async close(deadlineMs: number): Promise<number> {
    this.#closing = true
    this.#nextMs = Math.min(this.#nextMs, this.#options.clock.now() + (this.#failures > 0 ? FIRST_BACKOFF_MS : 0))
    this.#wake.abort()
    if (this.#worker !== null) await this.#within(deadlineMs, this.#worker)
    this.#closed = true
    this.#wake.abort()
    const left = this.#waiting.size
    if (left > 0) this.#tell(lost(left), null)
    return left
  }

  #makeRoom(): void {
    const oldest = this.#waiting.keys().next()
    if (this.#waiting.size < (this.#options.capacity ?? 1000) || oldest.done === true) return
    this.#waiting.delete(oldest.value)
    this.#tell(overflow(), oldest.value)
  }

  async #work(): Promise<void> {
    // The caller of `report` goes on first, so that a burst of reports becomes one comment.
    await Promise.resolve()
    for (;;) {
      await this.#pause()
      const next = this.#waiting.entries().next()
      if (this.#closed || next.done === true) break
      await this.#send(...next.value)
    }
    this.#worker = null
  }

  async #pause(): Promise<void> {
    const { clock } = this.#options
    while (!this.#closed && clock.now() < this.#nextMs) {
      this.#wake = new AbortController()
      try {
        await clock.sleep(this.#nextMs - clock.now(), this.#wake.signal)
      } catch (error) {
        if (!this.#wake.signal.aborted) throw error
      }
    }
  }

  async #send(pullRequest: number, view: ReleaseView | string): Promise<void> {
    const { forge, clock, marker, spacingMs = 1000 } = this.#options
    try {
      await forge.comment(pullRequest, marker, typeof view === 'string' ? view : renderComment(view))
      this.#failures = 0
      this.#nextMs = this.#closing ? 0 : clock.now() + spacingMs
      if (this.#waiting.get(pullRequest) === view) this.#waiting.delete(pullRequest)
    } catch (error) {
      this.#failed(pullRequest, toProblem(error))
    }
  }

  #failed(pullRequest: number, problem: Problem): void {
    this.#tell(problem, pullRequest)
    const hopeless = (problem.kind === 'stalled' && !FORGE_WIDE.has(problem.code)) || problem.kind === 'bug'
    if (hopeless) this.#waiting.delete(pullRequest)
    else this.#failures += 1
    const backoff = hopeless ? 0 : Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (this.#failures - 1))
    this.#nextMs = this.#options.clock.now() + Math.max(backoff, problem.retryAfterMs ?? 0)
    if (!hopeless) this.#moveToEnd(pullRequest)
  }

  /** So that one pull request that always fails holds up no other. */
  #moveToEnd(pullRequest: number): void {
    const latest = this.#waiting.get(pullRequest)
    if (latest === undefined) return
    this.#waiting.delete(pullRequest)
    this.#waiting.set(pullRequest, latest)
  }

  #tell(problem: Problem, pullRequest: number | null): void {
    this.#options.onProblem(problem, pullRequest)
  }

  async #within(deadlineMs: number, work: Promise<void>): Promise<void> {
    let cancel = (): void => undefined
    const deadline = new Promise<void>((resolve) => {
      cancel = this.#options.clock.after(deadlineMs, resolve)
    })
    await Promise.race([work, deadline])
    cancel()
  }
}

function overflow(): Problem {
  return new Problem({
    kind: 'wait',
    code: 'FORGE_QUEUE_FULL',
    message: 'too many pull requests wait for their comment; this one is given up until its next transition',
    hint: 'the forge is slow or down; releases go on, and the ledger has the whole history',
  })
}

function lost(count: number): Problem {
  return new Problem({
    kind: 'wait',
    code: 'FORGE_REPORTS_UNSENT',
    message: `${count} pull request ${count === 1 ? 'comment' : 'comments'} could not be brought up to date in time`,
    hint: 'the next start reports again from the ledger',
  })
}
