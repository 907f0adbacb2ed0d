import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { MetricRequest } from '../../src/metrics/port.ts'
import { createPrometheus } from '../../src/metrics/prometheus.ts'
import type { MetricAnswer } from '../../src/rollout/check.ts'
import { serve } from './support.ts'

async function ask(address: string, more: Partial<MetricRequest> = {}, timeoutMs = 5000): Promise<MetricAnswer> {
  const request = { address, promql: 'up', ...more }
  return createPrometheus({ timeoutMs }).query(request, new AbortController().signal)
}

async function answering(body: string, status = 200, type = 'application/json'): Promise<MetricAnswer> {
  return ask(await serve((_, response) => response.writeHead(status, { 'content-type': type }).end(body)))
}

function vector(...values: readonly string[]): string {
  const result = values.map((value, index) => ({ metric: { pod: `p${index}` }, value: [1.5, value] }))
  return JSON.stringify({ status: 'success', data: { resultType: 'vector', result } })
}

async function unusedAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}

describe('metrics/prometheus', () => {
  it('takes the value of one series, and of a scalar', async () => {
    expect(await answering(vector('99.5'))).toEqual({ kind: 'value', value: 99.5 })
    expect(await answering(vector('+Inf'))).toEqual({ kind: 'value', value: Infinity })
    const scalar = { status: 'success', data: { resultType: 'scalar', result: [1, '7'] } }
    expect(await answering(JSON.stringify(scalar))).toEqual({ kind: 'value', value: 7 })
  })

  it('tells no values from a value', async () => {
    expect(await answering(vector())).toEqual({ kind: 'no-values' })
    expect(await answering(vector('NaN'))).toEqual({ kind: 'no-values' })
  })

  it('D19: does not pick one of several series', async () => {
    expect(await answering(vector('1', '2', '3'))).toEqual({
      kind: 'error',
      message: 'the query gave 3 series, one was expected (aggregate them, for example with sum); the query: up',
    })
  })

  it('refuses a range of values', async () => {
    const matrix = { status: 'success', data: { resultType: 'matrix', result: [] } }

    expect(await answering(JSON.stringify(matrix))).toMatchObject({ kind: 'error' })
  })

  it('passes on why the server refused the query, without its control characters', async () => {
    const body = {
      status: 'error',
      errorType: 'bad_data',
      error: 'invalid parameter "query": 1:4:\n parse \u001b[31merror',
    }

    expect(await answering(JSON.stringify(body), 400)).toEqual({
      kind: 'error',
      message: 'bad_data: invalid parameter "query": 1:4: parse [31merror; the query: up',
    })
  })

  it('shows the part of a long query that the server points at', async () => {
    const promql = `sum(\n${'a'.repeat(500)} + ) ${'b'.repeat(500)}`
    const error = 'invalid parameter "query": 2:504: parse error: unexpected ")"'
    const address = await serve((_, response) => {
      response.writeHead(400, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ status: 'error', errorType: 'bad_data', error }))
    })

    expect(await ask(address, { promql })).toEqual({
      kind: 'error',
      message: `bad_data: ${error}; the query: …${'a'.repeat(97)} + ) ${'b'.repeat(98)}…`,
    })
  })

  it.each([
    ['a login page', '<html>', 200, 'text/html; charset=utf-8', /answered text\/html with status 200/],
    ['an error page', 'no', 503, 'text/plain', /answered text\/plain with status 503/],
    ['broken JSON', '{"status":', 200, 'application/json', /no Prometheus answer/],
    ['JSON of another shape', '{"ok":true}', 200, 'application/json', /no Prometheus answer/],
    ['a value with a failing status', vector('1'), 500, 'application/json', /status 500/],
    ['a value that is no number', vector('many'), 200, 'application/json', /the value "many"/],
    ['too much', vector('1'.repeat(2_000_000)), 200, 'application/json', /more than 1048576 bytes/],
  ])('says so when the server answers %s', async (_, body, status, type, message) => {
    const answer = await answering(body, status, type)

    expect(answer).toMatchObject({ kind: 'error' })
    expect(answer.kind === 'error' && answer.message).toMatch(message)
  })

  it('says so when the server takes too long, also in the middle of the body', async () => {
    const silent = await serve(() => {})
    const slow = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{')
    })

    expect(await ask(silent, {}, 30)).toEqual({ kind: 'error', message: `${silent} did not answer within 30 ms` })
    expect(await ask(slow, {}, 30)).toEqual({ kind: 'error', message: `${slow} did not answer within 30 ms` })
  })

  it('says so when nobody listens', async () => {
    const closed = await unusedAddress()

    const answer = await ask(closed)

    expect(answer.kind === 'error' && answer.message).toMatch(/^http:\S+ cannot be reached: .*ECONNREFUSED/)
  })

  it('does not follow a redirect, which could carry secrets elsewhere', async () => {
    const address = await serve((_, response) => {
      response.writeHead(302, { location: 'http://127.0.0.1:1/login', 'content-type': 'text/html' }).end()
    })

    const answer = await ask(address)

    expect(answer.kind === 'error' && answer.message).toMatch(/answered text\/html with status 302/)
  })

  it('sends the query, headers and credentials', async () => {
    const seen: IncomingMessage[] = []
    const address = await serve((request, response) => {
      seen.push(request)
      response.writeHead(200, { 'content-type': 'application/json' }).end(vector('1'))
    })

    await ask(`${address}/prefix/`, { promql: ' sum(x)\n# why\n', headers: { 'X-Scope-OrgID': ['a'] } })
    await ask(address, { credentials: { kind: 'token', token: 'abc' } })
    await ask(address.replace('//', '//user:p%40ss@'))

    expect(seen[0]?.url).toBe('/prefix/api/v1/query?query=sum%28x%29%0A%23+why')
    expect(seen[0]?.headers['x-scope-orgid']).toBe('a')
    expect(seen[1]?.headers.authorization).toBe('Bearer abc')
    expect(seen[2]?.headers.authorization).toBe(`Basic ${Buffer.from('user:p@ss').toString('base64')}`)
  })

  it('never shows credentials', async () => {
    const answers = [
      await ask('http://user:hunter2@127.0.0.1:1'),
      await ask('ftp://user:hunter2@host'),
      await ask('user:hunter2@host:x'),
      await ask('http://127.0.0.1:1', { credentials: { kind: 'token', token: 'hunter2\n' } }),
      await ask('http://127.0.0.1:1', { headers: { 'X-Key': ['hunter2\n'] } }),
    ]

    expect(answers.map((answer) => answer.kind)).toEqual(Array(5).fill('error'))
    expect(JSON.stringify(answers)).not.toContain('hunter2')
  })

  it('rejects only when the caller gives up', async () => {
    const silent = await serve(() => {})
    const abort = new AbortController()

    const asked = createPrometheus().query({ address: silent, promql: 'up' }, abort.signal)
    abort.abort(new Error('stopping'))

    await expect(asked).rejects.toThrow('stopping')
  })
})
