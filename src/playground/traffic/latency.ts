/** The bounds of Istio's request-duration histogram, in milliseconds. */
export const boundsMs: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000,
]

/** Latencies spread log-normally around their median; with this deviation the P99 is 1.8 times the median. */
const deviation = 0.25

const known = new Map<number, readonly number[]>()
const maxKnown = 100

/** The shares of requests that take at most each of the bounds, when the median takes `medianMs`. */
export function sharesWithin(medianMs: number): readonly number[] {
  const shares = known.get(medianMs) ?? boundsMs.map((boundMs) => shareWithin(boundMs, medianMs))
  if (known.size >= maxKnown) known.clear()
  known.set(medianMs, shares)
  return shares
}

function shareWithin(boundMs: number, medianMs: number): number {
  return medianMs <= 0 ? 1 : normal(Math.log(boundMs / medianMs) / deviation)
}

/** The mean latency, for the histogram's sum. */
export function meanMs(medianMs: number): number {
  return medianMs * Math.exp((deviation * deviation) / 2)
}

/** The standard normal distribution by its logistic approximation, which is within 0.0002 of it. */
function normal(z: number): number {
  return 1 / (1 + Math.exp(-1.5976 * z - 0.07056 * z ** 3))
}
