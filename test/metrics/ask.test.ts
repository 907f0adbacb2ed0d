import { describe, expect, it } from 'vitest'
import { Problem } from '../../src/lib/problem.ts'
import { askCheck } from '../../src/metrics/ask.ts'
import { dedupe } from '../../src/metrics/dedupe.ts'
import type { MetricRequest, MetricsPort } from '../../src/metrics/port.ts'
import type { CanaryMetric } from '../../src/resources/canary.ts'
import { MetricTemplate } from '../../src/resources/metric-template.ts'
import type { Check, MetricAnswer } from '../../src/rollout/check.ts'
import { questionOf } from './support.ts'

const signal = new AbortController().signal

function template(provider: object, query = 'sum(x{ns="{{ namespace }}"})'): MetricTemplate {
  return MetricTemplate.parse({
    apiVersion: 'flagger.app/v1beta1',
    kind: 'MetricTemplate',
    metadata: { name: 'latency', namespace: 'test' },
    spec: { provider, query },
  })
}

/** Asks one metric of a server that always answers 1; the requests it saw come back too. */
async function asking(
  metric: CanaryMetric,
  found?: MetricTemplate,
  secret?: Record<string, string>,
): Promise<{ check: Check; requests: readonly MetricRequest[] }> {
  const requests: MetricRequest[] = []
  const port: MetricsPort = {
    query: (request) => {
      requests.push(request)
      return Promise.resolve({ kind: 'value', value: 1 })
    },
  }
  const sources = {
    port,
    address: 'http://prometheus:9090',
    template: () => Promise.resolve(found),
    secret: () => Promise.resolve(secret),
  }
  return { check: await askCheck(questionOf(metric), sources, signal), requests }
}

const own: CanaryMetric = { name: 'latency', templateRef: { name: 'latency' }, thresholdRange: { max: 2 } }
const prometheus = { type: 'prometheus', address: 'http://other:9090' }

describe('metrics/ask', () => {
  it('asks built-in checks and inline queries of the given server', async () => {
    const { requests } = await asking({ name: 'errors', query: 'sum(x{t="{{ target }}"})', threshold: 2 })

    expect(requests).toEqual([{ address: 'http://prometheus:9090', promql: 'sum(x{t="podinfo"})' }])
  })

  it('asks a template of its own server, with the credentials of its Secret', async () => {
    const secured = template({ ...prometheus, secretRef: { name: 'prom' }, headers: { a: ['b'] } })

    const { check, requests } = await asking(own, secured, { username: 'u', password: 'p\n' })

    expect(check).toMatchObject({ verdict: 'passed', value: 1, max: 2 })
    expect(requests).toMatchObject([
      {
        address: 'http://other:9090',
        promql: 'sum(x{ns="test"})',
        headers: { a: ['b'] },
        credentials: { kind: 'basic', username: 'u', password: 'p' },
      },
    ])
  })

  it.each([
    ['is missing', undefined, 'Metric template latency.test error: not found'],
    [
      'is for a server that is not built yet',
      template({ type: 'datadog' }),
      'Metric template latency.test provider datadog error: MetricTemplate/latency.test spec.provider.type: metrics provider "datadog" is not built yet (these work: prometheus)',
    ],
    [
      'has no address',
      template({ type: 'prometheus' }),
      /^Metric template latency.test provider prometheus error: .* needs an address/,
    ],
    [
      'cannot be rendered',
      template(prometheus, '{{ variables.x }}'),
      /^Metric template latency.test query render error: .*spec.query:1:1: the variable "x"/,
    ],
    [
      'names a Secret that is missing',
      template({ ...prometheus, secretRef: { name: 'prom' } }),
      'Metric template latency.test secret prom error: not found',
    ],
  ])('halts and asks nobody when the template %s', async (_, found, halt) => {
    const { check, requests } = await asking(own, found)

    expect(check.verdict).toBe('error')
    expect(check.halt).toMatch(halt)
    expect(requests).toEqual([])
  })

  it('halts when the Secret lacks its keys, without showing what it holds', async () => {
    const { check } = await asking(own, template({ ...prometheus, secretRef: { name: 'prom' } }), { tokne: 'hunter2' })

    expect(check.halt).toMatch(/neither "token" nor "username" and "password"/)
    expect(check.halt).not.toContain('hunter2')
  })

  it('halts when a metric says nothing that can be asked', async () => {
    const { check } = await asking({ name: 'unclear' })

    expect(check).toMatchObject({
      verdict: 'error',
      halt: 'Metric query failed for no usable metrics template and query were configured',
    })
  })
})

describe('metrics/dedupe', () => {
  /** A port whose answers wait until they are released. */
  function held() {
    const waiting: { promql: string; answer: (answer: MetricAnswer) => void; signal: AbortSignal }[] = []
    const port = dedupe({
      query: ({ promql }, inner) => new Promise((resolve) => waiting.push({ promql, answer: resolve, signal: inner })),
    })
    return { port, waiting }
  }
  const request = { address: 'http://a', promql: 'up' }

  it('sends equal requests once while they are under way, and others by themselves', async () => {
    const { port, waiting } = held()

    const answers = [request, { ...request }, { ...request, promql: 'down' }].map((each) => port.query(each, signal))
    waiting.forEach((each) => each.answer({ kind: 'value', value: each.promql.length }))

    expect(waiting).toHaveLength(2)
    expect(await Promise.all(answers)).toEqual([2, 2, 4].map((value) => ({ kind: 'value', value })))
  })

  it('asks anew after the answer', async () => {
    const { port, waiting } = held()

    const first = port.query(request, signal)
    waiting[0]?.answer({ kind: 'no-values' })
    await first
    void port.query(request, signal)

    expect(waiting).toHaveLength(2)
  })

  it('aborts the request only when the last asker has given up', async () => {
    const { port, waiting } = held()
    const [one, other] = [new AbortController(), new AbortController()]

    const first = port.query(request, one.signal)
    const second = port.query(request, other.signal)
    one.abort(new Error('first'))
    await expect(first).rejects.toThrow('first')
    expect(waiting[0]?.signal.aborted).toBe(false)
    other.abort(new Error('second'))
    await expect(second).rejects.toThrow('second')

    expect(waiting[0]?.signal.aborted).toBe(true)
  })
})

describe('metrics/ask, what may not be read', () => {
  const metric = { name: 'latency', templateRef: { name: 'latency' }, interval: '1m' }
  const denied = (kind: 'stalled' | 'retry'): Problem =>
    new Problem({
      kind,
      code: 'CLUSTER_FORBIDDEN',
      message: 'the cluster refused',
      hint: 'add the verb "get" on "secrets"',
    })
  const sources = {
    port: { query: () => Promise.resolve({ kind: 'value' as const, value: 1 }) },
    address: 'http://prometheus:9090',
    template: () => Promise.resolve(template({ type: 'prometheus', address: 'http://p', secretRef: { name: 'key' } })),
  }

  it('is a failed check with the missing right: no canary keeps its traffic unwatched', async () => {
    const secret = () => Promise.reject(denied('stalled'))
    const check = await askCheck(questionOf(metric), { ...sources, secret }, signal)
    expect(check.verdict).toBe('error')
    expect(check.halt).toBe(
      'Metric template latency.test secret key error: the cluster refused; add the verb "get" on "secrets"',
    )
  })

  it('is asked for again when the cluster could not be reached', async () => {
    const secret = () => Promise.reject(denied('retry'))
    await expect(askCheck(questionOf(metric), { ...sources, secret }, signal)).rejects.toThrow('the cluster refused')
  })
})
