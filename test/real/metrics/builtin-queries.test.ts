import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPrometheus } from '../../../src/metrics/prometheus.ts'
import { builtinQuery, type BuiltinMetric } from '../../../src/metrics/queries.ts'
import { createPlaygroundPrometheus } from '../../../src/playground/prometheus/prometheus.ts'
import type { MetricAnswer } from '../../../src/rollout/check.ts'
import { type DataPlane, dataPlanes, type Requests, type Workload, workloadOf } from '../../metrics/data-planes.ts'
import { steadyTraffic } from '../../metrics/steady-traffic.ts'
import { needs } from '../../support/needs.ts'
import { type RealPrometheus, startPrometheus } from '../../support/prometheus.ts'

const isThere = needs('prometheus') !== undefined
const metrics: readonly BuiltinMetric[] = ['request-success-rate', 'request-duration']

/** Eight of ten requests are good and fast, two fail slowly. */
const failing: readonly Requests[] = [
  { code: 200, ms: 80, times: 8 },
  { code: 503, ms: 400, times: 2 },
]
const good: readonly Requests[] = [{ code: 200, ms: 7, times: 90 }]
const onlyFailures: readonly Requests[] = [{ code: 500, ms: 20, times: 3 }]
const nothing: readonly Requests[] = [
  { code: 200, ms: 7, times: 0 },
  { code: 500, ms: 7, times: 0 },
]

/** What each of the canaries in a namespace gets; `absent` was never seen. */
const canaries: Readonly<Record<string, readonly Requests[]>> = {
  failing,
  healthy: [{ code: 200, ms: 80, times: 0.3 }],
  broken: onlyFailures,
  idle: nothing,
}

/** A namespace for each data plane, because some of them share their series. */
function subject(plane: DataPlane, target: string): Workload {
  const namespace = `ns-${dataPlanes.indexOf(plane)}`
  // The Service, the Ingress and the route have names of their own, so that a query that takes one for the other finds nothing.
  return workloadOf(target, {
    namespace,
    service: `${target}-web`,
    ingress: `${target}-ing`,
    route: `${target}-rt`,
    revision: `${target}-00002`,
  })
}

const startMs = Math.floor(Date.now() / 1000) * 1000
const traffic = steadyTraffic(startMs - 180_000, startMs + 240_000, 5000)
for (const plane of dataPlanes) {
  for (const [target, requests] of Object.entries(canaries)) {
    const workload = subject(plane, target)
    for (const each of requests) plane.report(traffic, workload, 'canary', each)
    for (const each of plane.isMixed === true ? [] : good) plane.report(traffic, workload, 'primary', each)
  }
}

describe.skipIf(!isThere)('the built-in queries on a real Prometheus', () => {
  let prometheus: RealPrometheus
  beforeAll(async () => {
    prometheus = await startPrometheus({ targets: [], samples: traffic.openMetrics() })
  })
  afterAll(() => prometheus?.close())

  const playground = createPlaygroundPrometheus(traffic.store())
  const client = createPrometheus()
  const ask = (plane: DataPlane, target: string, metric: BuiltinMetric): Promise<MetricAnswer> => {
    const promql = builtinQuery(plane.provider, metric, subject(plane, target), '1m')
    return client.query({ address: prometheus.url, promql }, new AbortController().signal)
  }

  describe.each(dataPlanes.map((plane) => [plane.name, plane] as const))('%s', (_, plane) => {
    it('says 80 % for a canary of which every fifth request fails, while its primary is fine', async () => {
      const answer = await ask(plane, 'failing', 'request-success-rate')

      expect(answer).toEqual({ kind: 'value', value: expect.closeTo(80, 6) })
    })

    it('gives the duration of the canary in milliseconds', async () => {
      const answer = await ask(plane, 'failing', 'request-duration')

      // The slowest fifth took 400 ms, in the bucket from 250 to 500: at 99 % of all that is 487.5.
      const expected = plane.isMean === true ? (80 * 8 + 400 * 2) / 10 : 250 + (250 * (9.9 - 8)) / 2
      expect(answer).toEqual({ kind: 'value', value: expect.closeTo(expected, 6) })
    })

    it('says exactly 100 % when nothing fails', async () => {
      expect(await ask(plane, 'healthy', 'request-success-rate')).toEqual({ kind: 'value', value: 100 })
    })

    it('says 0 %, and not "no values", when everything fails', async () => {
      expect(await ask(plane, 'broken', 'request-success-rate')).toEqual({ kind: 'value', value: 0 })
    })

    it.each(['idle', 'absent'])('finds no values when the canary is %s', async (target) => {
      for (const metric of metrics) expect(await ask(plane, target, metric)).toEqual({ kind: 'no-values' })
    })

    it("gets the same answers from the playground's Prometheus", async () => {
      const timeMs = startMs + 1300
      for (const target of [...Object.keys(canaries), 'absent']) {
        for (const metric of metrics) {
          const promql = builtinQuery(plane.provider, metric, subject(plane, target), '1m')
          const url = `${prometheus.url}/api/v1/query?${new URLSearchParams({ query: promql, time: String(timeMs / 1000) })}`
          const theirs: unknown = await (await fetch(url)).json()

          expect(rounded(playground.query(promql, timeMs).body), promql).toEqual(rounded(theirs))
        }
      }
    })
  })
})

/** Two programs add floats in different orders. */
function rounded(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body), (_, value: unknown) =>
    typeof value === 'string' && /^[0-9.e+-]+$/.test(value) ? Number(value).toPrecision(12) : value,
  )
}
