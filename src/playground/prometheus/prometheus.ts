import type { Json, JsonObject } from '../../lib/json.ts'
import { evaluatePromql, type Value } from './evaluate.ts'
import type { Expression } from './expression.ts'
import { parsePromql } from './parse.ts'
import { PromqlError } from './promql-error.ts'
import type { Labels, SeriesStore } from './series-store.ts'

/** An answer of the query API: HTTP status and JSON body. */
export interface QueryResult {
  readonly status: number
  readonly body: JsonObject
}

/** A Prometheus over samples in memory. */
export interface PlaygroundPrometheus {
  /** Answers an instant query at a moment in milliseconds, as `/api/v1/query` does, errors included. */
  query(promql: string, timeMs: number): QueryResult
}

/** Answers queries over a store; `beforeQuery` brings the store up to the present. */
export function createPlaygroundPrometheus(store: SeriesStore, beforeQuery?: () => void): PlaygroundPrometheus {
  const read = remembered(parsePromql)
  return {
    query: (promql, timeMs) => {
      beforeQuery?.()
      try {
        const value = evaluatePromql(read(promql), store, timeMs)
        return { status: 200, body: { status: 'success', data: dataOf(value, timeMs) } }
      } catch (error) {
        if (!(error instanceof PromqlError)) throw error
        return {
          status: error.errorType === 'bad_data' ? 400 : 422,
          body: { status: 'error', errorType: error.errorType, error: error.message },
        }
      }
    },
  }
}

const rememberedQueries = 200

/** An analysis asks the same few queries again and again; the oldest is forgotten when there are many. */
function remembered(parse: (query: string) => Expression): (query: string) => Expression {
  const known = new Map<string, Expression>()
  return (query) => {
    const expression = known.get(query) ?? parse(query)
    if (known.size >= rememberedQueries) known.delete(known.keys().next().value ?? '')
    known.set(query, expression)
    return expression
  }
}

function dataOf(value: Value, timeMs: number): JsonObject {
  const seconds = timeMs / 1000
  switch (value.kind) {
    case 'scalar':
      return { resultType: 'scalar', result: [seconds, printed(value.value)] }
    case 'string':
      return { resultType: 'string', result: [seconds, value.value] }
    case 'vector':
      return {
        resultType: 'vector',
        result: value.elements.map(({ labels, value: each }) => ({
          metric: metricOf(labels),
          value: [seconds, printed(each)],
        })),
      }
    case 'matrix':
      return {
        resultType: 'matrix',
        result: value.series.map(({ labels, times, values }) => ({
          metric: metricOf(labels),
          values: times.map((time, index): Json => [time / 1000, printed(values[index] ?? Number.NaN)]),
        })),
      }
  }
}

function metricOf(labels: Labels): JsonObject {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''))
}

/** As Go prints floats: `+Inf`, `-Inf`, `NaN`. */
function printed(value: number): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}
