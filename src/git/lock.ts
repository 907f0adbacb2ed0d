/** Runs one task after another, in the order they come in, whether the one before succeeded or not. */
export type Lock = <T>(task: () => Promise<T>) => Promise<T>

/** A lock of its own. */
export function createLock(): Lock {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const run = last.then(task, task)
    last = run.catch(() => undefined)
    return run
  }
}
