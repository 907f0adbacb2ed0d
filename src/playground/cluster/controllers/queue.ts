import type { Clock } from '../../../lib/clock.ts'

/**
 * How long controllers take to notice a change, in milliseconds. Long enough that a client sees its own write before they
 * act on it, as with a real control plane.
 */
const noticeMs = 20

/** More steps at one moment than any settled cluster needs: controllers that undo each other's work. */
const stepLimit = 100_000

/**
 * The work of all controllers: a key is worked on once, however often it was added since. Whatever one moment causes is
 * done in one go, off one timer, and an idle queue holds no timer at all.
 */
export class WorkQueue {
  private readonly clock: Clock
  private readonly ready = new Map<string, () => void>()
  private readonly delayed = new Map<string, { readonly atMs: number; readonly cancel: () => void }>()
  private cancelFlush: (() => void) | undefined
  private isStopped = false

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Works on a key soon. What is added while work is done belongs to the same moment. */
  add(key: string, work: () => void): void {
    if (this.isStopped) return
    this.ready.set(key, work)
    this.cancelFlush ??= this.clock.after(noticeMs, () => this.flush())
  }

  /** Works on a key in `ms` milliseconds, or earlier if that was asked for before. */
  addAfter(key: string, ms: number, work: () => void): void {
    if (this.isStopped) return
    const atMs = this.clock.now() + ms
    const waiting = this.delayed.get(key)
    if (waiting !== undefined && waiting.atMs <= atMs && waiting.atMs > this.clock.now()) return
    waiting?.cancel()
    const cancel = this.clock.after(ms, () => {
      this.delayed.delete(key)
      this.add(key, work)
    })
    this.delayed.set(key, { atMs, cancel })
  }

  /** Takes back what `addAfter` asked for. */
  cancelAfter(key: string): void {
    this.delayed.get(key)?.cancel()
    this.delayed.delete(key)
  }

  /** Does all work that is ready now. */
  flush(): void {
    this.cancelFlush?.()
    this.cancelFlush = () => {}
    try {
      for (let steps = 0; this.ready.size > 0 && steps < stepLimit; steps += 1) {
        const [next] = this.ready
        if (next === undefined) break
        this.ready.delete(next[0])
        next[1]()
      }
    } finally {
      // Also when work throws: what is left must not wait for ever.
      this.cancelFlush = this.ready.size > 0 ? this.clock.after(noticeMs, () => this.flush()) : undefined
    }
  }

  /** Drops all work for good. */
  stop(): void {
    this.isStopped = true
    this.cancelFlush?.()
    for (const { cancel } of this.delayed.values()) cancel()
    this.delayed.clear()
    this.ready.clear()
  }
}
