import type { Clock } from '../lib/clock.ts'

export interface ClusterClockOptions {
  readonly clock: Clock
  /** Milliseconds that only ever go up, whatever becomes of the machine's clock; `performance.now` when absent. */
  readonly monotonicMs?: (() => number) | undefined
  /** Called when the machine's clock turns out to be wrong, with the milliseconds that it is ahead of the cluster's. */
  readonly onSkew?: ((aheadMs: number) => void) | undefined
}

/** The clock that a cluster goes by. */
export interface ClusterClock extends Clock {
  /** Takes in what time it is in the cluster: the date of an answer that has just come. */
  heard(serverMs: number): void
}

/** Less than this is how things go, as answers name whole seconds and take their time. */
const TOLERATED_MS = 5000

/**
 * A clock that agrees with the API server's: deadlines are held against times that the cluster wrote, and several Serins
 * read each other's times, so they must not depend on how well one machine's clock is set. The machine's time is kept
 * while it differs by less than five seconds; it may be set back and forth meanwhile.
 */
export function createClusterClock({ clock, monotonicMs, onSkew }: ClusterClockOptions): ClusterClock {
  const steady = monotonicMs ?? (() => performance.now())
  /** What is added to the monotonic time. */
  let base = clock.now() - steady()
  const now = (): number => Math.round(base + steady())
  return {
    now,
    sleep: (ms, signal) => clock.sleep(ms, signal),
    after: (ms, callback) => clock.after(ms, callback),
    heard: (serverMs) => {
      const aheadMs = now() - serverMs
      // A date is cut to the second: the server's clock is at it or up to a second later.
      if (Math.abs(aheadMs - 500) < TOLERATED_MS) return
      base -= aheadMs - 500
      onSkew?.(aheadMs)
    },
  }
}
