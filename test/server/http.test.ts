import { createHmac } from 'node:crypto'
import { connect } from 'node:net'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import { createServer, startServer } from '../../src/server/http.ts'
import type { Push, ServerOptions } from '../../src/server/http.ts'

const SECRET = 'a shared secret'
const BODY = JSON.stringify({
  ref: 'refs/heads/main',
  after: 'a'.repeat(40),
  repository: { full_name: 'example/fleet' },
})

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

function options(change: Partial<ServerOptions> = {}): ServerOptions {
  return {
    host: '127.0.0.1',
    port: 0,
    ready: () => ({ ok: true, reasons: [] }),
    registry: new Registry(),
    onPush: () => undefined,
    ...change,
  }
}

interface Answer {
  readonly status: number
  readonly body: string
  readonly pushes: readonly Push[]
}

async function deliver(
  body: string,
  headers: Readonly<Record<string, string>>,
  change: Partial<ServerOptions> = {},
  url = '/webhooks/github',
): Promise<Answer> {
  const pushes: Push[] = []
  const app = createServer(options({ onPush: (push) => pushes.push(push), ...change }))
  cleanups.push(async () => app.close())
  const answer = await app.inject({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', ...headers },
    payload: body,
  })
  return { status: answer.statusCode, body: answer.body, pushes }
}

function signed(body: string, secret = SECRET): Record<string, string> {
  return { 'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` }
}

describe('push webhooks', () => {
  it('takes a signed push and says where it was', async () => {
    const answer = await deliver(BODY, { ...signed(BODY), 'x-github-event': 'push' }, { webhookSecret: SECRET })

    expect(answer.status).toBe(202)
    expect(answer.pushes).toEqual([{ repository: 'example/fleet', ref: 'refs/heads/main' }])
  })

  it.each([
    ['no signature', {}],
    ['the signature of another secret', signed(BODY, 'guess')],
    ['the signature of another body', signed(`${BODY} `)],
    ['a short signature', { 'x-hub-signature-256': 'sha256=abcd' }],
    ['a SHA-1 signature', { 'x-hub-signature-256': `sha1=${'0'.repeat(40)}` }],
    ['an empty signature', { 'x-hub-signature-256': '' }],
  ])('turns down a body with %s', async (_name, headers) => {
    const answer = await deliver(BODY, headers, { webhookSecret: SECRET })

    expect(answer).toMatchObject({ status: 401, pushes: [] })
    expect(answer.body).not.toContain(SECRET)
  })

  it('takes an unsigned push when no secret is configured, the same one as often as it comes', async () => {
    const first = await deliver(BODY, {})
    const second = await deliver('{}', {}, {}, '/webhooks/push')

    expect(first).toMatchObject({ status: 202, pushes: [{ repository: 'example/fleet' }] })
    expect(second).toMatchObject({ status: 202, pushes: [{}] })
  })

  it('takes the short form', async () => {
    const body = '{"repository": "example/fleet", "ref": "refs/heads/main"}'

    expect((await deliver(body, {})).pushes).toEqual([{ repository: 'example/fleet', ref: 'refs/heads/main' }])
  })

  it('accepts other events without looking', async () => {
    const answer = await deliver('{"zen": "Keep it small"}', { 'x-github-event': 'ping' })

    expect(answer).toMatchObject({ status: 202, pushes: [] })
  })

  it.each([
    ['no JSON', 'ref=main'],
    ['an empty body', ''],
    ['an array', '[]'],
    ['a ref that is no text', '{"ref": 1}'],
  ])('answers 400 to %s', async (_name, body) => {
    expect(await deliver(body, {})).toMatchObject({ status: 400, pushes: [] })
  })

  it('answers 415 to a form', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }

    expect(await deliver(`payload=${BODY}`, headers)).toMatchObject({ status: 415, pushes: [] })
  })

  it('answers 413 to more than a mebibyte', async () => {
    expect(await deliver(JSON.stringify({ ref: 'x'.repeat(1024 * 1024) }), {})).toMatchObject({
      status: 413,
      pushes: [],
    })
  })
})

describe('probes and metrics', () => {
  it('is ready only when nothing is missing, and names what is', async () => {
    const reasons = ['the source branch was not read yet']
    const app = createServer(options({ ready: () => ({ ok: reasons.length === 0, reasons }) }))
    cleanups.push(async () => app.close())

    const before = await app.inject('/readyz')
    reasons.pop()
    const after = await app.inject('/readyz')

    expect([before.statusCode, before.json()]).toEqual([
      503,
      { ok: false, reasons: ['the source branch was not read yet'] },
    ])
    expect([after.statusCode, after.json()]).toEqual([200, { ok: true, reasons: [] }])
  })

  it('is alive even when it is not ready', async () => {
    const app = createServer(options({ ready: () => ({ ok: false, reasons: [] }) }))
    cleanups.push(async () => app.close())

    expect((await app.inject('/healthz')).statusCode).toBe(200)
  })

  it('answers 404 to what is not there, without saying more', async () => {
    const app = createServer(options())
    cleanups.push(async () => app.close())

    expect((await app.inject('/etc/passwd')).json()).toEqual({ error: 'there is nothing here' })
  })

  it('tells nothing of the inside when something breaks', async () => {
    const registry = {
      contentType: Registry.PROMETHEUS_CONTENT_TYPE,
      metrics: async () => Promise.reject(new Error('password hunter2')),
    }
    const app = createServer(options({ registry }))
    cleanups.push(async () => app.close())

    const answer = await app.inject('/metrics')

    expect(answer.statusCode).toBe(500)
    expect(answer.body).not.toContain('hunter2')
  })
})

describe('startServer', () => {
  it('listens, and frees the port when closed although a client keeps its connection', async () => {
    const server = await startServer(options({ closeGraceMs: 20 }))
    const { port, hostname } = new URL(server.url)
    const idle = connect(Number(port), hostname)
    await new Promise((resolve) => idle.once('connect', resolve))
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)

    await server.close()
    idle.destroy()

    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow('fetch failed')
  })

  it('names the address that is taken', async () => {
    const server = await startServer(options())
    cleanups.push(server.close)

    const second = startServer(options({ port: Number(new URL(server.url).port) }))

    await expect(second).rejects.toMatchObject({ code: 'SERVER_PORT', kind: 'stalled' })
  })
})
