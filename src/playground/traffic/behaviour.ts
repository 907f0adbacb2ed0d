/** How a version of an application answers: the share of requests that fail with 500, and its median latency. */
export interface Behaviour {
  /** From 0 to 1. */
  readonly errorRate: number
  readonly latencyMs: number
}

const healthy: Behaviour = { errorRate: 0, latencyMs: 80 }
const brokenErrorRate = 0.5

/**
 * What pods of this image with these annotations do. `playground.serin.dev/error-rate` and `playground.serin.dev/latency-ms` in the
 * pod template decide; without them a tag with `broken` or `faulty` in it fails half of the requests, and all others are
 * healthy. Values that are no numbers are as if not there.
 */
export function behaviourOf(image: string, annotations: Readonly<Record<string, string>> = {}): Behaviour {
  const tag = image.slice(image.lastIndexOf('/') + 1)
  const byImage = /broken|faulty/.test(tag) ? { ...healthy, errorRate: brokenErrorRate } : healthy
  return {
    errorRate: Math.min(1, numberOf(annotations['playground.serin.dev/error-rate']) ?? byImage.errorRate),
    latencyMs: numberOf(annotations['playground.serin.dev/latency-ms']) ?? byImage.latencyMs,
  }
}

function numberOf(text: string | undefined): number | undefined {
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text)
  return Number.isFinite(value) && value >= 0 ? value : undefined
}
