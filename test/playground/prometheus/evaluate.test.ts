import { describe, expect, it } from 'vitest'
import { SeriesStore } from '../../../src/playground/prometheus/series-store.ts'
import { ask, storeOf } from './support.ts'

/** 0, 10, 20, … one sample a second: 10 a second. */
const counter = (name: string, perStep: number, labels = {}, count = 61) => ({
  labels: { __name__: name, ...labels },
  values: Array.from({ length: count }, (_, index) => index * perStep),
})

describe('playground/prometheus rate', () => {
  it('is the growth per second when samples fill the window', () => {
    const store = storeOf([counter('x', 10)])

    // 59 seconds lie between the first and last of the 60 samples in ]0 s, 60 s]; the gap of 1 s at the start is
    // within 1.1 distances of a sample, so the growth of 590 is extended to 600, over 60 s.
    expect(ask(store, 'rate(x[1m])', 60_000)).toEqual({ '': 10 })
    expect(ask(store, 'increase(x[1m])', 60_000)).toEqual({ '': 600 })
  })

  it('answers from two samples on, and does not extend to before the counter was zero', () => {
    const store = storeOf([counter('x', 10, {}, 2)])

    // Samples 0 and 10 a second apart, the first at zero: nothing before it, and nothing after the end at 1 s.
    expect(ask(store, 'increase(x[1m])', 1000)).toEqual({ '': 10 })
    expect(ask(store, 'rate(x[1m])', 500)).toEqual({})
  })

  it('extends by half a distance where the next sample is far', () => {
    const store = storeOf([{ labels: { __name__: 'x' }, values: [1000, 1010, 1020] }])

    // ]−29 s, 31 s]: growth 20 in 2 s; half a second on each side makes 3 s, so 30.
    expect(ask(store, 'increase(x[1m])', 31_000)).toEqual({ '': 30 })
  })

  it('counts what a reset lost', () => {
    const store = storeOf([{ labels: { __name__: 'x' }, values: [100, 110, 5, 15] }])

    // ]0.5 s, 3.5 s] holds 110, 5 and 15: 5 from zero and 10 more in 2 s; half a second on each side makes 22.5 in 3 s.
    expect(ask(store, 'increase(x[3s])', 3500)).toEqual({ '': 22.5 })
    expect(ask(store, 'irate(x[1m])', 3000)).toEqual({ '': 10 })
  })

  it('leaves out the sample at the very start of the window, and looks back with offset', () => {
    const store = storeOf([counter('x', 10)])

    expect(ask(store, 'count_over_time(x[10s])', 60_000)).toEqual({ '': 10 })
    expect(ask(store, 'max_over_time(x[10s] offset 30s)', 60_000)).toEqual({ '': 300 })
  })
})

describe('playground/prometheus selectors', () => {
  const store = storeOf([
    counter('up', 0, { pod: 'podinfo-7d9f-abcde', code: '200' }),
    counter('up', 1, { pod: 'podinfo-primary-7d9f-abcde', code: '500' }),
  ])

  it('anchors patterns at both ends', () => {
    expect(ask(store, 'count(up{pod=~"podinfo"})', 1000)).toEqual({})
    expect(ask(store, 'count(up{pod=~"podinfo-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)"})', 1000)).toEqual({ '': 1 })
    expect(ask(store, 'count(up{code!~"5.*"})', 1000)).toEqual({ '': 1 })
    expect(ask(store, 'count(up{code!="404"})', 1000)).toEqual({ '': 2 })
    expect(ask(store, 'count(up{missing=""})', 1000)).toEqual({ '': 2 })
    expect(ask(store, String.raw`count(up{pod=~"podinfo-7d9f\\-abcde"})`, 1000)).toEqual({ '': 1 })
  })

  it('takes the newest sample of the last five minutes', () => {
    expect(ask(store, 'up{code="500"}', 60_000 + 299_999)).toMatchObject({
      '__name__=up,pod=podinfo-primary-7d9f-abcde,code=500': 60,
    })
    expect(ask(store, 'up{code="500"}', 60_000 + 300_000)).toEqual({})
  })

  it('leaves a series out once its source no longer shows it', () => {
    const gone = new SeriesStore(3_600_000)
    const writer = gone.writer({ __name__: 'up' })
    writer.append(0, 1)
    writer.end(1000)

    expect(ask(gone, 'up', 999)).toEqual({ '__name__=up': 1 })
    expect(ask(gone, 'up', 1000)).toEqual({})
    writer.append(2000, 1)
    expect(ask(gone, 'up', 2000)).toEqual({ '__name__=up': 1 })
  })

  it('forgets what is older than the retention', () => {
    const short = new SeriesStore(10_000)
    const writer = short.writer({ __name__: 'x' })
    for (let second = 0; second < 5000; second++) writer.append(second * 1000, second)

    expect(short.select('x')[0]!.times.length).toBeLessThan(600)
    short.sweep(6_000_000)
    expect(short.select('x')).toEqual([])
  })
})

