import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { askCheck } from '../../../src/metrics/ask.ts'
import { checksOf } from '../../../src/metrics/checks.ts'
import { createPrometheus } from '../../../src/metrics/prometheus.ts'
import { MetricTemplate } from '../../../src/resources/metric-template.ts'
import type { CanaryMetric } from '../../../src/resources/canary.ts'
import type { Check, MetricAnswer } from '../../../src/rollout/check.ts'
import { dataPlanes, workloadOf } from '../../metrics/data-planes.ts'
import { canaryWith } from '../../metrics/support.ts'
import { type Exporter, startExporter } from '../../support/exporter.ts'
import { needs } from '../../support/needs.ts'
import { type RealPrometheus, startPrometheus } from '../../support/prometheus.ts'

const isThere = needs('prometheus') !== undefined
const signal = new AbortController().signal
const client = createPrometheus()

function ask(address: string, promql: string): Promise<MetricAnswer> {
  return client.query({ address, promql }, signal)
}

interface Secured {
  readonly address: string
  readonly secret: Readonly<Record<string, string>>
}

/** One metric of a canary, asked as an analysis asks it; with `secured`, through a MetricTemplate and its Secret. */
function check(address: string, metric: CanaryMetric, provider = 'istio', secured?: Secured): Promise<Check> {
  const [question] = checksOf(canaryWith([metric]), provider)
  if (question === undefined) throw new Error('no question')
  const template = MetricTemplate.parse({
    apiVersion: 'flagger.app/v1beta1',
    kind: 'MetricTemplate',
    metadata: { name: 'own', namespace: 'test' },
    spec: {
      provider: { type: 'prometheus', address: secured?.address ?? address, secretRef: { name: 'credentials' } },
      query: 'vector(7)',
    },
  })
  const sources = {
    port: client,
    address,
    template: () => Promise.resolve(template),
    secret: () => Promise.resolve(secured?.secret),
  }
  return askCheck(question, sources, signal)
}

describe.skipIf(!isThere)('metrics/prometheus and a real one that scrapes', () => {
  let exporter: Exporter
  let prometheus: RealPrometheus
  const istio = dataPlanes.find(({ name }) => name === 'istio')
  const podinfo = workloadOf('podinfo')
  const feed = (): void => {
    istio?.report(exporter, podinfo, 'canary', { code: 200, ms: 80, times: 8 })
    istio?.report(exporter, podinfo, 'canary', { code: 500, ms: 80, times: 2 })
    istio?.report(exporter, podinfo, 'primary', { code: 200, ms: 7, times: 40 })
  }
  beforeAll(async () => {
    exporter = await startExporter()
    feed()
    exporter.set('shown', { text: odd }, 42)
    prometheus = await startPrometheus({ targets: [exporter.url], scrapeIntervalMs: 100 })
    await prometheus.scraped()
  })
  afterAll(async () => {
    await prometheus?.close()
    await exporter?.close()
  })
  const odd = 'quote " backslash \\ line\nbreak } ü'

  it('reads any label that an exporter shows', async () => {
    expect(await ask(prometheus.url, `shown{text=${JSON.stringify(odd)}}`)).toEqual({ kind: 'value', value: 42 })
  })

  it('sees what the exporter counts: every fifth request to the canary fails, none to its primary', async () => {
    const success: CanaryMetric = { name: 'request-success-rate', interval: '30s', thresholdRange: { min: 99 } }
    // One sample is no rate yet.
    await until(async () => {
      feed()
      return (await check(prometheus.url, success)).verdict !== 'no-values'
    })
    for (let round = 0; round < 5; round++) {
      await sleep(100)
      feed()
    }

    const canary = await check(prometheus.url, success)
    expect(canary).toMatchObject({ verdict: 'failed', value: expect.closeTo(80, 6) })
    expect(canary.halt).toBe('Halt podinfo.test advancement success rate 80.00% < 99%')
    const duration = await check(prometheus.url, { ...success, name: 'request-duration', thresholdRange: { max: 100 } })
    expect(duration).toMatchObject({ verdict: 'passed', value: 99, unit: 'ms' })
    const primary =
      'sum(rate(istio_requests_total{reporter="destination",destination_workload="podinfo-primary",response_code!~"5.*"}[30s]))'
    expect(await ask(prometheus.url, `${primary} / ${primary.replace(',response_code!~"5.*"', '')}`)).toEqual({
      kind: 'value',
      value: 1,
    })
  })

  it('says that it is away, and has its data back after a restart', async () => {
    await prometheus.stop()
    expect(await ask(prometheus.url, 'shown')).toEqual({
      kind: 'error',
      message: expect.stringMatching(/^http:\S+ cannot be reached: .*ECONNREFUSED/),
    })

    await prometheus.start()
    // Over a range, because a Prometheus that ends may mark what it scraped as gone.
    expect(await ask(prometheus.url, 'last_over_time(shown[1m])')).toEqual({ kind: 'value', value: 42 })
  })

  async function until(condition: () => Promise<boolean>): Promise<void> {
    for (let round = 0; round < 100; round++) {
      if (await condition()) return
      await sleep(50)
    }
    throw new Error('did not come true')
  }
})

