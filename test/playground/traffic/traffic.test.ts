import { describe, expect, it } from 'vitest'
import { askCheck } from '../../../src/metrics/ask.ts'
import { checksOf } from '../../../src/metrics/checks.ts'
import { inProcessMetrics } from '../../../src/playground/prometheus/in-process.ts'
import { createPlaygroundPrometheus } from '../../../src/playground/prometheus/prometheus.ts'
import { behaviourOf } from '../../../src/playground/traffic/behaviour.ts'
import { seededRandom } from '../../../src/lib/seeded-random.ts'
import { binomial } from '../../../src/playground/traffic/binomial.ts'
import { Traffic, type TrafficOptions } from '../../../src/playground/traffic/traffic.ts'
import { createVirtualClock } from '../../../src/playground/virtual-clock.ts'
import type { Check } from '../../../src/rollout/check.ts'
import { trafficProvider } from '../../../src/traffic/registry.ts'
import { splitAt, type TrafficSplit } from '../../../src/traffic/split.ts'
import { Cluster, pod, podinfo, service } from './support.ts'

const start = Date.UTC(2026, 0, 1)

/** Podinfo with a primary and a canary behind the routes of a provider, and clients that call it. */
function world(provider: 'istio' | 'gatewayapi:v1' = 'istio', options: Partial<TrafficOptions> = {}) {
  const canary = podinfo(provider)
  const cluster = new Cluster()
  const clock = createVirtualClock(start)
  cluster.put(
    service('podinfo', 'podinfo-primary'),
    service('podinfo-primary', 'podinfo-primary'),
    service('podinfo-canary', 'podinfo'),
    pod('podinfo-primary', 'aaaaa', 'podinfo:6.0.0'),
    pod('podinfo-primary', 'bbbbb', 'podinfo:6.0.0'),
    pod('podinfo', 'ccccc', 'podinfo:6.0.1'),
  )
  const traffic = new Traffic({ cluster, clock, ...options })
  const prometheus = createPlaygroundPrometheus(traffic.store, () => traffic.advance())
  const sources = {
    port: inProcessMetrics(prometheus, clock),
    address: 'http://prometheus',
    template: () => Promise.resolve(undefined),
    secret: () => Promise.resolve(undefined),
  }
  return {
    cluster,
    clock,
    traffic,
    prometheus,
    route(split: TrafficSplit): void {
      cluster.put(...trafficProvider(provider).objects(canary, split))
      traffic.advance()
    },
    pass(ms: number): void {
      clock.jump(ms)
      traffic.advance()
    },
    analyse: (): Promise<readonly Check[]> => {
      const signal = new AbortController().signal
      return Promise.all(checksOf(canary, provider).map((question) => askCheck(question, sources, signal)))
    },
    totals: () => Object.fromEntries(traffic.totals().map((each) => [each.workload, [each.succeeded, each.failed]])),
  }
}

describe('playground/traffic', () => {
  it.each(['istio', 'gatewayapi:v1'] as const)('follows the weights that %s routes say, exactly', (provider) => {
    const { route, pass, totals } = world(provider)

    route(splitAt(10))
    pass(60_000)
    expect(totals()).toEqual({ 'podinfo-primary': [2700, 0], podinfo: [300, 0] })
    route(splitAt(50))
    pass(60_000)

    expect(totals()).toEqual({ 'podinfo-primary': [4200, 0], podinfo: [1800, 0] })
  })

  it('counts the same however often it is looked at', () => {
    const [often, once] = [world(), world()]
    for (const { route } of [often, once]) route(splitAt(7))

    for (let step = 0; step < 997; step++) often.pass(17)
    once.pass(997 * 17)

    expect(often.totals()).toEqual(once.totals())
  })

  it('calls a Service that has no route', () => {
    const { pass, totals } = world()

    pass(10_000)

    expect(totals()).toEqual({ 'podinfo-primary': [500, 0] })
  })

  it('fails requests when no pod is ready', () => {
    const { cluster, route, pass, totals } = world()
    cluster.put(pod('podinfo', 'ccccc', 'podinfo:6.0.1', {}, 'False'))
    route(splitAt(20))

    pass(10_000)

    expect(totals()).toEqual({ 'podinfo-primary': [400, 0], '': [0, 100] })
  })

  it('sends copies to the canary while the route mirrors, which clients do not notice', async () => {
    const { cluster, route, pass, totals, analyse } = world()
    cluster.put(pod('podinfo', 'ccccc', 'podinfo:broken'))
    route({ primary: 100, canary: 0, mirrored: true })

    pass(30_000)

    expect(totals()).toEqual({ 'podinfo-primary': [1500, 0] })
    expect((await analyse())[0]?.verdict).toBe('failed')
  })

  it('gives the same failures for the same seed', () => {
    const failures = (seed: number): unknown => {
      const { cluster, route, pass, totals } = world('istio', { seed })
      cluster.put(pod('podinfo', 'ccccc', 'podinfo:faulty'))
      route(splitAt(50))
      pass(60_000)
      return totals()
    }

    expect(failures(7)).toEqual(failures(7))
    expect(failures(7)).not.toEqual(failures(8))
  })

  it('bounds its memory, however long it runs', () => {
    const { traffic, route, pass } = world('istio', { retentionMs: 60_000 })
    route(splitAt(10))

    pass(24 * 3_600_000)
    for (let minute = 0; minute < 30; minute++) pass(60_000)

    for (const series of traffic.store.select(undefined)) expect(series.times.length).toBeLessThan(400)
  })

  it('drops the series of pods that are gone', () => {
    const { cluster, traffic, route, pass } = world('istio', { retentionMs: 60_000 })
    route(splitAt(10))
    pass(5000)
    cluster.remove('Pod', 'podinfo-7d9f8b6c5-ccccc')
    route(splitAt(0))

    pass(120_000)

    const labels = traffic.store.select(undefined).map((series) => series.labels['kubernetes_pod_name'])
    expect(labels).not.toContain('podinfo-7d9f8b6c5-ccccc')
    expect(labels).toContain('podinfo-primary-7d9f8b6c5-aaaaa')
  })

  it('advances by itself when started, and stops', async () => {
    const { clock, traffic, totals } = world()

    const stop = traffic.start(100)
    await clock.run(1000)
    expect(totals()).toEqual({ 'podinfo-primary': [50, 0] })
    stop()
    await clock.run(1000)

    expect(totals()).toEqual({ 'podinfo-primary': [50, 0] })
  })
})

