import { SeriesStore } from '../../src/playground/prometheus/series-store.ts'
import { observeBy, seriesText, valueText, type ExporterLabels } from '../support/exporter.ts'
import type { Sink } from './data-planes.ts'

export interface SteadyTraffic extends Sink {
  /** The samples in OpenMetrics text, for a real Prometheus. */
  openMetrics(): string
  /** The samples as promtool's unit tests of queries take them: one value for each step. */
  series(): readonly { readonly name: string; readonly labels: ExporterLabels; readonly values: readonly number[] }[]
  /** The same samples for the playground's Prometheus. */
  store(): SeriesStore
}

/** Counters that grow all the time by what was added, which is an amount for each second, with a sample every `stepMs`. */
export function steadyTraffic(fromMs: number, toMs: number, stepMs: number): SteadyTraffic {
  const counters = new Map<string, { readonly name: string; readonly labels: ExporterLabels; perSecond: number }>()
  const times = Array.from({ length: Math.floor((toMs - fromMs) / stepMs) + 1 }, (_, index) => fromMs + index * stepMs)
  const valueAt = (perSecond: number, timeMs: number): number => (perSecond * (timeMs - fromMs)) / 1000
  const add: Sink['add'] = (name, labels, amount) => {
    const key = seriesText(name, labels)
    const counter = counters.get(key) ?? { name, labels, perSecond: 0 }
    counter.perSecond += amount
    counters.set(key, counter)
  }
  return {
    add,
    observe: observeBy(add),
    openMetrics: () => {
      const lines = [...counters].flatMap(([key, { perSecond }]) =>
        times.map((timeMs) => `${key} ${valueText(valueAt(perSecond, timeMs))} ${timeMs / 1000}`),
      )
      return `${lines.join('\n')}\n# EOF\n`
    },
    series: () =>
      [...counters.values()].map(({ name, labels, perSecond }) => ({
        name,
        labels,
        values: times.map((timeMs) => valueAt(perSecond, timeMs)),
      })),
    store: () => {
      const store = new SeriesStore(toMs - fromMs + 1)
      for (const { name, labels, perSecond } of counters.values()) {
        const writer = store.writer({ __name__: name, ...labels })
        for (const timeMs of times) writer.append(timeMs, valueAt(perSecond, timeMs))
      }
      return store
    },
  }
}
