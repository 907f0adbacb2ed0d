/** A condition on a label: `=`, `!=`, `=~` (anchored), `!~`. */
export interface Matcher {
  readonly label: string
  readonly matches: (value: string) => boolean
}

/** Which labels decide that elements of two vectors belong together. */
export interface Matching {
  readonly kind: 'on' | 'ignoring'
  readonly labels: readonly string[]
}

/** `name{matchers} offset …`. */
export interface Selector {
  readonly kind: 'selector'
  /** The metric's name when it is given as such, which makes the look-up quick; the matchers hold it too. */
  readonly name: string | undefined
  readonly matchers: readonly Matcher[]
  readonly offsetMs: number
}

/** `selector[range]`. */
export interface Range {
  readonly kind: 'range'
  readonly selector: Selector
  readonly rangeMs: number
}

/** A parsed and type-checked query. */
export type Expression =
  | Selector
  | Range
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'negation'; readonly operand: Expression }
  | { readonly kind: 'call'; readonly name: string; readonly parameters: readonly Expression[] }
  | {
      readonly kind: 'aggregation'
      readonly operator: string
      readonly operand: Expression
      readonly without: boolean
      readonly labels: readonly string[]
    }
  | {
      readonly kind: 'binary'
      readonly operator: string
      readonly left: Expression
      readonly right: Expression
      /** Comparisons give 0 or 1 instead of filtering. */
      readonly bool: boolean
      readonly matching: Matching
    }

/** What an expression gives. */
export type ValueType = 'scalar' | 'string' | 'instant vector' | 'range vector'
