import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/lib/seeded-random.ts'

describe('lib/seeded-random', () => {
  test('gives the same numbers for the same seed, all of them in [0, 1)', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const [one, other] = [seededRandom(seed), seededRandom(seed)]
        const numbers = Array.from({ length: 50 }, one)

        expect(Array.from({ length: 50 }, other)).toEqual(numbers)
        expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true)
        expect(new Set(numbers).size).toBeGreaterThan(45)
      }),
    )
  })

  test('gives other numbers for another seed', () => {
    expect(seededRandom(1)()).not.toBe(seededRandom(2)())
  })
})
