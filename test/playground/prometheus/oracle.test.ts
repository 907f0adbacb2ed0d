import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import type { Labels } from '../../../src/playground/prometheus/series-store.ts'
import { builtinQuery } from '../../../src/metrics/queries.ts'
import { dataPlanes, workloadOf, type DataPlane, type Sink, type Workload } from '../../metrics/data-planes.ts'
import { observeBy, seriesText } from '../../support/exporter.ts'
import { needs } from '../../support/needs.ts'
import { ask, storeOf, type SteppedSeries } from './support.ts'

const isThere = needs('promtool', 'prometheus') !== undefined
const stepMs = 1000

/** What the real Prometheus gives: an expectation that cannot hold makes promtool print what it got. */
function real(series: readonly SteppedSeries[], queries: readonly string[], timeMs: number): readonly Values[] {
  const folder = mkdtempSync(join(tmpdir(), 'serin-promql-'))
  try {
    const file = join(folder, 'test.yaml')
    const inputs = series.map(({ labels: { __name__: name, ...others }, values }) => ({
      series: `${name}{${Object.entries(others)
        .map(([label, text]) => `${label}=${JSON.stringify(text)}`)
        .join(',')}}`,
      values: values.map((value) => value ?? '_').join(' '),
    }))
    const wrong = [{ labels: 'impossible', value: 123_456.789 }]
    const expectations = queries.map((expr) => ({ expr, eval_time: `${timeMs}ms`, exp_samples: wrong }))
    const interval = `${stepMs}ms`
    const test = { interval, input_series: inputs, promql_expr_test: expectations }
    writeFileSync(file, stringify({ evaluation_interval: interval, tests: [test] }))
    const { stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' })
    return parsed(`${stdout}${stderr}`, queries.length)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

type Values = Readonly<Record<string, number>>

function parsed(output: string, count: number): readonly Values[] {
  const got = [...output.matchAll(/got:\s*(.*?)\s*$/gm)].map(([, text]) => text ?? '')
  if (got.length !== count) throw new Error(output)
  return got.map((text) => {
    const samples = [...text.matchAll(/([a-zA-Z_:]*\{[^}]*\}) (\S+?)(?:,|$)/g)]
    return Object.fromEntries(
      samples.map(([, labels, value]) => [plain(labels ?? ''), Number(value?.replace('Inf', 'Infinity'))]),
    )
  })
}

/** `name{a="b"}` as the other side shows it. */
function plain(labels: string): string {
  const name = /^[^{]+/.exec(labels)?.[0]
  const others = [...labels.matchAll(/([a-zA-Z_]\w*)="([^"]*)"/g)].map(([, label, value]) => `${label}=${value}`)
  return [...(name === undefined ? [] : [`__name__=${name}`]), ...others].join(',')
}

/** Irregular on purpose: growth that changes, a reset, a late start. */
const series: readonly SteppedSeries[] = [
  ...['a', 'b'].map((pod, index) => ({
    labels: { __name__: 'requests', code: '200', pod },
    values: Array.from({ length: 90 }, (_, second) => Math.round(second * (7 + index) + 3 * Math.sin(second))),
  })),
  {
    labels: { __name__: 'requests', code: '500', pod: 'b' },
    values: Array.from({ length: 90 }, (_, second) => (second % 40) * 2),
  },
  ...['0.1', '0.25', '0.5', '+Inf'].map((le, index) => ({
    labels: { __name__: 'duration_bucket', le },
    values: Array.from({ length: 90 }, (_, second) => second * (index * 4 + 3)),
  })),
  { labels: { __name__: 'late' }, values: [5, 9, 14] },
]

describe.skipIf(!isThere)('playground/prometheus and the real one', () => {
  it.each([
    // Half a second after a sample: versions 2 and 3 differ in whether a sample at the very start of a window counts.
    ['sum(rate(requests[1m]))', 80_500],
    ['rate(requests[30s])', 45_500],
    ['increase(requests{code="500"}[1m])', 70_500],
    ['increase(late[1m])', 2500],
    ['rate(late[1m])', 10_500],
    ['irate(requests[10s])', 60_500],
    ['histogram_quantile(0.99, sum(rate(duration_bucket[1m])) by (le)) * 1000', 80_500],
    ['histogram_quantile(0.5, sum(rate(duration_bucket[1m])) by (le))', 80_500],
    ['(sum(rate(requests{code!~"5.*"}[1m])) or vector(0)) / sum(rate(requests[1m])) * 100', 80_500],
    ['(sum(rate(requests{code="404"}[1m])) or vector(0)) / sum(rate(requests[1m])) * 100', 80_500],
    ['sum by (pod) (rate(requests[20s])) / ignoring(code) sum by (pod) (rate(requests[1m]))', 80_500],
    ['avg without (pod) (requests) > 100', 60_500],
    ['requests > bool 300', 60_500],
    ['requests == on(pod, code) requests', 60_500],
    ['max_over_time(requests[10s] offset 20s)', 60_500],
    ['-requests{pod="a"} % 7', 60_500],
    ['requests{pod=~"[bc]"} unless on(code) requests{pod="a"}', 60_500],
    ['nothing', 60_500],
    ['clamp_max(sum(requests), 3) ^ 2 - 1', 60_500],
  ])('agree on %s', (promql, timeMs) => {
    agree(series, [promql], timeMs)
  })

  it('agree on every built-in query', () => {
    const workload = workloadOf('podinfo', { revision: 'podinfo-00002' })
    for (const plane of dataPlanes) {
      const queries = [plane.provider, ...(plane.provider.startsWith('gatewayapi') ? [] : ['gatewayapi:v1'])].flatMap(
        (provider) => [
          builtinQuery(provider, 'request-success-rate', workload, '20s'),
          builtinQuery(provider, 'request-duration', workload, '20s'),
        ],
      )
      const [success, duration] = agree(irregular(plane, workload), queries, 38_500)

      expect(success?.[''], plane.name).toSatisfy((value: number) => value > 80 && value < 100)
      expect(duration?.[''], plane.name).toBeGreaterThan(20)
    }
  })
})

/** Asks both and compares them; the real one's answers. */
function agree(seen: readonly SteppedSeries[], queries: readonly string[], timeMs: number): readonly Values[] {
  const store = storeOf(seen, stepMs)
  const all = real(seen, queries, timeMs)
  for (const [index, promql] of queries.entries()) {
    const ours = ask(store, promql, timeMs) as Values
    const theirs = sorted(all[index] ?? {})

    expect(Object.keys(sorted(ours)), promql).toEqual(Object.keys(theirs))
    for (const [labels, value] of Object.entries(sorted(ours))) {
      expect(value, `${promql} ${labels}`).toBeCloseTo(theirs[labels] ?? Number.NaN, 9)
    }
  }
  return all
}

/** Traffic that swells and ebbs, with a proxy that starts again in the middle and failures that begin late. */
function irregular(plane: DataPlane, workload: Workload): readonly SteppedSeries[] {
  const counters = new Map<string, { labels: Labels; now: number; values: (number | undefined)[] }>()
  const add: Sink['add'] = (name, labels, amount) => {
    const key = seriesText(name, labels)
    const counter = counters.get(key) ?? { labels: { __name__: name, ...labels }, now: 0, values: [] }
    counter.now += amount
    counters.set(key, counter)
  }
  const sink = { add, observe: observeBy(add) }
  for (let step = 0; step < 40; step++) {
    if (step === 28) for (const counter of counters.values()) counter.now = 0
    for (const side of ['primary', 'canary'] as const) {
      plane.report(sink, workload, side, { code: 200, ms: 20 + 7 * (step % 11), times: 3 + (step % 5) })
      if (step > 22) plane.report(sink, workload, side, { code: 503, ms: 900, times: step % 3 })
    }
    for (const { now, values } of counters.values()) {
      while (values.length < step) values.push(undefined)
      values.push(now)
    }
  }
  return [...counters.values()]
}

/** The labels of each element in one order. */
function sorted(values: Values): Values {
  const entries = Object.entries(values).map(
    ([labels, value]) => [labels.split(',').toSorted().join(','), value] as const,
  )
  return Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}
