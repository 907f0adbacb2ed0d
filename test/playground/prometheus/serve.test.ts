import { describe, expect, it, onTestFinished } from 'vitest'
import { createPrometheus } from '../../../src/metrics/prometheus.ts'
import { inProcessMetrics } from '../../../src/playground/prometheus/in-process.ts'
import { createPlaygroundPrometheus } from '../../../src/playground/prometheus/prometheus.ts'
import { servePrometheus } from '../../../src/playground/prometheus/serve.ts'
import { createVirtualClock } from '../../../src/playground/virtual-clock.ts'
import { storeOf } from './support.ts'

const clock = createVirtualClock(10_000)
const store = storeOf([{ labels: { __name__: 'x' }, values: [0, 10, 20, 30] }])
const prometheus = createPlaygroundPrometheus(store)
const signal = new AbortController().signal

async function served(): Promise<string> {
  const server = await servePrometheus({ prometheus, clock })
  onTestFinished(() => server.close())
  return server.url
}

describe('playground/prometheus over HTTP', () => {
  it('answers the reconciler like a real server, values and errors', async () => {
    const address = await served()

    for (const port of [createPrometheus(), inProcessMetrics(prometheus, clock)]) {
      expect(await port.query({ address, promql: 'sum(x)' }, signal)).toEqual({ kind: 'value', value: 30 })
      expect(await port.query({ address, promql: 'sum(y)' }, signal)).toEqual({ kind: 'no-values' })
      expect(await port.query({ address, promql: 'sum(' }, signal)).toEqual({
        kind: 'error',
        message: 'bad_data: invalid parameter "query": 1:5: parse error: unexpected end of input; the query: sum(',
      })
      expect(await port.query({ address, promql: 'x[5s]' }, signal)).toMatchObject({ kind: 'error' })
    }
  })

  it('takes the moment and the query from the URL or a form', async () => {
    const address = await served()

    const past = await fetch(`${address}/api/v1/query?query=x&time=2`)
    const posted = await fetch(`${address}/api/v1/query`, {
      method: 'POST',
      body: new URLSearchParams({ query: 'x', time: '1970-01-01T00:00:01Z' }),
    })

    expect(await past.json()).toEqual({
      status: 'success',
      data: { resultType: 'vector', result: [{ metric: { __name__: 'x' }, value: [2, '20'] }] },
    })
    expect(await posted.json()).toMatchObject({ data: { result: [{ value: [1, '10'] }] } })
  })

  it('says that it is ready, and what it does not know', async () => {
    const address = await served()
    const status = async (path: string): Promise<number> => (await fetch(`${address}${path}`)).status

    expect(await status('/-/ready')).toBe(200)
    expect(await status('/api/v1/status/buildinfo')).toBe(200)
    expect(await status('/api/v1/query')).toBe(400)
    expect(await status('/api/v1/query?query=x&time=soon')).toBe(400)
    expect(await status('/graph')).toBe(404)
  })
})
