import type { Clock } from '../lib/clock.ts'

/** A clock that moves only when told to. Timers run in the order of their time, then of their making. */
export interface VirtualClock extends Clock {
  /**
   * Lets all work that is ready run, moves to the next timer within `ms`, and so on until `ms` have passed. Stops early,
   * after the work of a moment, when `until` holds. Resolves with whether `until` held.
   */
  run(ms: number, until?: () => boolean): Promise<boolean>
  /** Moves without running timers in between: time lost while a process is dead. */
  jump(ms: number): void
  /** Forgets all timers: the process that made them was killed. */
  clear(): void
}

interface Timer {
  readonly atMs: number
  readonly order: number
  readonly callback: () => void
}

/** Turns of the event loop in which nothing new may appear before a moment counts as over. */
const QUIET_TURNS = 2

/**
 * A virtual clock that starts at `startMs`. Work is taken as done when promises have settled over some turns of the event
 * loop, so whatever it drives must not do real input or output; unless `settle` waits until that is over.
 */
export function createVirtualClock(startMs: number, settle: () => Promise<void> = quietTurns): VirtualClock {
  let nowMs = startMs
  let made = 0
  const timers = new Set<Timer>()

  const next = (): Timer | undefined => {
    let first: Timer | undefined
    for (const timer of timers) {
      if (first === undefined || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order)) {
        first = timer
      }
    }
    return first
  }

  const after = (ms: number, callback: () => void): (() => void) => {
    const timer = { atMs: nowMs + Math.max(0, ms), order: made++, callback }
    timers.add(timer)
    return () => timers.delete(timer)
  }

  return {
    now: () => nowMs,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(reasonOf(signal))
        const onAbort = (): void => {
          cancel()
          reject(reasonOf(signal))
        }
        const cancel = after(ms, () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        })
        signal?.addEventListener('abort', onAbort, { once: true })
      }),
    async run(ms, until = () => false) {
      const endMs = nowMs + ms
      for (;;) {
        await settle()
        if (until()) return true
        const timer = next()
        if (timer === undefined || timer.atMs > endMs) break
        timers.delete(timer)
        nowMs = Math.max(nowMs, timer.atMs)
        timer.callback()
      }
      nowMs = endMs
      return until()
    },
    jump(ms) {
      nowMs += ms
    },
    clear: () => timers.clear(),
  }
}

async function quietTurns(): Promise<void> {
  for (let turn = 0; turn < QUIET_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason
  return reason instanceof Error ? reason : new Error('aborted')
}
