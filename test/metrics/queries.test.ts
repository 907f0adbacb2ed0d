import { describe, expect, it } from 'vitest'
import { readAnswer } from '../../src/metrics/prometheus-answer.ts'
import { observedProviders } from '../../src/metrics/observers/registry.ts'
import { builtinQuery, type BuiltinMetric } from '../../src/metrics/queries.ts'
import { createPlaygroundPrometheus } from '../../src/playground/prometheus/prometheus.ts'
import { PROVIDERS } from '../../src/resources/fields.ts'
import type { MetricAnswer } from '../../src/rollout/check.ts'
import { dataPlanes, podName, type Requests, type Side, type Workload, workloadOf } from './data-planes.ts'
import { steadyTraffic } from './steady-traffic.ts'

interface Seen {
  readonly plane: string
  readonly workload: Workload
  readonly side: Side
  readonly requests: Requests
}

const good = { code: 200, ms: 80, times: 5 }
const bad = { code: 500, ms: 300, times: 5 }

/** What a query gives two minutes into this traffic. */
function answer(seen: readonly Seen[], promql: string): MetricAnswer | undefined {
  const traffic = steadyTraffic(0, 120_000, 5000)
  for (const { plane, workload, side, requests } of seen) {
    dataPlanes.find(({ name }) => name === plane)?.report(traffic, workload, side, requests)
  }
  return readAnswer(createPlaygroundPrometheus(traffic.store()).query(promql, 119_000).body, promql)
}

/** The canary of `workload` gets good requests and its primary bad ones: the success rate that the query finds. */
function successOf(plane: string, provider: string, workload: Workload): MetricAnswer | undefined {
  return answer(
    [
      { plane, workload, side: 'canary', requests: good },
      { plane, workload, side: 'primary', requests: bad },
    ],
    builtinQuery(provider, 'request-success-rate', workload, '1m'),
  )
}

const hundred = { kind: 'value', value: 100 }

