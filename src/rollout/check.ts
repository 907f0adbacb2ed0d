/** The answer of a metrics provider to one query. */
export type MetricAnswer =
  | { readonly kind: 'value'; readonly value: number }
  /** The query worked but nothing came: no series, or NaN. Never the same as success. */
  | { readonly kind: 'no-values' }
  | { readonly kind: 'error'; readonly message: string }

export type Verdict = 'passed' | 'failed' | 'no-values' | 'error'

/** One metric held against its bounds: what the analysis decides on, and the evidence that a commit's body shows. */
export interface Check {
  /** The metric's name in the Canary. */
  readonly metric: string
  /** Absent when there was none. */
  readonly value?: number
  /** `%` or `ms` for the built-in checks, empty for templates. */
  readonly unit: '%' | 'ms' | ''
  readonly min?: number
  readonly max?: number
  /** The query's window as the Canary writes it, for example `1m`. */
  readonly window: string
  readonly verdict: Verdict
  /** The sentence that halts the advancement; absent when passed. */
  readonly halt?: string
}
