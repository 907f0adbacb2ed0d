import type { Clock } from '../lib/clock.ts'

export interface QueueOptions {
  readonly clock: Clock
  /** In [0, 1): spreads the back-off so that many failing keys do not return together. */
  readonly random: () => number
  /** How many keys run at once. */
  readonly concurrency: number
  /** Runs one key; resolves with the milliseconds after which it wants to run again, or undefined. */
  readonly run: (key: string) => Promise<number | undefined>
  /** A run that failed; the key is tried again after `retryMs`. Must not throw. */
  readonly onFailure: (key: string, error: unknown, retryMs: number) => void
}

const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 60_000
/** A key that runs more often than this within a stretch has somebody who undoes its work: it waits for the next one. */
const RUNS_PER_STRETCH = 30
const STRETCH_MS = 1000

/**
 * A work queue of keys. Adding a key twice runs it once; a key added while it runs, runs again afterwards; one key never
 * runs twice at once; a failing key comes back with jittered, doubling delays, without holding up the others. A key that
 * is added without end, because somebody else undoes each time what its run did, is slowed down.
 */
export class KeyedQueue {
  private readonly options: QueueOptions
  private readonly waiting = new Set<string>()
  private readonly running = new Map<string, Promise<void>>()
  private readonly timers = new Map<string, { readonly atMs: number; readonly cancel: () => void }>()
  private readonly failures = new Map<string, number>()
  private readonly stretches = new Map<string, { readonly startMs: number; readonly runs: number }>()
  private stopped = false

  constructor(options: QueueOptions) {
    this.options = options
  }

  /** Runs the key as soon as there is room. */
  add(key: string): void {
    if (this.stopped) return
    const pauseMs = this.pauseMs(key)
    if (pauseMs > 0) return this.addAfter(key, pauseMs)
    this.waiting.add(key)
    this.start()
  }

  /** Runs the key after `ms` milliseconds at the latest: an earlier timer of the same key stays. */
  addAfter(key: string, ms: number): void {
    if (this.stopped) return
    const atMs = this.options.clock.now() + ms
    const timer = this.timers.get(key)
    if (timer !== undefined && timer.atMs <= atMs) return
    timer?.cancel()
    const cancel = this.options.clock.after(ms, () => {
      this.timers.delete(key)
      this.add(key)
    })
    this.timers.set(key, { atMs, cancel })
  }

  /** Keys that wait for room or run now. */
  get depth(): number {
    return this.waiting.size + this.running.size
  }

  /** Takes no more keys and resolves when the running ones have ended. */
  async stop(): Promise<void> {
    this.stopped = true
    this.waiting.clear()
    for (const timer of this.timers.values()) timer.cancel()
    this.timers.clear()
    await Promise.all(this.running.values())
  }

  private pauseMs(key: string): number {
    const stretch = this.stretches.get(key)
    if (stretch === undefined || stretch.runs < RUNS_PER_STRETCH) return 0
    return stretch.startMs + STRETCH_MS - this.options.clock.now()
  }

  private countRun(key: string): void {
    const nowMs = this.options.clock.now()
    const stretch = this.stretches.get(key)
    const goesOn = stretch !== undefined && nowMs - stretch.startMs < STRETCH_MS
    this.stretches.set(key, goesOn ? { ...stretch, runs: stretch.runs + 1 } : { startMs: nowMs, runs: 1 })
  }

  private start(): void {
    for (const key of this.waiting) {
      if (this.running.size >= this.options.concurrency) return
      if (this.running.has(key)) continue
      this.waiting.delete(key)
      this.running.set(
        key,
        // A turn later, when the key is known as running: the run itself may add keys before its first wait.
        Promise.resolve()
          .then(() => this.runOnce(key))
          .finally(() => {
            this.running.delete(key)
            if (!this.stopped) this.start()
          }),
      )
    }
  }

  private async runOnce(key: string): Promise<void> {
    this.countRun(key)
    try {
      const againMs = await this.options.run(key)
      this.failures.delete(key)
      if (againMs !== undefined) this.addAfter(key, againMs)
    } catch (error) {
      const count = (this.failures.get(key) ?? 0) + 1
      this.failures.set(key, count)
      const retryMs = backoffMs(count, this.options.random())
      this.options.onFailure(key, error, retryMs)
      this.addAfter(key, retryMs)
    }
  }
}

/** Doubling from half a second to a minute, spread over its upper half by `random` in [0, 1). */
export function backoffMs(failures: number, random: number): number {
  const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1))
  return Math.round(longest / 2 + (longest / 2) * random)
}
