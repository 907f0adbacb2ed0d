/** Runs one piece of work at a time, in the order of asking. A failed one does not stop the next. */
export class Mutex {
  private last: Promise<unknown> = Promise.resolve()

  /** Resolves with what `work` gives once all earlier work has ended. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work, work)
    this.last = result.catch(() => undefined)
    return result
  }
}
