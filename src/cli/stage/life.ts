import type { Clock } from '../../lib/clock.ts'

/**
 * The life of one process on a virtual stage. Everything that it asks of the outside and every timer goes through its
 * life, so that it can be killed, when nothing of it moves any more, or paused, when all of it stands still and later
 * goes on with what it knew.
 */
export class Life {
  /** The process's own view of time: its timers end with it and wait while it is paused. */
  readonly clock: Clock
  private readonly world: Clock
  private readonly timers = new Set<() => void>()
  private readonly watches = new Set<() => void>()
  private held: (() => void)[] = []
  private state: 'running' | 'paused' | 'dead' = 'running'

  constructor(world: Clock) {
    this.world = world
    this.clock = {
      now: () => world.now(),
      sleep: async (ms, signal) => {
        await world.sleep(ms, signal)
        await this.whenRunning()
      },
      after: (ms, callback) => this.after(ms, callback),
    }
  }

  get isDead(): boolean {
    return this.state === 'dead'
  }

  get isPaused(): boolean {
    return this.state === 'paused'
  }

  /** Resolves at once, or when a paused process goes on; never for a dead one, as nothing is called back after a kill. */
  whenRunning(): Promise<void> {
    if (this.state === 'running') return Promise.resolve()
    return new Promise((resolve) => {
      if (this.state === 'paused') this.held.push(resolve)
    })
  }

  kill(): void {
    this.state = 'dead'
    this.held = []
    for (const cancel of this.timers) cancel()
    this.timers.clear()
    this.cutWatches()
  }

  pause(): void {
    if (this.state === 'running') this.state = 'paused'
  }

  resume(): void {
    if (this.state !== 'paused') return
    this.state = 'running'
    for (const goOn of this.held.splice(0)) goOn()
  }

  /** Breaks all of its open watches. */
  cutWatches(): void {
    for (const cut of this.watches) cut()
    this.watches.clear()
  }

  /** Remembers how to break an open watch. */
  opened(cut: () => void): void {
    this.watches.add(cut)
  }

  private after(ms: number, callback: () => void): () => void {
    let isCancelled = false
    const cancel = this.world.after(ms, () => {
      this.timers.delete(cancel)
      if (this.state === 'running') callback()
      else if (this.state === 'paused') this.held.push(() => (isCancelled ? undefined : callback()))
    })
    this.timers.add(cancel)
    return () => {
      isCancelled = true
      this.timers.delete(cancel)
      cancel()
    }
  }
}
