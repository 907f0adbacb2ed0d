import { aggregate } from './aggregate.ts'
import { betweenVectors, calculate, setOperation, withScalar } from './binary.ts'
import type { Expression, Range, Selector } from './expression.ts'
import { bucketQuantile, type Bucket } from './histogram.ts'
import { PromqlError } from './promql-error.ts'
import { overWindow } from './range-functions.ts'
import { firstAfter, labelKey, type Labels, type Samples, type SeriesStore } from './series-store.ts'
import { isSetOperator } from './types.ts'
import { withoutName, type Element } from './vector.ts'

/** What a query gives at one moment. */
export type Value =
  | { readonly kind: 'scalar'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'vector'; readonly elements: readonly Element[] }
  | { readonly kind: 'matrix'; readonly series: readonly Samples[] }

/** How far back an instant selector looks for a sample, as Prometheus does by default. */
const lookBackMs = 300_000

type Call = Extract<Expression, { kind: 'call' }>
type Binary = Extract<Expression, { kind: 'binary' }>

/** Evaluates a parsed query at a moment in milliseconds. Throws a PromqlError (`execution`). */
export function evaluatePromql(expression: Expression, store: SeriesStore, timeMs: number): Value {
  const at = (inner: Expression): Value => evaluatePromql(inner, store, timeMs)
  switch (expression.kind) {
    case 'number':
      return { kind: 'scalar', value: expression.value }
    case 'string':
      return { kind: 'string', value: expression.value }
    case 'selector':
      return { kind: 'vector', elements: instant(expression, store, timeMs) }
    case 'range':
      return { kind: 'matrix', series: windows(expression, store, timeMs) }
    case 'negation':
      return negated(at(expression.operand))
    case 'aggregation':
      return {
        kind: 'vector',
        elements: aggregate(
          expression.operator,
          vectorOf(at(expression.operand)),
          expression.labels,
          expression.without,
        ),
      }
    case 'binary':
      return binary(expression, at(expression.left), at(expression.right))
    case 'call':
      return call(expression, store, timeMs)
  }
}

function matching(selector: Selector, store: SeriesStore): readonly Samples[] {
  return store
    .select(selector.name)
    .filter(({ labels }) => selector.matchers.every(({ label, matches }) => matches(labels[label] ?? '')))
}

function instant(selector: Selector, store: SeriesStore, timeMs: number): readonly Element[] {
  const moment = timeMs - selector.offsetMs
  return matching(selector, store).flatMap(({ labels, times, values, endedAtMs }) => {
    const index = firstAfter(times, moment) - 1
    const time = times[index]
    const value = values[index]
    if (time === undefined || value === undefined || time <= moment - lookBackMs) return []
    const isGone = endedAtMs !== undefined && endedAtMs >= time && endedAtMs <= moment
    return isGone ? [] : [{ labels, value }]
  })
}

/** The samples in each matching series that are later than the window's start, up to its end. */
function windows({ selector, rangeMs }: Range, store: SeriesStore, timeMs: number): readonly Samples[] {
  const endMs = timeMs - selector.offsetMs
  return matching(selector, store).flatMap((series) => {
    const from = firstAfter(series.times, endMs - rangeMs)
    const to = firstAfter(series.times, endMs)
    return from === to
      ? []
      : [{ ...series, times: series.times.slice(from, to), values: series.values.slice(from, to) }]
  })
}

function call({ name, parameters }: Call, store: SeriesStore, timeMs: number): Value {
  if (name === 'time') return { kind: 'scalar', value: timeMs / 1000 }
  const [first, second] = parameters
  if (first === undefined) throw new PromqlError('execution', `"${name}" needs a parameter`)
  if (first.kind === 'range') return { kind: 'vector', elements: overRange(name, first, store, timeMs) }
  const value = evaluatePromql(first, store, timeMs)
  const other = second === undefined ? undefined : evaluatePromql(second, store, timeMs)
  switch (name) {
    case 'vector':
      return { kind: 'vector', elements: [{ labels: {}, value: scalarOf(value) }] }
    case 'scalar': {
      const [only, ...others] = vectorOf(value)
      return { kind: 'scalar', value: only === undefined || others.length > 0 ? Number.NaN : only.value }
    }
    case 'histogram_quantile':
      return { kind: 'vector', elements: quantiles(scalarOf(value), vectorOf(other)) }
    case 'clamp_min':
      return mapped(value, (each) => Math.max(each, scalarOf(other)))
    case 'clamp_max':
      return mapped(value, (each) => Math.min(each, scalarOf(other)))
    case 'abs':
      return mapped(value, Math.abs)
    case 'ceil':
      return mapped(value, Math.ceil)
    default:
      return mapped(value, Math.floor)
  }
}

function overRange(name: string, range: Range, store: SeriesStore, timeMs: number): readonly Element[] {
  const endMs = timeMs - range.selector.offsetMs
  return windows(range, store, timeMs).flatMap(({ labels, times, values }) => {
    const value = overWindow(name, { startMs: endMs - range.rangeMs, endMs, times, values })
    return value === undefined ? [] : [{ labels: name === 'last_over_time' ? labels : withoutName(labels), value }]
  })
}

function quantiles(q: number, vector: readonly Element[]): readonly Element[] {
  const groups = new Map<string, { readonly labels: Labels; readonly buckets: Bucket[] }>()
  for (const { labels, value } of vector) {
    const { le, ...others } = withoutName(labels)
    const bound = le === '+Inf' ? Infinity : Number(le ?? Number.NaN)
    if (Number.isNaN(bound)) continue
    const key = labelKey(others)
    const group = groups.get(key) ?? { labels: others, buckets: [] }
    group.buckets.push({ le: bound, count: value })
    groups.set(key, group)
  }
  return [...groups.values()].map(({ labels, buckets }) => ({ labels, value: bucketQuantile(q, buckets) }))
}

function binary({ operator, bool, matching: how }: Binary, left: Value, right: Value): Value {
  if (left.kind === 'scalar' && right.kind === 'scalar') {
    return { kind: 'scalar', value: calculate(operator, left.value, right.value) }
  }
  if (left.kind === 'scalar') {
    return { kind: 'vector', elements: withScalar(operator, vectorOf(right), left.value, 'left', bool) }
  }
  if (right.kind === 'scalar') {
    return { kind: 'vector', elements: withScalar(operator, vectorOf(left), right.value, 'right', bool) }
  }
  const elements = isSetOperator(operator)
    ? setOperation(operator, vectorOf(left), vectorOf(right), how)
    : betweenVectors(operator, vectorOf(left), vectorOf(right), bool, how)
  return { kind: 'vector', elements }
}

function negated(value: Value): Value {
  return value.kind === 'scalar' ? { kind: 'scalar', value: -value.value } : mapped(value, (each) => -each)
}

function mapped(value: Value, change: (value: number) => number): Value {
  const elements = vectorOf(value).map((each) => ({ labels: withoutName(each.labels), value: change(each.value) }))
  return { kind: 'vector', elements }
}

/** The types were checked when the query was read, so anything else is a fault of ours. */
function vectorOf(value: Value | undefined): readonly Element[] {
  if (value?.kind === 'vector') return value.elements
  throw new PromqlError('execution', 'expected an instant vector')
}

function scalarOf(value: Value | undefined): number {
  if (value?.kind === 'scalar') return value.value
  throw new PromqlError('execution', 'expected a scalar')
}