describe('playground/prometheus operators', () => {
  const store = storeOf([
    counter('good', 9, { pod: 'a' }),
    counter('good', 5, { pod: 'b' }),
    counter('all', 10, { pod: 'a' }),
    counter('all', 10, { pod: 'b' }),
  ])

  it('pairs vectors by all their labels, and scalars with each element', () => {
    expect(ask(store, 'good / all * 100', 10_000)).toEqual({ 'pod=a': 90, 'pod=b': 50 })
    expect(ask(store, 'sum(good) / sum(all)', 10_000)).toEqual({ '': 0.7 })
    expect(ask(store, '2 ^ 3 ^ 0 - -1 % 2', 0)).toBe(3)
    expect(ask(store, '(1 + 2) * 3', 0)).toBe(9)
    expect(ask(store, '-sum(all)', 10_000)).toEqual({ '': -200 })
  })

  it('filters by comparison, or gives 0 and 1 with bool', () => {
    expect(ask(store, 'good > 60', 10_000)).toEqual({ '__name__=good,pod=a': 90 })
    expect(ask(store, 'good > bool 60', 10_000)).toEqual({ 'pod=a': 1, 'pod=b': 0 })
    expect(ask(store, '1 > bool 2', 0)).toBe(0)
  })

  it('joins sets with and, or, unless', () => {
    expect(ask(store, 'sum(nothing) or vector(0)', 10_000)).toEqual({ '': 0 })
    expect(ask(store, 'sum(good) or vector(0)', 10_000)).toEqual({ '': 140 })
    expect(ask(store, 'all unless on(pod) good{pod="a"}', 10_000)).toEqual({ '__name__=all,pod=b': 100 })
    expect(ask(store, 'all and on(pod) good{pod="a"}', 10_000)).toEqual({ '__name__=all,pod=a': 100 })
  })

  it('groups by labels or without them', () => {
    expect(ask(store, 'sum by (pod) (all)', 10_000)).toEqual({ 'pod=a': 100, 'pod=b': 100 })
    expect(ask(store, 'avg without (pod) (good)', 10_000)).toEqual({ '': 70 })
    expect(ask(store, 'max(good) - min(good)', 10_000)).toEqual({ '': 40 })
    expect(ask(store, 'clamp_max(sum(good), 7)', 10_000)).toEqual({ '': 7 })
    expect(ask(store, 'scalar(sum(good)) + 1', 10_000)).toBe(141)
  })

  it('divides nothing by nothing to NaN, and finds nothing in nothing', () => {
    const idle = storeOf([counter('all', 0)])

    expect(ask(idle, 'sum(rate(all[1m])) / sum(rate(all[1m]))', 30_000)).toEqual({ '': Number.NaN })
    expect(ask(idle, 'sum(rate(nothing[1m]))', 30_000)).toEqual({})
  })
})

describe('playground/prometheus histogram_quantile', () => {
  const buckets = (counts: Record<string, number>) =>
    storeOf(
      Object.entries(counts).map(([le, value]) => ({ labels: { __name__: 'b', le, code: '200' }, values: [value] })),
    )

  it('interpolates inside the bucket', () => {
    const store = buckets({ '100': 50, '200': 90, '+Inf': 100 })

    expect(ask(store, 'histogram_quantile(0.5, b)', 0)).toEqual({ 'code=200': 100 })
    expect(ask(store, 'histogram_quantile(0.7, b)', 0)).toEqual({ 'code=200': 150 })
    expect(ask(store, 'histogram_quantile(0.25, sum(b) by (le))', 0)).toEqual({ '': 50 })
  })

  it('gives the highest bound for what lies above it, and NaN for no observations or no +Inf', () => {
    expect(ask(buckets({ '100': 1, '+Inf': 100 }), 'histogram_quantile(0.99, b)', 0)).toEqual({ 'code=200': 100 })
    expect(ask(buckets({ '100': 0, '+Inf': 0 }), 'histogram_quantile(0.99, b)', 0)).toEqual({ 'code=200': Number.NaN })
    expect(ask(buckets({ '100': 1, '200': 2 }), 'histogram_quantile(0.99, b)', 0)).toEqual({ 'code=200': Number.NaN })
  })
})

describe('playground/prometheus refusals', () => {
  it.each([
    ['', '1:1: parse error: no expression found in input'],
    ['sum(', 'parse error: unexpected end of input'],
    ['sum(x))', '1:7: parse error: unexpected ")"'],
    ['rate(x)', '1:1: parse error: expected type range vector in call to function "rate", got instant vector'],
    ['sum(x[1m])', 'expected type instant vector in aggregation expression, got range vector'],
    ['1 > 2', 'comparisons between scalars must use BOOL modifier'],
    ['x and 1', 'set operator "and" not allowed in binary scalar expression'],
    ['x{a=~"("}', 'error parsing regexp'],
    ['{a=""}', 'vector selector must contain at least one non-empty matcher'],
    ['topk(3, x)', 'the aggregation "topk" not supported'],
    ['predict_linear(x[1m], 3)', 'the function "predict_linear" is not supported'],
    ['x[5m:1m]', 'subqueries not supported'],
    ['a * on(b) group_left c', 'group_left and group_right not supported'],
    ['x\n  {a="b"', '2:'],
  ])('answers %j as Prometheus answers bad data', (query, message) => {
    expect(ask(storeOf([]), query, 0)).toMatch(/^400 bad_data: invalid parameter "query": \d+:\d+: parse error: /)
    expect(ask(storeOf([]), query, 0)).toContain(message)
  })

  it('refuses to pair many with many', () => {
    const store = storeOf([counter('a', 1, { x: '1' }), counter('a', 1, { x: '2' }), counter('b', 1)])

    expect(ask(store, 'b / ignoring(x) a', 1000)).toMatch(/^422 execution: found duplicate series/)
    expect(ask(store, 'a / ignoring(x) b', 1000)).toMatch(/^422 execution: multiple matches/)
  })
})
