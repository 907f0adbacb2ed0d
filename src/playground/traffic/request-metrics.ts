import type { SeriesStore } from '../prometheus/series-store.ts'
import { createRequestCounter, type Naming, type RequestCounter } from './counters.ts'
import { podNaming, refusedNaming, workloadNaming } from './naming.ts'
import type { Stream } from './plan.ts'

interface NamedCounter {
  readonly key: string
  readonly naming: Naming
  /** The name of Istio's plain count. */
  readonly total: string | undefined
  readonly outcome: 'succeeded' | 'failed'
}

/** How the requests of one stream ended. */
export interface Outcomes {
  readonly succeeded: number
  readonly failed: number
}

/** The metrics that meshes and pods keep about streams of requests. */
export class RequestMetrics {
  private readonly store: SeriesStore
  private readonly counters = new Map<string, RequestCounter>()
  private readonly named = new Map<string, readonly NamedCounter[]>()
  private lastSampleMs: number

  constructor(store: SeriesStore, startMs: number) {
    this.store = store
    this.lastSampleMs = startMs
  }

  /** Counts requests in the mesh's metrics and the pod's own, or, without a pod, on the client's side alone. */
  record(stream: Stream, outcomes: Outcomes): void {
    for (const { key, naming, total, outcome } of this.namesOf(stream)) {
      if (outcomes[outcome] === 0) continue
      const known = this.counters.get(key)
      const counter = known ?? createRequestCounter(this.store, naming, total, this.lastSampleMs)
      if (known === undefined) this.counters.set(key, counter)
      counter.add(outcomes[outcome], stream.backend?.behaviour.latencyMs ?? 1)
    }
  }

  /** Writes a sample of every counter. */
  scrape(timeMs: number): void {
    for (const counter of this.counters.values()) counter.sample(timeMs)
    this.lastSampleMs = timeMs
  }

  /** When the last samples were written, in milliseconds. */
  get scrapedAtMs(): number {
    return this.lastSampleMs
  }

  /** Ends the series of everything that none of these streams reaches. */
  keepOnly(streams: readonly Stream[], nowMs: number): void {
    const alive = new Set(streams.flatMap((stream) => this.namesOf(stream).map(({ key }) => key)))
    for (const [key, counter] of this.counters) {
      if (alive.has(key)) continue
      counter.end(nowMs)
      this.counters.delete(key)
    }
    const keys = new Set(streams.map((stream) => stream.key))
    for (const key of this.named.keys()) if (!keys.has(key)) this.named.delete(key)
  }

  private namesOf(stream: Stream): readonly NamedCounter[] {
    const known = this.named.get(stream.key)
    if (known !== undefined) return known
    const made = namesOf(stream)
    this.named.set(stream.key, made)
    return made
  }
}

function namesOf(stream: Stream): readonly NamedCounter[] {
  const { backend } = stream
  if (backend === undefined) return [named(refusedNaming(stream), 'failed', 'istio_requests_total')]
  return (['succeeded', 'failed'] as const).flatMap((outcome) => {
    const code = outcome === 'succeeded' ? '200' : '500'
    return [
      named(workloadNaming(stream, backend, 'destination', code), outcome, 'istio_requests_total'),
      named(workloadNaming(stream, backend, 'source', code), outcome, 'istio_requests_total'),
      named(podNaming(backend, code), outcome, undefined),
    ]
  })
}

function named(naming: Naming, outcome: 'succeeded' | 'failed', total: string | undefined): NamedCounter {
  const key = `${naming.name}\u0000${Object.values(naming.labels).join('\u0000')}`
  return { key, naming, total, outcome }
}
