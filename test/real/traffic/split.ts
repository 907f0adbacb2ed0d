import { binomialTest } from './binomial.ts'
import type { Answer } from './load.ts'

/** From when on requests are divided in a new way. */
export interface WeightChange {
  /** Nothing had changed yet; milliseconds since the epoch. */
  readonly beforeMs: number
  /** The proxy had taken it. */
  readonly afterMs: number
  /** The canary's weight in percent; the rest is the primary's. */
  readonly canary: number
}

/** What clients saw between two changes. */
export interface Step {
  readonly weight: number
  readonly fromMs: number
  readonly toMs: number
  /** Requests that began and ended in it. */
  readonly requests: number
  readonly canary: number
  /** How far the canary's share of them is from the weight, in requests. */
  readonly off: number
  /** How likely such a split is at this weight if each request were drawn by lot: `binomialTest`. */
  readonly likelihood: number
}

/**
 * One step for each weight that lasted until the next one or until the end. `marginMs` is left out at both ends of each: a
 * request's time is taken by another clock tick than the change's.
 */
export function stepsOf(
  changes: readonly WeightChange[],
  answers: readonly Answer[],
  endMs: number,
  marginMs: number,
): readonly Step[] {
  return changes.map(({ afterMs, canary: weight }, index) => {
    const fromMs = afterMs + marginMs
    const toMs = (changes[index + 1]?.beforeMs ?? endMs) - marginMs
    const within = answers.filter((answer) => answer.startMs >= fromMs && answer.endMs <= toMs)
    const requests = within.length
    const canary = within.filter(({ by }) => by === 'canary').length
    const off = canary - (requests * weight) / 100
    return { weight, fromMs, toMs, requests, canary, off, likelihood: binomialTest(canary, requests, weight / 100) }
  })
}

/** For a message: one line for each step. */
export function describeSteps(steps: readonly Step[]): string {
  const line = ({ weight, requests, canary, off, likelihood, fromMs, toMs }: Step): string =>
    [
      `weight ${String(weight).padStart(3)}`,
      `${String(canary).padStart(5)} of ${String(requests).padStart(5)}`,
      `${((canary / requests) * 100).toFixed(2).padStart(6)} %`,
      `${off.toFixed(1).padStart(6)} off`,
      `p ${likelihood.toPrecision(3)}`,
      `${((toMs - fromMs) / 1000).toFixed(2)} s`,
    ].join('  ')
  return steps.map(line).join('\n')
}
