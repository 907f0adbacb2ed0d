import { z } from 'zod'
import type { MetricAnswer } from '../rollout/check.ts'

const Sample = z.tuple([z.number(), z.string()])
const Labelled = z.object({ metric: z.record(z.string(), z.string()).optional(), value: Sample.optional() })
const Data = z.discriminatedUnion('resultType', [
  z.object({ resultType: z.literal('vector'), result: z.array(Labelled) }),
  z.object({ resultType: z.literal('scalar'), result: Sample }),
  z.object({ resultType: z.literal('string'), result: z.unknown() }),
  z.object({ resultType: z.literal('matrix'), result: z.array(z.unknown()) }),
])
const Body = z.discriminatedUnion('status', [
  z.object({ status: z.literal('success'), data: Data }),
  z.object({ status: z.literal('error'), errorType: z.string(), error: z.string() }),
])

/**
 * What the body of `/api/v1/query` says. One series or a scalar is a value; none, or NaN, is `no-values`. Several series
 * are an error that names their count: which one to hold against a bound would be a guess. Errors show the query, which may come
 * from a template. Undefined when the body does not have the API's shape.
 * https://prometheus.io/docs/prometheus/latest/querying/api/
 */
export function readAnswer(body: unknown, promql: string): MetricAnswer | undefined {
  const parsed = Body.safeParse(body)
  if (!parsed.success) return undefined
  if (parsed.data.status === 'error') {
    const { errorType, error } = parsed.data
    return refused(`${printable(errorType)}: ${printable(error)}`, promql, positionIn(promql, error))
  }
  const { data } = parsed.data
  switch (data.resultType) {
    case 'scalar':
      return number(data.result[1])
    case 'vector':
      return single(data.result, promql)
    case 'matrix':
      return refused('the query gave a range of values, one value was expected (remove the last "[…]")', promql)
    case 'string':
      return refused('the query gave a string, a number was expected', promql)
  }
}

function single(series: readonly z.infer<typeof Labelled>[], promql: string): MetricAnswer {
  const [first, ...others] = series
  if (first === undefined) return { kind: 'no-values' }
  if (others.length > 0) {
    const advice = 'aggregate them, for example with sum'
    return refused(`the query gave ${series.length} series, one was expected (${advice})`, promql)
  }
  if (first.value === undefined) return refused('the query gave a histogram, a number was expected', promql)
  return number(first.value[1])
}

/** An event holds 1024 characters, and others have something to say too. */
const shownLength = 200

/** The message with the query, or with the part of a long one that is around `position`. */
function refused(message: string, promql: string, position = 0): MetricAnswer {
  const start = Math.max(0, Math.min(position - shownLength / 2, promql.length - shownLength))
  const part = printable(promql.slice(start, start + shownLength))
  const end = start + shownLength < promql.length ? '…' : ''
  return { kind: 'error', message: `${message}; the query: ${start > 0 ? '…' : ''}${part}${end}` }
}

/** The offset of the first `line:column` of a parse error, which count from 1; undefined when the text names none. */
function positionIn(promql: string, error: string): number | undefined {
  const [, line, column] = /\b([0-9]+):([0-9]+): parse error/.exec(error) ?? []
  if (line === undefined || column === undefined) return undefined
  const before = promql.split('\n').slice(0, Number(line) - 1)
  return before.reduce((sum, each) => sum + each.length + 1, 0) + Number(column) - 1
}

function number(text: string): MetricAnswer {
  if (text === 'NaN') return { kind: 'no-values' }
  const value = text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text === '' ? Number.NaN : text)
  return Number.isNaN(value)
    ? { kind: 'error', message: `the server sent the value "${printable(text)}", a number was expected` }
    : { kind: 'value', value }
}

/** A server's text is untrusted: one line, no control characters, not too long. */
export function printable(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim()
  return line.length > 300 ? `${line.slice(0, 300)}…` : line
}
