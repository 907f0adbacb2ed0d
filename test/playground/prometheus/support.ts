import { stringAt } from '../../../src/lib/json.ts'
import { createPlaygroundPrometheus, type QueryResult } from '../../../src/playground/prometheus/prometheus.ts'
import { SeriesStore, type Labels } from '../../../src/playground/prometheus/series-store.ts'

/** Values of one series, a step apart; undefined where there is no sample. */
export interface SteppedSeries {
  readonly labels: Labels
  readonly values: readonly (number | undefined)[]
}

/** A store with the given series: samples every `stepMs` from the moment 0, in the order of the values. */
export function storeOf(series: readonly SteppedSeries[], stepMs = 1000): SeriesStore {
  const store = new SeriesStore(3_600_000)
  for (const { labels, values } of series) {
    const writer = store.writer(labels)
    values.forEach((value, index) => {
      if (value !== undefined) writer.append(index * stepMs, value)
    })
  }
  return store
}

/** The values of an instant vector or scalar by their labels, or the error. */
export function ask(store: SeriesStore, promql: string, timeMs: number): unknown {
  return shown(createPlaygroundPrometheus(store).query(promql, timeMs))
}

function shown({ status, body }: QueryResult): unknown {
  if (status !== 200) return `${status} ${stringAt(body, 'errorType')}: ${stringAt(body, 'error')}`
  const data = body['data'] as { resultType: string; result: unknown }
  if (data.resultType === 'scalar') return Number((data.result as [number, string])[1])
  const elements = data.result as { metric: Labels; value: [number, string] }[]
  return Object.fromEntries(
    elements.map(({ metric, value }) => [
      Object.entries(metric)
        .map(([name, text]) => `${name}=${text}`)
        .join(','),
      Number(value[1].replace('Inf', 'Infinity')),
    ]),
  )
}
