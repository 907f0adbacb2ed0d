/** What a built-in query is about: the workload under analysis, what routes to it, and the window. */
export interface QuerySubject {
  readonly namespace: string
  /** The target's kind and name. */
  readonly kind: string
  readonly target: string
  /** The apex Service; the canary's Service is called like it, with `-canary`. */
  readonly service: string
  /** The Ingress that the canary names; the target's name when it names none. */
  readonly ingress: string
  /** The ApisixRoute that the canary names; the target's name when it names none. */
  readonly route: string
  /** Knative: the revision under analysis. Undefined elsewhere, and while it is not known. */
  readonly revision: string | undefined
}

/** A condition on one label. Patterns are RE2 and match the whole value. */
export interface LabelMatcher {
  readonly label: string
  readonly operator: '=' | '!=' | '=~' | '!~'
  readonly value: string
}

/** A counter, or one of a histogram's: its name and what it is narrowed down to on top of the canary's labels. */
export interface Series {
  readonly name: string
  readonly only: readonly LabelMatcher[]
}

/** Durations of requests: a histogram whose 99th percentile counts, or a sum and a count of which the mean is all there is. */
export type DurationSeries =
  | { readonly kind: 'p99'; readonly buckets: Series; readonly unit: 's' | 'ms' }
  | { readonly kind: 'mean'; readonly sum: Series; readonly count: Series; readonly unit: 's' | 'ms' }

/** Where one kind of data plane leaves its counts of requests, and how the canary's are told from the primary's. */
export interface Observer {
  /** Who counts, for readers. */
  readonly counter: string
  /** What a reader must know besides; a sentence. */
  readonly remark?: string
  readonly requests: Series
  /** What a request that did not fail carries. */
  readonly success: LabelMatcher
  readonly duration: DurationSeries
  /**
   * The labels of the canary's requests. `needs-workload` when only a workload's name would tell them and the target is
   * a Service; `needs-revision` when the subject lacks one.
   */
  readonly canary: (subject: QuerySubject) => readonly LabelMatcher[] | 'needs-workload' | 'needs-revision'
}

export function is(label: string, value: string): LabelMatcher {
  return { label, operator: '=', value }
}

export function isNot(label: string, value: string): LabelMatcher {
  return { label, operator: '!=', value }
}

export function matches(label: string, pattern: string): LabelMatcher {
  return { label, operator: '=~', value: pattern }
}

export function doesNotMatch(label: string, pattern: string): LabelMatcher {
  return { label, operator: '!~', value: pattern }
}

/** A series with these conditions besides the canary's own. */
export function series(name: string, ...only: readonly LabelMatcher[]): Series {
  return { name, only }
}

/** A text as a pattern that matches nothing else. */
export function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
