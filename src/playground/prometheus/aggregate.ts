import { labelKey, type Labels } from './series-store.ts'
import type { Element } from './vector.ts'

/** Puts the elements into groups by (or without) labels and gives one element for each group. */
export function aggregate(
  operator: string,
  vector: readonly Element[],
  labels: readonly string[],
  without: boolean,
): readonly Element[] {
  const groups = new Map<string, { readonly labels: Labels; readonly values: number[] }>()
  for (const element of vector) {
    const kept = Object.fromEntries(
      Object.entries(element.labels).filter(([name]) =>
        without ? name !== '__name__' && !labels.includes(name) : labels.includes(name),
      ),
    )
    const key = labelKey(kept)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { labels: kept, values: [element.value] })
    else group.values.push(element.value)
  }
  return [...groups.values()].map((group) => ({ labels: group.labels, value: reduce(operator, group.values) }))
}

function reduce(operator: string, values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0)
  switch (operator) {
    case 'avg':
      return sum / values.length
    case 'min':
      return values.reduce((least, value) => (value < least || Number.isNaN(least) ? value : least))
    case 'max':
      return values.reduce((most, value) => (value > most || Number.isNaN(most) ? value : most))
    case 'count':
      return values.length
    default:
      return sum
  }
}
