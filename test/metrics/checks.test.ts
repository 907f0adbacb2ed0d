import { describe, expect, it } from 'vitest'
import { checksOf } from '../../src/metrics/checks.ts'
import { goDuration } from '../../src/metrics/go-duration.ts'
import { canaryWith, questionOf } from './support.ts'

/** The pod-name pattern of a query, as Prometheus reads it: anchored. */
function podPattern(target: { kind: string; name: string }): RegExp {
  const [question] = checksOf(canaryWith([{ name: 'request-success-rate' }], target), 'kubernetes')
  const source = question?.source.kind === 'builtin' ? question.source.promql : ''
  const quoted = /kubernetes_pod_name=~("(?:[^"\\]|\\.)*")/.exec(source)?.[1] ?? '""'
  return new RegExp(`^(?:${JSON.parse(quoted) as string})$`)
}

describe('metrics/checks', () => {
  it('asks built-in checks and inline queries as listed, then the templates', () => {
    const questions = checksOf(
      canaryWith([
        { name: 'latency', templateRef: { name: 'latency', namespace: 'istio-system' } },
        { name: 'request-success-rate', thresholdRange: { min: 99 }, query: 'x', templateRef: { name: 'own' } },
        { name: 'errors', query: 'sum(errors)' },
        { name: 'request-duration' },
        { name: 'unclear' },
      ]),
      'istio',
    )

    expect(questions.map(({ metric, source }) => `${metric} ${source.kind}`)).toEqual([
      'request-success-rate builtin',
      'request-success-rate inline',
      'errors inline',
      'request-duration builtin',
      'unclear none',
      'latency template',
      'request-success-rate template',
    ])
    expect(questions.at(-2)?.source).toMatchObject({ namespace: 'istio-system' })
    expect(questions.at(-1)?.source).toMatchObject({ namespace: 'test' })
  })

  it('asks nothing when no metrics are named', () => {
    expect(checksOf(canaryWith([]), 'istio')).toEqual([])
  })

  it('asks Istio for the destination workload', () => {
    expect(questionOf({ name: 'request-success-rate', interval: '30s' }).source).toEqual({
      kind: 'builtin',
      promql:
        '(sum(rate(istio_requests_total{reporter="destination",destination_workload_namespace="test",destination_workload="podinfo",response_code!~"5.*"}[30s])) or vector(0)) / sum(rate(istio_requests_total{reporter="destination",destination_workload_namespace="test",destination_workload="podinfo"}[30s])) * 100',
    })
    expect(questionOf({ name: 'request-duration' }).source).toEqual({
      kind: 'builtin',
      promql:
        'histogram_quantile(0.99, sum(rate(istio_request_duration_milliseconds_bucket{reporter="destination",destination_workload_namespace="test",destination_workload="podinfo"}[1m])) by (le))',
    })
  })

  it('asks for milliseconds where the pods count seconds', () => {
    const { source } = questionOf({ name: 'request-duration' }, 'gatewayapi:v1')

    expect(source).toMatchObject({ promql: expect.stringMatching(/http_request_duration_seconds_bucket.* \* 1000$/) })
  })

  it('counts the pods of a canary Deployment and never those of its primary', () => {
    const pattern = podPattern({ kind: 'Deployment', name: 'pod.info' })

    expect(pattern.test('pod.info-7d9f8b6c5-abcde')).toBe(true)
    expect(pattern.test('pod.info-primary-7d9f8b6c5-abcde')).toBe(false)
    expect(pattern.test('podxinfo-7d9f8b6c5-abcde')).toBe(false)
  })

  it('counts the pods of a canary DaemonSet and never those of its primary (D15)', () => {
    const pattern = podPattern({ kind: 'DaemonSet', name: 'agent' })

    expect(pattern.test('agent-abcde')).toBe(true)
    expect(pattern.test('agent-primary-abcde')).toBe(false)
  })

  it('gives template metrics a window of a minute when they name none (D14)', () => {
    const question = questionOf({ name: 'latency', templateRef: { name: 'latency' } })

    expect(question.window).toBe('1m')
    expect(question.context.interval).toBe('1m')
  })

  it('names the provider that has no built-in queries', () => {
    expect(() => questionOf({ name: 'request-duration' }, 'traefik')).toThrow(/no built-in query .* "traefik"/)
  })

  it('prints durations as Go does', () => {
    expect([0, 0.5, 500, 1515, 2420, 60_000, 62_500, 3_600_000].map(goDuration)).toEqual([
      '0s',
      '500µs',
      '500ms',
      '1.515s',
      '2.42s',
      '1m0s',
      '1m2.5s',
      '1h0m0s',
    ])
  })
})
