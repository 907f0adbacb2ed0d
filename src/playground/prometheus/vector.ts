import type { Labels } from './series-store.ts'

/** One element of an instant vector. */
export interface Element {
  readonly labels: Labels
  readonly value: number
}

/** The labels without the metric's name, which a computed value does not keep. */
export function withoutName(labels: Labels): Labels {
  const { __name__: _, ...others } = labels
  return others
}
