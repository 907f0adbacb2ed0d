import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { evaluate } from '../../src/metrics/evaluate.ts'
import { questionOf } from './support.ts'

const successRate = questionOf({ name: 'request-success-rate', thresholdRange: { min: 99 }, interval: '1m' })
const duration = questionOf({ name: 'request-duration', thresholdRange: { max: 500 }, interval: '30s' })
const latency = questionOf({ name: 'latency', templateRef: { name: 'latency' }, thresholdRange: { max: 0.5 } })

function halt(question: typeof successRate, value: number): string | undefined {
  return evaluate(question, { kind: 'value', value }).halt
}

describe('metrics/evaluate', () => {
  it('halts with the sentences that people grep', () => {
    expect(halt(successRate, 53.4189)).toBe('Halt podinfo.test advancement success rate 53.42% < 99%')
    expect(halt(duration, 1515.9)).toBe('Halt podinfo.test advancement request duration 1.515s > 500ms')
    expect(halt(duration, 2420)).toBe('Halt podinfo.test advancement request duration 2.42s > 500ms')
    expect(halt(latency, 1.2)).toBe('Halt podinfo.test advancement latency 1.20 > 0.5')
    const band = questionOf({ name: 'request-duration', thresholdRange: { min: 10, max: 20 } })
    expect(halt(band, 9)).toBe('Halt podinfo.test advancement request duration 9ms < 10ms')
  })

  it('passes a value on its bound', () => {
    expect(evaluate(successRate, { kind: 'value', value: 99 }).verdict).toBe('passed')
    expect(evaluate(duration, { kind: 'value', value: 500.9 })).toMatchObject({ verdict: 'passed', value: 500 })
    expect(evaluate(latency, { kind: 'value', value: 0.5 }).verdict).toBe('passed')
  })

  it('keeps the evidence: value, bounds, unit and window', () => {
    expect(evaluate(duration, { kind: 'value', value: 212 })).toEqual({
      metric: 'request-duration',
      value: 212,
      unit: 'ms',
      max: 500,
      window: '30s',
      verdict: 'passed',
    })
  })

  it('shows as many decimals as the difference needs', () => {
    expect(halt(successRate, 98.9999)).toBe('Halt podinfo.test advancement success rate 98.9999% < 99%')
  })

  it('names absent evidence as such', () => {
    const none = { kind: 'no-values' } as const

    expect(evaluate(successRate, none)).toMatchObject({
      verdict: 'no-values',
      halt: 'Halt advancement no values found for istio metric request-success-rate probably podinfo.test is not receiving traffic',
    })
    expect(evaluate(latency, none).halt).toMatch(/^Halt advancement no values found for custom metric: latency: /)
    const inline = questionOf({ name: 'errors', query: 'sum(errors)', threshold: 1 })
    expect(evaluate(inline, none).halt).toBe('Halt advancement no values found for metric: errors')
    expect(evaluate(successRate, { kind: 'value', value: Number.NaN }).verdict).toBe('no-values')
  })

  it('says that a query failed', () => {
    const answer = { kind: 'error', message: 'bad_data: x' } as const

    expect(evaluate(successRate, answer)).toMatchObject({
      verdict: 'error',
      halt: 'Prometheus query failed: bad_data: x',
    })
    expect(evaluate(latency, answer).halt).toBe('Metric query failed for latency: bad_data: x')
  })

  it('reads the deprecated threshold as the least success rate, and the highest of all else', () => {
    const rate = questionOf({ name: 'istio_requests_total', threshold: 99 })
    const time = questionOf({ name: 'istio_request_duration_seconds_bucket', threshold: 500 })
    const own = questionOf({ name: 'errors', query: 'sum(errors)', threshold: 1 })

    expect(halt(rate, 98)).toBe('Halt podinfo.test advancement success rate 98.00% < 99%')
    expect(halt(rate, 100)).toBeUndefined()
    expect(halt(time, 501)).toBe('Halt podinfo.test advancement request duration 501ms > 500ms')
    expect(halt(own, 1.5)).toBe('Halt podinfo.test advancement errors 1.50 > 1')
  })

  it('prefers thresholdRange to the deprecated threshold', () => {
    const both = questionOf({ name: 'request-success-rate', threshold: 99, thresholdRange: { min: 50, max: 100 } })

    expect(evaluate(both, { kind: 'value', value: 60 }).verdict).toBe('passed')
  })

  it('fails an infinite value without writing one that JSON cannot hold', () => {
    const check = evaluate(duration, { kind: 'value', value: Infinity })

    expect(check.halt).toBe('Halt podinfo.test advancement request duration +Inf > 500ms')
    expect(check.value).toBeUndefined()
  })

  it('passes exactly the values inside the bounds', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }), (value, min) => {
        const question = questionOf({ name: 'request-success-rate', thresholdRange: { min } })
        const check = evaluate(question, { kind: 'value', value })
        expect(check.verdict === 'passed').toBe(value >= min)
        expect(check.halt === undefined).toBe(check.verdict === 'passed')
      }),
    )
  })
})
