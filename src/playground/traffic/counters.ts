import type { Labels, SeriesStore, SeriesWriter } from '../prometheus/series-store.ts'
import { boundsMs, meanMs, sharesWithin } from './latency.ts'

/** How a histogram and its labels are called, and the unit of its bounds in milliseconds. */
export interface Naming {
  readonly name: string
  readonly labels: Labels
  readonly unitMs: number
}

/** A request count and duration histogram of one source of requests and one status code, with their series. */
export interface RequestCounter {
  /** Adds requests whose median latency is `latencyMs`. */
  add(count: number, latencyMs: number): void
  /** Writes the current counts as samples. */
  sample(timeMs: number): void
  /** Says that the source is gone. */
  end(timeMs: number): void
}

/**
 * A counter whose series begin with a sample of 0 at `startMs`: an exporter that was there before the first request. `total` is one more
 * series with the count, under a name of its own (Istio's `istio_requests_total`).
 */
export function createRequestCounter(
  store: SeriesStore,
  { name, labels, unitMs }: Naming,
  total: string | undefined,
  startMs: number,
): RequestCounter {
  let count = 0
  let sum = 0
  const counts = boundsMs.map(() => 0)
  // What a fractional bucket share left over is kept, so that the long-run distribution is exact.
  const expected = boundsMs.map(() => 0)
  const writer = (suffix: string, more: Labels = {}): SeriesWriter =>
    store.writer({ __name__: suffix, ...labels, ...more })
  const buckets = boundsMs.map((bound) => writer(`${name}_bucket`, { le: String(bound / unitMs) }))
  const top = writer(`${name}_bucket`, { le: '+Inf' })
  const sums = writer(`${name}_sum`)
  const plain = [writer(`${name}_count`), ...(total === undefined ? [] : [writer(total)]), top]

  const sample = (timeMs: number): void => {
    for (const each of plain) each.append(timeMs, count)
    sums.append(timeMs, sum / unitMs)
    for (const [index, bucket] of buckets.entries()) bucket.append(timeMs, counts[index] ?? 0)
  }
  sample(startMs)
  return {
    sample,
    add: (added, latencyMs) => {
      count += added
      sum += added * meanMs(latencyMs)
      for (const [index, share] of sharesWithin(latencyMs).entries()) {
        expected[index] = (expected[index] ?? 0) + added * share
        counts[index] = Math.min(count, Math.round(expected[index] ?? 0))
      }
    },
    end: (timeMs) => {
      for (const each of [...plain, sums, ...buckets]) each.end(timeMs)
    },
  }
}
