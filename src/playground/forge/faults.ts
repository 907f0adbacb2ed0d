/**
 * How an API request goes wrong:
 * - `error`: 500 before anything happens.
 * - `rate-limit`: GitHub's secondary rate limit, 403 with `retry-after`.
 * - `primary-limit`: the hourly limit, 403 with `x-ratelimit-remaining: 0` and a reset time.
 * - `slow`: the answer comes `afterMs` milliseconds late.
 * - `bad-json`: broken JSON. `html`: a proxy's page. `wrong-shape`: JSON of another kind.
 * - `down`: the connection is cut before anything happens. `lost-answer`: it is cut after the work is done.
 */
export type FaultKind =
  'error' | 'rate-limit' | 'primary-limit' | 'slow' | 'bad-json' | 'html' | 'wrong-shape' | 'down' | 'lost-answer'

export interface Fault {
  readonly kind: FaultKind
  /** How many requests it hits; Infinity until cleared. */
  readonly times: number
  /** Only requests by this method; any when absent. */
  readonly method?: string
  /** Only requests whose path matches; any when absent. */
  readonly path?: RegExp
  /** For `slow`: milliseconds. */
  readonly afterMs?: number
  /** For `rate-limit` and `primary-limit`: seconds to wait. */
  readonly retryAfterSeconds?: number
}

/** The faults that wait for a request. */
export class Faults {
  #waiting: Fault[] = []

  add(fault: Fault): void {
    this.#waiting.push(fault)
  }

  clear(): void {
    this.#waiting = []
  }

  /** The first fault that fits the request, used up by one. */
  take(method: string, path: string): Fault | null {
    const index = this.#waiting.findIndex(
      (fault) => (fault.method ?? method) === method && (fault.path === undefined || fault.path.test(path)),
    )
    const fault = this.#waiting[index]
    if (fault === undefined) return null
    if (fault.times > 1) this.#waiting[index] = { ...fault, times: fault.times - 1 }
    else this.#waiting.splice(index, 1)
    return fault
  }
}
