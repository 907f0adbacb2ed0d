/** Where time comes from. Everything that waits asks a clock, so that a whole reconciler can run under a virtual one. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls back once after `ms` milliseconds unless the returned function is called first. The callback must not throw. */
  after(ms: number, callback: () => void): () => void
}

/** The machine's own clock. Its timers do not keep the process alive by themselves. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortReason(signal))
      const onAbort = (): void => {
        clearTimeout(timer)
        reject(abortReason(signal))
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', onAbort, { once: true })
    }),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}

function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason
  return reason instanceof Error ? reason : new Error('aborted')
}

/** RFC 3339 with milliseconds. */
export function preciseTimestamp(ms: number): string {
  return new Date(ms).toISOString()
}

/** Milliseconds since the epoch of an RFC 3339 time; NaN when it is none. */
export function parseTimestamp(text: string): number {
  return Date.parse(text)
}

/** RFC 3339 with whole seconds, as Kubernetes writes `metav1.Time`. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z')
}
