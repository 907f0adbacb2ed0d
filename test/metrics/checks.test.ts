import { describe, expect, it } from 'vitest'
import { checksOf } from '../../src/metrics/checks.ts'
import { goDuration } from '../../src/metrics/go-duration.ts'
import { canaryWith, questionOf } from './support.ts'

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

  it('asks for what the canary names, and for its target where it names nothing', () => {
    const canary = canaryWith([{ name: 'request-duration' }, { name: 'own', query: '{{ service }} {{ ingress }}' }])
    const named = {
      ...canary,
      spec: {
        ...canary.spec,
        service: { ...canary.spec.service, name: 'web' },
        ingressRef: { kind: 'Ingress', name: 'front' },
      },
    }

    expect(checksOf(canary, 'nginx')[0]?.source).toMatchObject({
      promql: expect.stringContaining('ingress="podinfo",canary=~"test-podinfo-canary-'),
    })
    expect(checksOf(named, 'nginx')[0]?.source).toMatchObject({
      promql: expect.stringContaining('ingress="front",canary=~"test-web-canary-'),
    })
    expect(checksOf(named, 'nginx')[1]?.context).toMatchObject({ service: 'web', ingress: 'front' })
  })

  it('asks the mesh when the configured provider is Linkerd and the canary names the one that routes into it', () => {
    const [question] = checksOf(canaryWith([{ name: 'request-duration' }]), 'nginx', { configuredProvider: 'linkerd' })

    expect(question?.source).toMatchObject({ promql: expect.stringContaining('response_latency_ms_bucket') })
    expect(question?.provider).toBe('nginx')
  })

  it('asks Knative for the revision under analysis, in templates too', () => {
    const metrics = [{ name: 'request-duration' }, { name: 'own', query: '{{ route }}' }]
    const [builtin, own] = checksOf(canaryWith(metrics), 'knative', { revision: 'podinfo-00002' })

    expect(builtin?.source).toMatchObject({ promql: expect.stringContaining('"test/podinfo-00002"') })
    expect(own?.context.route).toBe('podinfo-00002')
  })

  it('does not pass a metric whose query is empty', () => {
    expect(questionOf({ name: 'errors', query: ' ' }).source).toEqual({ kind: 'none' })
  })

  it('D14: gives template metrics a window of a minute when they name none ', () => {
    const question = questionOf({ name: 'latency', templateRef: { name: 'latency' } })

    expect(question.window).toBe('1m')
    expect(question.context.interval).toBe('1m')
  })

  it('names the provider that has no built-in queries', () => {
    expect(() => questionOf({ name: 'request-duration' }, 'crossover')).toThrow(/no built-in query .* "crossover"/)
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
