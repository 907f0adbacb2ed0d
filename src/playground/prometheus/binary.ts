import type { Matching } from './expression.ts'
import { PromqlError } from './promql-error.ts'
import { labelKey, type Labels } from './series-store.ts'
import { isComparison } from './types.ts'
import { withoutName, type Element } from './vector.ts'

/** An arithmetic operator or comparison between two numbers; a comparison gives 1 or 0. */
export function calculate(operator: string, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return left / right
    case '%':
      return left % right
    case '^':
      return left ** right
    case '==':
      return left === right ? 1 : 0
    case '!=':
      return left !== right ? 1 : 0
    case '<':
      return left < right ? 1 : 0
    case '>':
      return left > right ? 1 : 0
    case '<=':
      return left <= right ? 1 : 0
    case '>=':
      return left >= right ? 1 : 0
    default:
      throw new PromqlError('execution', `operator "${operator}" is not supported`)
  }
}

/** Applies an operator to each element and a scalar, which stands on the side that `scalarIs` says. */
export function withScalar(
  operator: string,
  vector: readonly Element[],
  scalar: number,
  scalarIs: 'left' | 'right',
  bool: boolean,
): readonly Element[] {
  return vector.flatMap((element) => {
    const [left, right] = scalarIs === 'left' ? [scalar, element.value] : [element.value, scalar]
    return outcome(operator, calculate(operator, left, right), element, bool, element.labels)
  })
}

/** Applies an operator to the pairs of elements whose matching labels agree, one to one. */
export function betweenVectors(
  operator: string,
  left: readonly Element[],
  right: readonly Element[],
  bool: boolean,
  matching: Matching,
): readonly Element[] {
  const partners = uniquely(right, matching)
  const matched = new Set<string>()
  return left.flatMap((element) => {
    const key = labelKey(matchingLabels(element.labels, matching))
    const partner = partners.get(key)
    if (partner === undefined) return []
    if (matched.has(key)) {
      throw new PromqlError(
        'execution',
        'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
      )
    }
    matched.add(key)
    return outcome(
      operator,
      calculate(operator, element.value, partner.value),
      element,
      bool,
      kept(element.labels, matching),
    )
  })
}

/** `and`, `or` and `unless` between sets of elements. */
export function setOperation(
  operator: string,
  left: readonly Element[],
  right: readonly Element[],
  matching: Matching,
): readonly Element[] {
  const key = (element: Element): string => labelKey(matchingLabels(element.labels, matching))
  const inRight = new Set(right.map(key))
  if (operator === 'and') return left.filter((element) => inRight.has(key(element)))
  if (operator === 'unless') return left.filter((element) => !inRight.has(key(element)))
  const inLeft = new Set(left.map(key))
  return [...left, ...right.filter((element) => !inLeft.has(key(element)))]
}

/** A comparison filters and keeps the left value, unless it has `bool`; all else gives the result without the name. */
function outcome(
  operator: string,
  result: number,
  element: Element,
  bool: boolean,
  labels: Labels,
): readonly Element[] {
  if (!isComparison(operator) || bool) return [{ labels: withoutName(labels), value: result }]
  return result === 1 ? [{ labels, value: element.value }] : []
}

function uniquely(right: readonly Element[], matching: Matching): ReadonlyMap<string, Element> {
  const groups = new Map<string, Element>()
  for (const element of right) {
    const labels = matchingLabels(element.labels, matching)
    const key = labelKey(labels)
    if (groups.has(key)) {
      const message = `found duplicate series for the match group ${JSON.stringify(labels)} on the right hand-side of the operation: many-to-many matching not allowed: matching labels must be unique on one side`
      throw new PromqlError('execution', message)
    }
    groups.set(key, element)
  }
  return groups
}

/** What a comparison that filters leaves of the left labels: the matching ones, and with `ignoring` the name too. */
function kept(labels: Labels, matching: Matching): Labels {
  const { __name__: name } = labels
  const others = matchingLabels(labels, matching)
  return matching.kind === 'on' || name === undefined ? others : { __name__: name, ...others }
}

function matchingLabels(labels: Labels, { kind, labels: named }: Matching): Labels {
  return Object.fromEntries(
    Object.entries(labels).filter(([name]) => name !== '__name__' && named.includes(name) === (kind === 'on')),
  )
}
