/** A bucket of a classic histogram: how many observations were at most `le`. */
export interface Bucket {
  readonly le: number
  readonly count: number
}

/**
 * The value below which the fraction `q` of the observations lies, by linear interpolation inside a bucket; the lowest
 * bucket begins at 0. NaN without observations or without a `+Inf` bucket; the highest finite bound when the value is above it.
 * https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
 */
export function bucketQuantile(q: number, buckets: readonly Bucket[]): number {
  if (Number.isNaN(q)) return Number.NaN
  if (q < 0) return -Infinity
  if (q > 1) return Infinity
  const sorted = rising(buckets.toSorted((one, other) => one.le - other.le))
  const top = sorted.at(-1)
  if (top === undefined || top.le !== Infinity || sorted.length < 2) return Number.NaN
  if (!(top.count > 0)) return Number.NaN
  return interpolated(sorted, q * top.count)
}

function interpolated(sorted: readonly Bucket[], rank: number): number {
  const index = sorted.findIndex((bucket) => bucket.count >= rank)
  const bucket = sorted[index]
  if (bucket === undefined || bucket.le === Infinity) return sorted.at(-2)?.le ?? Number.NaN
  if (index === 0 && bucket.le <= 0) return bucket.le
  const below = sorted[index - 1] ?? { le: 0, count: 0 }
  const inside = bucket.count - below.count
  return inside === 0 ? bucket.le : below.le + (bucket.le - below.le) * ((rank - below.count) / inside)
}

/** Merges equal bounds, and lifts counts that fell below their lower neighbour's: rates of buckets are not exact. */
function rising(sorted: readonly Bucket[]): readonly Bucket[] {
  const merged: Bucket[] = []
  for (const bucket of sorted) {
    const last = merged.at(-1)
    if (last?.le === bucket.le) merged[merged.length - 1] = { le: bucket.le, count: last.count + bucket.count }
    else merged.push(bucket)
  }
  let highest = 0
  return merged.map((bucket) => {
    highest = Math.max(highest, bucket.count)
    return { le: bucket.le, count: highest }
  })
}
