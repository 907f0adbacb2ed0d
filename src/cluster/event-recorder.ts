import type { Clock } from '../lib/clock.ts'
import { type KubeObject, refOf } from '../lib/kube-object.ts'
import { Problem, toProblem } from '../lib/problem.ts'
import { createBackOff } from './back-off.ts'
import type { Client } from './client.ts'
import { type ObjectEvent, kubeEvent } from './workloads/events.ts'
import type { Owner } from './workloads/owner.ts'

export interface RecorderOptions {
  readonly client: Client
  readonly clock: Clock
  readonly fieldManager: string
  /** How many different events wait at most; the oldest is dropped for one more. 1,000 when absent. */
  readonly capacity?: number | undefined
  /** Called when events were dropped or refused, for the log. */
  readonly onProblem: (problem: Problem) => void
  /** For the jitter: numbers in [0, 1). */
  readonly random: () => number
}

/** Within this time the same words about the same object count up one event instead of making another. */
const sameEventMs = 10 * 60_000
/** The cluster keeps events for an hour: one that could not be sent for so long is of no use any more. */
const patienceMs = 60 * 60_000
/** An event that is answered with a failure of the server for so long may be what it fails at. */
const failedPatienceMs = 10 * 60_000
/** An API server that has just started refuses everybody before it has read the roles. */
const deniedPatienceMs = 30_000
const longestPauseMs = 30_000
/** A server that is away is asked this often, so that people hear soon of what happened meanwhile. */
const longestAwayMs = 5_000

/**
 * Sends Kubernetes events in the background, in order. Recording never waits and never throws; while the cluster is away
 * they wait, with the times at which they happened. Events that the cluster refuses for good, or for too long, are dropped
 * and told.
 */
export class EventRecorder {
  readonly #options: RecorderOptions
  readonly #waiting = new Map<string, ObjectEvent>()
  readonly #sent = new Map<string, ObjectEvent>()
  readonly #stopping = new AbortController()
  #dropped = 0
  #isDelivering = false
  #sending: Promise<void> | undefined

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  /** Tells something about an object, once or once more. */
  record(about: Owner, type: ObjectEvent['type'], message: string): void {
    if (this.#stopping.signal.aborted) return
    const nowMs = this.#options.clock.now()
    const key = JSON.stringify([
      about.metadata.namespace,
      about.kind,
      about.metadata.name,
      about.metadata.uid,
      type,
      message,
    ])
    const before = this.#waiting.get(key) ?? this.#sent.get(key)
    const isSame = before !== undefined && nowMs - before.lastMs < sameEventMs
    this.#waiting.set(
      key,
      isSame
        ? { ...before, lastMs: nowMs, count: before.count + 1 }
        : { about, type, message, firstMs: nowMs, lastMs: nowMs, count: 1 },
    )
    if (this.#waiting.size > (this.#options.capacity ?? 1000)) this.#dropOldest()
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined
    })
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    await this.#sending
  }

  /** Sends no more; events that still wait are dropped and told. */
  stop(): void {
    if (this.#stopping.signal.aborted) return
    this.#stopping.abort()
    const left = this.#waiting.size + (this.#isDelivering ? 1 : 0)
    this.#waiting.clear()
    if (left > 0) this.#tell('CLUSTER_EVENTS_DROPPED', `${left} events were not sent before the end`)
  }

  #dropOldest(): void {
    const oldest = this.#waiting.keys().next().value
    if (oldest !== undefined) this.#waiting.delete(oldest)
    this.#dropped += 1
  }

  async #send(): Promise<void> {
    // The caller goes on first.
    await Promise.resolve()
    for (;;) {
      const next = this.#waiting.entries().next().value
      if (next === undefined) break
      const [key, event] = next
      this.#waiting.delete(key)
      this.#isDelivering = true
      if (await this.#deliver(event)) this.#remember(key, event)
      this.#isDelivering = false
    }
    if (this.#dropped > 0) {
      this.#tell('CLUSTER_EVENTS_DROPPED', `${this.#dropped} events were dropped: more came than the cluster took`)
      this.#dropped = 0
    }
  }

  /** Sends one event, again while it makes sense. False when it was given up. */
  async #deliver(event: ObjectEvent): Promise<boolean> {
    const { clock, random } = this.#options
    const backOff = createBackOff(1000, longestPauseMs, random)
    const startedMs = clock.now()
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#write(event)
        return true
      } catch (error) {
        const problem = toProblem(error)
        if (clock.now() - startedMs >= patienceWith(problem)) {
          this.#tell('CLUSTER_EVENT_REFUSED', `an event was dropped: ${problem.message}`, problem)
          return false
        }
        const limitMs = problem.code === 'CLUSTER_UNREACHABLE' ? longestAwayMs : longestPauseMs
        const pauseMs = Math.max(Math.min(limitMs, backOff.next()), problem.retryAfterMs ?? 0)
        await clock.sleep(pauseMs, this.#stopping.signal).catch(() => undefined)
      }
    }
    return false
  }

  async #write(event: ObjectEvent): Promise<void> {
    const { client, fieldManager } = this.#options
    const object: KubeObject = kubeEvent(event)
    if (event.count > 1) {
      const body = { count: event.count, lastTimestamp: String(object['lastTimestamp']) }
      try {
        await client.patch(refOf(object), { type: 'merge', body, fieldManager })
        return
      } catch (error) {
        // It is gone after an hour, or was never sent: make it anew.
        if (!(error instanceof Problem) || error.code !== 'CLUSTER_NOT_FOUND') throw error
      }
    }
    try {
      await client.create(object, { fieldManager })
    } catch (error) {
      // The same name means the same event: an earlier try did arrive.
      if (!(error instanceof Problem) || error.code !== 'CLUSTER_CONFLICT') throw error
    }
  }

  #remember(key: string, event: ObjectEvent): void {
    this.#sent.delete(key)
    this.#sent.set(key, event)
    const nowMs = this.#options.clock.now()
    for (const [old, { lastMs }] of this.#sent) {
      if (nowMs - lastMs < sameEventMs && this.#sent.size <= (this.#options.capacity ?? 1000)) break
      this.#sent.delete(old)
    }
  }

  #tell(code: string, message: string, cause?: Problem): void {
    try {
      this.#options.onProblem(new Problem({ kind: cause?.kind ?? 'retry', code, message, hint: cause?.hint, cause }))
    } catch {
      // Whoever logs must not end the sending; there is nobody left to tell.
    }
  }
}

/** For how long an event that meets this problem is sent again, in milliseconds. */
function patienceWith({ kind, code }: Problem): number {
  if (code === 'CLUSTER_FORBIDDEN' || code === 'CLUSTER_UNAUTHORIZED') return deniedPatienceMs
  if (kind !== 'retry') return 0
  return code === 'CLUSTER_FAILED' ? failedPatienceMs : patienceMs
}
