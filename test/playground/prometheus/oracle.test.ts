import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import type { Labels } from '../../../src/playground/prometheus/series-store.ts'
import { ask, storeOf } from './support.ts'

const reason = hasPromtool() ? undefined : 'no "promtool", which comes with Prometheus, on the PATH'
if (reason !== undefined) console.warn(`skipped, comparison with the real Prometheus: ${reason}`)

function hasPromtool(): boolean {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

interface Series {
  readonly labels: Labels
  readonly values: readonly number[]
}

/** What the real Prometheus gives: an expectation that cannot hold makes promtool print what it got. */
function real(series: readonly Series[], promql: string, timeMs: number): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'serin-promql-'))
  try {
    const file = join(folder, 'test.yaml')
    const inputs = series.map(({ labels: { __name__: name, ...others }, values }) => ({
      series: `${name}{${Object.entries(others)
        .map(([label, text]) => `${label}=${JSON.stringify(text)}`)
        .join(',')}}`,
      values: values.join(' '),
    }))
    const wrong = [{ labels: 'impossible', value: 123_456.789 }]
    const expectation = { expr: promql, eval_time: `${timeMs}ms`, exp_samples: wrong }
    const test = { interval: '1s', input_series: inputs, promql_expr_test: [expectation] }
    writeFileSync(file, stringify({ evaluation_interval: '1s', tests: [test] }))
    const { stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' })
    return parsed(`${stdout}${stderr}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function parsed(output: string): unknown {
  const got = /got:\s*(.*?)\s*$/m.exec(output)?.[1]
  if (got === undefined) throw new Error(output)
  const samples = [...got.matchAll(/([a-zA-Z_:]*\{[^}]*\}) (\S+?)(?:,|$)/g)]
  return Object.fromEntries(
    samples.map(([, labels, value]) => [plain(labels ?? ''), Number(value?.replace('Inf', 'Infinity'))]),
  )
}

/** `name{a="b"}` as the other side shows it. */
function plain(labels: string): string {
  const name = /^[^{]+/.exec(labels)?.[0]
  const others = [...labels.matchAll(/([a-zA-Z_]\w*)="([^"]*)"/g)].map(([, label, value]) => `${label}=${value}`)
  return [...(name === undefined ? [] : [`__name__=${name}`]), ...others].join(',')
}

/** Irregular on purpose: growth that changes, a reset, a late start. */
const series: readonly Series[] = [
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

describe.skipIf(reason !== undefined)('playground/prometheus and the real one', () => {
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
    const ours = ask(storeOf(series), promql, timeMs) as Record<string, number>
    const theirs = real(series, promql, timeMs) as Record<string, number>

    expect(Object.keys(sorted(ours))).toEqual(Object.keys(sorted(theirs)))
    for (const [labels, value] of Object.entries(sorted(ours))) {
      expect(value, labels).toBeCloseTo(sorted(theirs)[labels] ?? Number.NaN, 9)
    }
  })
})

/** The labels of each element in one order. */
function sorted(values: Record<string, number>): Record<string, number> {
  const entries = Object.entries(values).map(
    ([labels, value]) => [labels.split(',').toSorted().join(','), value] as const,
  )
  return Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}
