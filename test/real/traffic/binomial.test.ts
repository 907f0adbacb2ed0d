import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/lib/seeded-random.ts'
import { binomialTest } from './binomial.ts'

describe('the binomial test that splits of traffic are held to', () => {
  test.each([
    [7, 10, 0.5, 0.34375],
    [10, 10, 0.5, 0.001953125],
    [0, 10, 0.5, 0.001953125],
    [5, 10, 0.5, 1],
    [0, 20, 0.1, 0.2431533],
    [9, 20, 0.1, 0.0001197],
  ])('%i of %i at %f: %f, as counted in fractions', (successes, trials, chance, expected) => {
    expect(binomialTest(successes, trials, chance)).toBeCloseTo(expected, 6)
  })

  test('a weight of nothing or of everything allows no exception', () => {
    expect(binomialTest(0, 1000, 0)).toBe(1)
    expect(binomialTest(1, 1000, 0)).toBe(0)
    expect(binomialTest(1000, 1000, 1)).toBe(1)
    expect(binomialTest(999, 1000, 1)).toBe(0)
  })

  test('both sides are judged alike, and a count that is farther off is less likely', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.double({ min: 0.01, max: 0.99, noNaN: true }), (n, chance) => {
        const mean = Math.floor(n * chance)
        const likely = Array.from({ length: Math.min(mean + 1, 50) }, (_, less) => binomialTest(mean - less, n, chance))
        expect(likely.every((value, index) => value <= (likely[index - 1] ?? 1) * (1 + 1e-9))).toBe(true)
        expect(binomialTest(mean, n, chance)).toBeCloseTo(binomialTest(n - mean, n, 1 - chance), 9)
      }),
      { numRuns: 50 },
    )
  })

  test('it takes 800 requests at 15 % for no 10 %, and 800 at 10 % for what they are', () => {
    expect(binomialTest(120, 800, 0.1)).toBeLessThan(1e-4)
    expect(binomialTest(160, 800, 0.1)).toBeLessThan(1e-6)
    expect(binomialTest(85, 800, 0.1)).toBeGreaterThan(0.1)
  })

  test('fair dice are called unfair no more often than was said', () => {
    const random = seededRandom(7)
    let wrong = 0
    for (let run = 0; run < 2000; run += 1) {
      let successes = 0
      for (let trial = 0; trial < 200; trial += 1) if (random() < 0.2) successes += 1
      if (binomialTest(successes, 200, 0.2) < 0.05) wrong += 1
    }
    expect(wrong).toBeLessThan(2000 * 0.05)
  })
})