describe('metrics/queries', () => {
  it('has both queries for each provider that a Canary can name, whatever its version', () => {
    const workload = workloadOf('podinfo', { revision: 'podinfo-00002' })
    for (const provider of [...PROVIDERS, 'gatewayapi:v1alpha2', 'smi:v1alpha1:istio', 'appmesh:v1beta1']) {
      for (const metric of ['request-success-rate', 'request-duration'] satisfies BuiltinMetric[]) {
        expect(builtinQuery(provider, metric, workload, '1m'), provider).toMatch(/rate\(.*\[1m\]\)/)
      }
    }
  })

  it('says which providers there are when it does not know one', () => {
    expect(() => builtinQuery('toString', 'request-duration', workloadOf('podinfo'), '1m')).toThrow(
      expect.objectContaining({
        message: 'there is no built-in query "request-duration" for the provider "toString"',
        hint: expect.stringContaining(observedProviders().join(', ')),
      }),
    )
  })

  it('only failures are 0 % and not "no values"', () => {
    for (const { name, provider } of dataPlanes) {
      const workload = workloadOf('podinfo', { revision: 'podinfo-00002' })
      const promql = builtinQuery(provider, 'request-success-rate', workload, '1m')
      const onlyFailures = { plane: name, workload, side: 'canary', requests: bad } as const

      expect(answer([onlyFailures], promql), name).toEqual({ kind: 'value', value: 0 })
    }
  })

  it('nothing divided by nothing is "no values"', () => {
    for (const { name, provider } of dataPlanes) {
      const workload = workloadOf('podinfo', { revision: 'podinfo-00002' })
      const idle = { plane: name, workload, side: 'canary', requests: { ...good, times: 0 } } as const
      for (const metric of ['request-success-rate', 'request-duration'] satisfies BuiltinMetric[]) {
        expect(answer([idle], builtinQuery(provider, metric, workload, '1m')), name).toEqual({ kind: 'no-values' })
      }
    }
  })

  it('seconds and milliseconds: the duration is in milliseconds everywhere', () => {
    for (const { name, provider, isMean } of dataPlanes) {
      const workload = workloadOf('podinfo', { revision: 'podinfo-00002' })
      const canary = { plane: name, workload, side: 'canary', requests: good } as const

      // The mean is exact; the 99th percentile lies in the bucket from 50 to 100 ms.
      expect(answer([canary], builtinQuery(provider, 'request-duration', workload, '1m')), name).toEqual({
        kind: 'value',
        value: expect.closeTo(isMean === true ? 80 : 99.5, 6),
      })
    }
  })

  it.each(['kubernetes', 'gatewayapi:v1', 'appmesh:v1beta2'])(
    "D15: a DaemonSet's check reads its canary's pods, and not its primary's, on %s",
    (provider) => {
      const plane = provider === 'appmesh:v1beta2' ? 'appmesh' : 'kubernetes'

      expect(successOf(plane, provider, workloadOf('agent', { kind: 'DaemonSet' }))).toEqual(hundred)
    },
  )

  it("pods whose long names were cut are told from their primary's", () => {
    for (const kind of ['Deployment', 'DaemonSet']) {
      for (let length = 1; length <= 54; length++) {
        const workload = workloadOf('x'.repeat(length), { kind })

        expect(successOf('kubernetes', 'kubernetes', workload), podName(workload, 'primary')).toEqual(hundred)
      }
    }
  })

  it.each([
    ['istio', 'istio'],
    ['linkerd', 'linkerd'],
    ['contour', 'contour'],
    ['traefik', 'traefik'],
    ['gatewayapi on istio', 'gatewayapi:v1'],
  ])('D16: a Service target is asked for as its own provider counts it, on %s', (plane, provider) => {
    expect(successOf(plane, provider, workloadOf('podinfo', { kind: 'Service' }))).toEqual(hundred)
  })

  it('D16: a Service target is refused where only workloads are counted', () => {
    const service = workloadOf('podinfo', { kind: 'Service' })

    expect(() => builtinQuery('kubernetes', 'request-duration', service, '1m')).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('cannot tell the requests of Service "podinfo" from others'),
        hint: expect.stringContaining('MetricTemplate'),
      }),
    )
  })

  it('a Knative target is refused while its new revision is not known', () => {
    expect(() => builtinQuery('knative', 'request-duration', workloadOf('podinfo'), '1m')).toThrow(/cannot tell/)
  })

  it('a query goes by the name of the Service where that is not the one of the target', () => {
    for (const plane of ['contour', 'gloo', 'kuma', 'nginx', 'skipper', 'traefik']) {
      const workload = workloadOf('podinfo', { service: 'web', ingress: 'front' })

      expect(successOf(plane, plane, workload), plane).toEqual(hundred)
    }
  })

  it("a pod's own requests to others do not count as requests to it", () => {
    for (const plane of ['appmesh', 'kuma']) {
      expect(successOf(plane, plane, workloadOf('podinfo')), plane).toEqual(hundred)
    }
  })

  it('two canaries behind one Ingress are told apart', () => {
    const [one, other] = ['one', 'other'].map((name) => workloadOf(name, { ingress: 'shared' }))
    if (one === undefined || other === undefined) throw new Error('two workloads')

    const promql = builtinQuery('nginx', 'request-success-rate', one, '1m')
    const seen = [
      { plane: 'nginx', workload: one, side: 'canary', requests: good },
      { plane: 'nginx', workload: other, side: 'canary', requests: bad },
    ] as const
    expect(answer(seen, promql)).toEqual(hundred)
  })

  it('a dot in a name is a dot, and a quote ends no string', () => {
    const dotted = workloadOf('pod.info')
    const lookalike = workloadOf('podxinfo')
    const seen = (['kubernetes', 'istio', 'traefik'] as const).flatMap((plane) => [
      { plane, workload: dotted, side: 'canary' as const, requests: good },
      { plane, workload: lookalike, side: 'canary' as const, requests: bad },
    ])

    for (const provider of ['kubernetes', 'istio', 'traefik']) {
      expect(answer(seen, builtinQuery(provider, 'request-success-rate', dotted, '1m')), provider).toEqual(hundred)
      const hostile = workloadOf('a"} or vector(100) #\\')
      expect(answer(seen, builtinQuery(provider, 'request-success-rate', hostile, '1m'))).toEqual({ kind: 'no-values' })
    }
  })

  it('the Gateway API takes the count of the gateway when the pods count nothing', () => {
    const workload = workloadOf('podinfo')
    const promql = builtinQuery('gatewayapi:v1', 'request-success-rate', workload, '1m')
    const idlePods = { plane: 'kubernetes', workload, side: 'canary', requests: { ...good, times: 0 } } as const
    const gateway = { plane: 'gatewayapi on istio', workload, side: 'canary', requests: bad } as const

    expect(answer([idlePods, gateway], promql)).toEqual({ kind: 'value', value: 0 })
    expect(answer([{ ...idlePods, requests: good }, gateway], promql)).toEqual(hundred)
  })

  it.each([
    ['1m', '[1m]'],
    ['90s', '[90s]'],
    ['1.5m', '[90000ms]'],
    ['30s1m', '[90000ms]'],
  ])('a window of %s is one that PromQL reads', (window, range) => {
    expect(builtinQuery('istio', 'request-success-rate', workloadOf('podinfo'), window)).toContain(range)
  })
})
