import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The labels of a series, without its name. */
export type ExporterLabels = Readonly<Record<string, string>>

/** What a Prometheus scrapes; the test says what it shows. */
export interface Exporter {
  /** `http://127.0.0.1:<port>`; the series are at `/metrics`. */
  readonly url: string
  readonly port: number
  /** How often it was scraped. */
  readonly scrapes: () => number
  /** Shows this value from now on. */
  set(name: string, labels: ExporterLabels, value: number): void
  /** Adds to a counter, which begins at 0. */
  add(name: string, labels: ExporterLabels, amount: number): void
  /** Counts observations into `<name>_bucket`, `<name>_sum` and `<name>_count`; `bounds` without `+Inf`, rising. */
  observe(name: string, labels: ExporterLabels, value: number, bounds: readonly number[], times?: number): void
  /** No longer shows the series. */
  remove(name: string, labels: ExporterLabels): void
  /** The exposition text, as it is served. */
  text(): string
  close(): Promise<void>
}

/** Serves series in Prometheus' text format on a free port of 127.0.0.1. */
export async function startExporter(): Promise<Exporter> {
  const series = new Map<string, { readonly name: string; readonly labels: ExporterLabels; value: number }>()
  let scrapes = 0
  const at = (name: string, labels: ExporterLabels) => {
    const key = seriesText(name, labels)
    const known = series.get(key) ?? { name, labels, value: 0 }
    series.set(key, known)
    return known
  }
  const text = (): string => [...series].map(([key, { value }]) => `${key} ${valueText(value)}\n`).join('')
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') return response.writeHead(404).end()
    scrapes++
    return response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const add: Exporter['add'] = (name, labels, amount) => {
    at(name, labels).value += amount
  }
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    scrapes: () => scrapes,
    set: (name, labels, value) => {
      at(name, labels).value = value
    },
    add,
    observe: observeBy(add),
    remove: (name, labels) => {
      series.delete(seriesText(name, labels))
    },
    text,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** `observe` of whatever has `add`. */
export function observeBy(add: Exporter['add']): Exporter['observe'] {
  return (name, labels, value, bounds, times = 1) => {
    for (const bound of [...bounds, Infinity]) {
      add(`${name}_bucket`, { ...labels, le: valueText(bound) }, value <= bound ? times : 0)
    }
    add(`${name}_sum`, labels, value * times)
    add(`${name}_count`, labels, times)
  }
}

/** `name{label="value"}` with the escapes of Prometheus' text formats; the same text for the same labels. */
export function seriesText(name: string, labels: ExporterLabels): string {
  const pairs = Object.entries(labels)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([label, text]) => `${label}="${escaped(text)}"`)
  return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`
}

/** A number as Prometheus' text formats write it. */
export function valueText(value: number): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
