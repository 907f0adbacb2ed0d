/** A map that forgets what was used longest ago once the weights of its values exceed a limit. For caches only. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>()
  readonly #limit: number
  readonly #weigh: (value: V) => number
  #total = 0

  /** `weigh` gives a value's weight, 1 each by default. A single value above the limit is not kept at all. */
  constructor(limit: number, weigh: (value: V) => number = () => 1) {
    this.#limit = limit
    this.#weigh = weigh
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined) {
      this.#entries.delete(key)
      this.#entries.set(key, value)
    }
    return value
  }

  set(key: K, value: V): void {
    const weight = this.#weigh(value)
    if (weight > this.#limit || this.#entries.has(key)) return
    this.#entries.set(key, value)
    this.#total += weight
    for (const [oldest, old] of this.#entries) {
      if (this.#total <= this.#limit) return
      this.#entries.delete(oldest)
      this.#total -= this.#weigh(old)
    }
  }

  clear(): void {
    this.#entries.clear()
    this.#total = 0
  }
}
