import { seededRandom } from '../../src/lib/seeded-random.ts'

/** Everything that is left to chance, from one seed. */
export interface Dice {
  /** In [0, 1). */
  readonly random: () => number
  chance(probability: number): boolean
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number
  pick<T>(list: readonly T[]): T
}

export function createDice(seed: number): Dice {
  const random = seededRandom(seed)
  const between = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1))
  return {
    random,
    chance: (probability) => probability > 0 && random() < probability,
    between,
    pick: (list) => {
      const picked = list[between(0, list.length - 1)]
      if (picked === undefined) throw new Error('nothing to pick from')
      return picked
    },
  }
}
