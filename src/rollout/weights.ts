import type { RolloutSpec } from './spec.ts'

type Steps = Pick<RolloutSpec, 'maxWeight' | 'stepWeight' | 'stepWeights'>

/** The weight at which the analysis ends: `maxWeight`, or the last of `stepWeights`; never above 100. */
export function finalWeight(steps: Steps): number {
  return clamp(steps.stepWeights.at(-1) ?? steps.maxWeight)
}

/**
 * The weight that follows `weight`; always higher, never above 100. `stepWeight` adds its percentage points and may pass
 * `maxWeight` with its last step (20 to a maximum of 50 goes 20, 40, 60), as Flagger's users know it. `stepWeights` names
 * the weights; from a weight that is not in the list it goes on with the next higher one.
 */
export function nextWeight(steps: Steps, weight: number): number {
  if (steps.stepWeight > 0) return clamp(weight + steps.stepWeight)
  return clamp(steps.stepWeights.find((step) => step > weight) ?? 100)
}

function clamp(weight: number): number {
  return Math.min(100, Math.max(0, weight))
}
