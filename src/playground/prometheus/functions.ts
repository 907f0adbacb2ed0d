import type { ValueType } from './expression.ts'

/** The types of a function's parameters and of what it gives. */
export interface Signature {
  readonly parameters: readonly ValueType[]
  readonly returns: ValueType
}

const overRange: Signature = { parameters: ['range vector'], returns: 'instant vector' }
const overVector: Signature = { parameters: ['instant vector'], returns: 'instant vector' }
const withBound: Signature = { parameters: ['instant vector', 'scalar'], returns: 'instant vector' }

/** The functions that are evaluated here; Prometheus has more, and they are refused by name. */
export const signatures: Readonly<Record<string, Signature>> = {
  rate: overRange,
  increase: overRange,
  irate: overRange,
  avg_over_time: overRange,
  sum_over_time: overRange,
  min_over_time: overRange,
  max_over_time: overRange,
  count_over_time: overRange,
  last_over_time: overRange,
  histogram_quantile: { parameters: ['scalar', 'instant vector'], returns: 'instant vector' },
  vector: { parameters: ['scalar'], returns: 'instant vector' },
  scalar: { parameters: ['instant vector'], returns: 'scalar' },
  time: { parameters: [], returns: 'scalar' },
  abs: overVector,
  ceil: overVector,
  floor: overVector,
  clamp_min: withBound,
  clamp_max: withBound,
}