describe.skipIf(!isThere)('metrics/prometheus and a real one without data', () => {
  let prometheus: RealPrometheus
  beforeAll(async () => {
    prometheus = await startPrometheus({ targets: [] })
  })
  afterAll(() => prometheus?.close())

  it('tells absent and undefined values from numbers', async () => {
    expect(await ask(prometheus.url, 'sum(rate(nothing[1m]))')).toEqual({ kind: 'no-values' })
    expect(await ask(prometheus.url, 'vector(0) / vector(0)')).toEqual({ kind: 'no-values' })
    expect(await ask(prometheus.url, '0 / 0')).toEqual({ kind: 'no-values' })
    expect(await ask(prometheus.url, 'vector(1) / vector(0)')).toEqual({ kind: 'value', value: Infinity })
    expect(await ask(prometheus.url, 'vector(0.5)')).toEqual({ kind: 'value', value: 0.5 })
    expect(await ask(prometheus.url, '2 * 3')).toEqual({ kind: 'value', value: 6 })
  })

  it('shows the query that was refused, and where', async () => {
    const halted = await check(prometheus.url, { name: 'errors', query: 'sum(rate(errors{ns="{{ namespace }}"}[1m])' })

    expect(halted.verdict).toBe('error')
    expect(halted.halt).toBe(
      'Prometheus query failed: bad_data: invalid parameter "query": 1:32: parse error: unclosed left parenthesis; the query: sum(rate(errors{ns="test"}[1m])',
    )
  })

  it('refuses what is no single number', async () => {
    const several = 'label_replace(vector(1), "a", "1", "", "") or vector(2)'

    expect(await ask(prometheus.url, several)).toMatchObject({
      message: expect.stringMatching(/^the query gave 2 series/),
    })
    expect(await ask(prometheus.url, '"text"')).toMatchObject({ message: expect.stringMatching(/gave a string/) })
    expect(await ask(prometheus.url, 'up[1m]')).toMatchObject({ message: expect.stringMatching(/gave a range/) })
    // Refused while it runs and not when it is read: 422 instead of 400.
    const many = 'label_replace(vector(1), "1 bad", "1", "", "")'
    expect(await ask(prometheus.url, many)).toMatchObject({
      message: expect.stringMatching(/^execution: invalid .*; the query:/),
    })
  })
})

describe.skipIf(!isThere)('metrics/prometheus and a real one that asks who is there', () => {
  const own: CanaryMetric = { name: 'own', templateRef: { name: 'own' }, thresholdRange: { max: 7 } }

  it('gets in with the username and password of a Secret, and says so when they are wrong', async () => {
    const prometheus = await startPrometheus({ targets: [], users: { serin: bcryptOfCanary } })
    onTestFinished(() => prometheus.close())
    const address = prometheus.url
    const secured = (password: string): Promise<Check> =>
      check(address, own, 'istio', { address, secret: { username: 'serin', password } })

    expect(await secured('canary')).toMatchObject({ verdict: 'passed', value: 7 })
    const refused = await secured('sparrow')
    expect(refused).toMatchObject({
      verdict: 'error',
      halt: expect.stringMatching(/answered text\/plain with status 401/),
    })
    expect(JSON.stringify(refused)).not.toContain('sparrow')
  })

  it('gets in with the token of a Secret, where a proxy asks for one', async () => {
    const prometheus = await startPrometheus({ targets: [] })
    onTestFinished(() => prometheus.close())
    const address = await guarded(prometheus.url, 'feather')

    expect(await check(address, own, 'istio', { address, secret: { token: 'feather\n' } })).toMatchObject({
      verdict: 'passed',
      value: 7,
    })
    expect(await check(address, own, 'istio', { address, secret: { token: 'worm' } })).toMatchObject({
      verdict: 'error',
      halt: expect.stringMatching(/status 401/),
    })
  })
})

/** Of the password "canary"; the fewest rounds, which is quick. */
const bcryptOfCanary = '$2b$04$abcdefghijklmnopqrstuuDID1/tx.qq/9b0XGGVoFA5x6CWhZpGW'

/** A proxy in front of a Prometheus that lets only requests with this token pass, until the test ends. */
async function guarded(url: string, token: string): Promise<string> {
  const server = createServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${token}`) {
      response.writeHead(401, { 'content-type': 'text/plain' }).end('no\n')
      return
    }
    fetch(`${url}${request.url}`)
      .then(async (answer) => {
        response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
        response.end(await answer.text())
      })
      .catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
