/** Waiting times between attempts that go on failing. */
export interface BackOff {
  /** The next waiting time in milliseconds: doubles from try to try up to the limit, less up to half at random. */
  next(): number
  /** After a success: start over. */
  reset(): void
}

/** A back-off from `firstMs` to `limitMs`. `random` gives numbers in [0, 1). */
export function createBackOff(firstMs: number, limitMs: number, random: () => number): BackOff {
  let tries = 0
  return {
    next: () => {
      const full = Math.min(limitMs, firstMs * 2 ** Math.min(tries, 30))
      tries += 1
      return Math.round(full * (1 - random() / 2))
    },
    reset: () => {
      tries = 0
    },
  }
}