describe('playground/traffic under analysis', () => {
  it.each(['istio', 'gatewayapi:v1'] as const)(
    'passes a healthy canary on %s two samples after it starts',
    async (provider) => {
      const { route, pass, analyse } = world(provider)
      route(splitAt(0))
      pass(60_000)
      expect((await analyse()).map((check) => check.verdict)).toEqual(['no-values', 'no-values'])

      route(splitAt(10))
      pass(1000)
      const [rate, duration] = await analyse()

      expect(rate).toMatchObject({ verdict: 'passed', value: 100, unit: '%' })
      expect(duration).toMatchObject({ verdict: 'passed', unit: 'ms' })
      expect(duration?.value).toBeGreaterThan(80)
      expect(duration?.value).toBeLessThan(250)
    },
  )

  it.each(['istio', 'gatewayapi:v1'] as const)(
    'halts a canary that fails on %s, and only the canary',
    async (provider) => {
      const { cluster, route, pass, analyse, totals } = world(provider)
      cluster.put(pod('podinfo', 'ccccc', 'podinfo:6.0.1', { 'playground.serin.dev/error-rate': '0.5' }))

      route(splitAt(10))
      pass(60_000)
      const [rate] = await analyse()

      expect(rate?.halt).toMatch(/^Halt podinfo.test advancement success rate [45]\d\.\d\d% < 99%$/)
      expect(totals()['podinfo-primary']).toEqual([2700, 0])
    },
  )

  it('says 0 %, not "no values", of a canary that fails every request', async () => {
    const { cluster, route, pass, analyse } = world()
    cluster.put(pod('podinfo', 'ccccc', 'podinfo:6.0.1', { 'playground.serin.dev/error-rate': '1' }))

    route(splitAt(10))
    pass(5000)

    expect((await analyse())[0]?.halt).toBe('Halt podinfo.test advancement success rate 0.00% < 99%')
  })

  it('halts a canary that is slow', async () => {
    const { cluster, route, pass, analyse } = world()
    cluster.put(pod('podinfo', 'ccccc', 'podinfo:6.0.1', { 'playground.serin.dev/latency-ms': '1500' }))

    route(splitAt(10))
    pass(30_000)

    expect((await analyse())[1]?.halt).toMatch(
      /^Halt podinfo.test advancement request duration [2-4](\.\d+)?s > 500ms$/,
    )
  })

  it('knows how versions behave', () => {
    expect(behaviourOf('ghcr.io/stefanprodan/podinfo:6.0.1')).toEqual({ errorRate: 0, latencyMs: 80 })
    expect(behaviourOf('podinfo:6.0.2-broken').errorRate).toBe(0.5)
    expect(behaviourOf('broken.example.com/podinfo:6.0.2').errorRate).toBe(0)
    expect(behaviourOf('podinfo:6', { 'playground.serin.dev/error-rate': 'lots' }).errorRate).toBe(0)
    expect(behaviourOf('podinfo:6', { 'playground.serin.dev/error-rate': '7' }).errorRate).toBe(1)
  })

  it('draws failures with the right mean', () => {
    const random = seededRandom(3)
    const mean = (count: number): number =>
      Array.from({ length: 2000 }, () => binomial(count, 0.3, random)).reduce((sum, each) => sum + each, 0) / 2000

    expect(Math.abs(mean(10) - 3)).toBeLessThan(0.15)
    expect(Math.abs(mean(1000) - 300)).toBeLessThan(2)
  })
})
