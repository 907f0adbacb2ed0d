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
 * are an error that names their count: which one to hold against a bound would be a guess. Undefined when the
 * body does not have the API's shape. https://prometheus.io/docs/prometheus/latest/querying/api/
 */
export function readAnswer(body: unknown): MetricAnswer | undefined {
  const parsed = Body.safeParse(body)
  if (!parsed.success) return undefined
  if (parsed.data.status === 'error') {
    return { kind: 'error', message: `${printable(parsed.data.errorType)}: ${printable(parsed.data.error)}` }
  }
  const { data } = parsed.data
  switch (data.resultType) {
    case 'scalar':
      return number(data.result[1])
    case 'vector':
      return single(data.result)
    case 'matrix':
      return {
        kind: 'error',
        message: 'the query gave a range of values, one value was expected (remove the last "[…]")',
      }
    case 'string':
      return { kind: 'error', message: 'the query gave a string, a number was expected' }
  }
}

function single(series: readonly z.infer<typeof Labelled>[]): MetricAnswer {
  const [first, ...others] = series
  if (first === undefined) return { kind: 'no-values' }
  if (others.length > 0) {
    const message = `the query gave ${series.length} series, one was expected (aggregate them, for example with sum)`
    return { kind: 'error', message }
  }
  if (first.value === undefined) return { kind: 'error', message: 'the query gave a histogram, a number was expected' }
  return number(first.value[1])
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
