import type { Clock } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/seeded-random.ts'
import { SeriesStore } from '../prometheus/series-store.ts'
import { binomial } from './binomial.ts'
import type { ClusterView } from './cluster-view.ts'
import { planOf, type Stream } from './plan.ts'
import { RequestMetrics } from './request-metrics.ts'

export interface TrafficOptions {
  readonly cluster: ClusterView
  readonly clock: Clock
  /** Requests a second to each host; 50 when absent. */
  readonly requestsPerSecond?: number
  /** The same seed gives the same failures. */
  readonly seed?: number
  /** Distance of samples; 1000 when absent. */
  readonly scrapeIntervalMs?: number
  /** How long samples are kept; 15 minutes when absent. */
  readonly retentionMs?: number
}

/** What became of the requests that clients sent to one host and one workload, mirrored copies left out. */
export interface TrafficTotal {
  /** `namespace/name` of the route or Service. */
  readonly host: string
  /** Empty when no pod was ready. */
  readonly workload: string
  readonly succeeded: number
  readonly failed: number
}

const defaultRetentionMs = 15 * 60_000

/**
 * Simulated clients that call every host of a cluster at a steady rate, and the metrics that they leave. Requests are
 * spread by the weights of the written routes over Services, and evenly over their Ready pods. Everything is counted,
 * nothing is sent: an interval costs the same however many requests it has.
 */
export class Traffic {
  /** The samples that a Prometheus would have scraped. */
  readonly store: SeriesStore
  private readonly options: TrafficOptions
  private readonly metrics: RequestMetrics
  private readonly random: () => number
  private readonly due = new Map<string, number>()
  private readonly counted = new Map<string, TrafficTotal>()
  private streams: readonly Stream[] = []
  private seenRevision: number | undefined
  private nowMs: number
  private sweptMs: number

  constructor(options: TrafficOptions) {
    this.options = options
    this.nowMs = options.clock.now()
    this.sweptMs = this.nowMs
    this.store = new SeriesStore(options.retentionMs ?? defaultRetentionMs)
    this.metrics = new RequestMetrics(this.store, this.nowMs)
    this.random = seededRandom(options.seed ?? 1)
    this.look()
  }

  /**
   * Counts the requests up to the clock's present along the routes as they were last seen, then looks at routes and pods
   * anew. To be called when these change, and before anything is asked.
   */
  advance(): void {
    const toMs = this.options.clock.now()
    if (toMs < this.nowMs) return
    const scrapeIntervalMs = this.options.scrapeIntervalMs ?? 1000
    // After a long sleep only what is still kept needs samples.
    if (toMs - this.metrics.scrapedAtMs > this.store.retentionMs + scrapeIntervalMs) {
      this.accrue(Math.max(this.nowMs, toMs - this.store.retentionMs))
      this.metrics.scrape(this.nowMs)
    }
    while (this.metrics.scrapedAtMs + scrapeIntervalMs <= toMs) {
      this.accrue(this.metrics.scrapedAtMs + scrapeIntervalMs)
      this.metrics.scrape(this.nowMs)
    }
    this.accrue(toMs)
    this.look()
    this.sweep()
  }

  /** Advances by itself every `intervalMs` until the returned function is called. */
  start(intervalMs: number): () => void {
    let cancel = (): void => {}
    const next = (): void => {
      cancel = this.options.clock.after(intervalMs, () => {
        this.advance()
        next()
      })
    }
    next()
    return () => cancel()
  }

  /** What became of all requests since the beginning, by host and workload. */
  totals(): readonly TrafficTotal[] {
    return [...this.counted.values()]
  }

  /** Fractions of a request wait for the next interval, so that over time each stream has exactly its rate. */
  private accrue(toMs: number): void {
    const seconds = (toMs - this.nowMs) / 1000
    for (const stream of this.streams) {
      const exact = (this.due.get(stream.key) ?? 0) + stream.perSecond * seconds
      // Rates like 1/3 leave rounding errors; without the nudge a whole request would now and then come late.
      const count = Math.floor(exact + 1e-9)
      this.due.set(stream.key, exact - count)
      if (count > 0) this.record(stream, count)
    }
    this.nowMs = toMs
  }

  private record(stream: Stream, count: number): void {
    const { backend, host } = stream
    const failed = backend === undefined ? count : binomial(count, backend.behaviour.errorRate, this.random)
    const outcomes = { succeeded: count - failed, failed }
    this.metrics.record(stream, outcomes)
    if (stream.mirrored) return
    const workload = backend?.workload ?? ''
    const key = `${host}\u0000${workload}`
    const before = this.counted.get(key)
    this.counted.set(key, {
      host,
      workload,
      succeeded: (before?.succeeded ?? 0) + outcomes.succeeded,
      failed: (before?.failed ?? 0) + outcomes.failed,
    })
  }

  private sweep(): void {
    if (this.nowMs - this.sweptMs < this.store.retentionMs / 10) return
    this.sweptMs = this.nowMs
    this.store.sweep(this.nowMs)
  }

  private look(): void {
    const revision = this.options.cluster.revision?.()
    if (revision !== undefined && revision === this.seenRevision) return
    this.seenRevision = revision
    this.streams = planOf(this.options.cluster, this.options.requestsPerSecond ?? 50)
    this.metrics.keepOnly(this.streams, this.nowMs)
    const keys = new Set(this.streams.map((stream) => stream.key))
    for (const key of this.due.keys()) if (!keys.has(key)) this.due.delete(key)
  }
}
