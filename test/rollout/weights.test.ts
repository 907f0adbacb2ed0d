import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { finalWeight, nextWeight } from '../../src/rollout/weights.ts'

interface Steps {
  readonly maxWeight: number
  readonly stepWeight: number
  readonly stepWeights: readonly number[]
}

function walk(steps: Steps): number[] {
  const weights = [0]
  while ((weights.at(-1) ?? 0) < finalWeight(steps) || weights.length === 1) {
    weights.push(nextWeight(steps, weights.at(-1) ?? 0))
  }
  return weights
}

describe('rollout/weights', () => {
  test.each([
    ['step 10 to 50', { maxWeight: 50, stepWeight: 10, stepWeights: [] }, [0, 10, 20, 30, 40, 50]],
    ['step 20 to 50, passing it', { maxWeight: 50, stepWeight: 20, stepWeights: [] }, [0, 20, 40, 60]],
    ['step 50 to 100', { maxWeight: 100, stepWeight: 50, stepWeights: [] }, [0, 50, 100]],
    ['step 40 to 100, cut at 100', { maxWeight: 100, stepWeight: 40, stepWeights: [] }, [0, 40, 80, 100]],
    ['no step at all: everything at once', { maxWeight: 100, stepWeight: 0, stepWeights: [] }, [0, 100]],
    ['the named weights', { maxWeight: 100, stepWeight: 0, stepWeights: [1, 2, 10, 80] }, [0, 1, 2, 10, 80]],
    [
      'named weights above 100 cut',
      { maxWeight: 100, stepWeight: 0, stepWeights: [1, 2, 10, 200] },
      [0, 1, 2, 10, 100],
    ],
    ['named weights without regard to maxWeight', { maxWeight: 5, stepWeight: 0, stepWeights: [10, 60] }, [0, 10, 60]],
    [
      'stepWeight as the size, stepWeights as the end',
      { maxWeight: 5, stepWeight: 25, stepWeights: [1, 60] },
      [0, 25, 50, 75],
    ],
  ])('goes by %s', (_name, steps, weights) => {
    expect(walk(steps)).toEqual(weights)
  })

  test('goes on with the next higher named weight from one that is not in the list', () => {
    expect(nextWeight({ maxWeight: 100, stepWeight: 0, stepWeights: [5, 20, 60] }, 12)).toBe(20)
  })

  test('always rises, never leaves 0 to 100 and reaches the final weight, whatever the steps', () => {
    const steps = fc.record({
      maxWeight: fc.integer({ min: 1, max: 150 }),
      stepWeight: fc.integer({ min: 0, max: 150 }),
      stepWeights: fc.array(fc.integer({ min: 0, max: 250 }), { maxLength: 6 }),
    })

    fc.assert(
      fc.property(steps, (given) => {
        const weights = walk(given)
        for (const [index, weight] of weights.entries()) {
          expect(weight).toBeGreaterThanOrEqual(0)
          expect(weight).toBeLessThanOrEqual(100)
          if (index > 0) expect(weight).toBeGreaterThan(weights[index - 1] ?? 0)
        }
      }),
    )
  })
})
