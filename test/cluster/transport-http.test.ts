import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { createClient } from '../../src/cluster/client.ts'
import { type ClusterConnection, type ConnectOptions, connectCluster } from '../../src/cluster/transport-http.ts'
import type { WatchLine } from '../../src/cluster/transport.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createEmbeddedCluster } from '../../src/playground/cluster/embedded-cluster.ts'
import { serveCluster } from '../../src/playground/cluster/serve-cluster.ts'

const endings: (() => Promise<unknown> | void)[] = []
const folder = mkdtempSync(join(tmpdir(), 'serin-kubeconfig-'))

afterEach(async () => {
  while (endings.length > 0) await endings.pop()?.()
})
afterAll(() => rmSync(folder, { recursive: true }))

function kubeconfig(server: string, user: object = { token: 'sesame' }): string {
  const path = join(folder, `config-${Math.random()}`)
  const config = {
    'current-context': 'here',
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user }],
    contexts: [
      { name: 'here', context: { cluster: 'c', user: 'u', namespace: 'fleet' } },
      { name: 'nobody', context: { cluster: 'c' } },
    ],
  }
  writeFileSync(path, JSON.stringify(config))
  return path
}

async function connect(server: string, more: Partial<ConnectOptions> = {}): Promise<ClusterConnection> {
  const connection = await connectCluster({ kubeconfigPath: kubeconfig(server), userAgent: 'serin/0', ...more })
  endings.push(() => connection.close())
  return connection
}

interface Received {
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

/** A server that answers as told and remembers what it got. */
async function serve(answer: (request: Received, response: ServerResponse) => void) {
  const received: Received[] = []
  let sockets = 0
  const server: Server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const got = { url: `${request.method} ${request.url}`, headers: request.headers, text }
      received.push(got)
      answer(got, response)
    })
  })
  server.on('connection', () => (sockets += 1))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  endings.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, received, sockets: () => sockets }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'test' } }
const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'test', name: 'a' }
const kinds = { kind: 'APIResourceList', resources: [{ name: 'configmaps', kind: 'ConfigMap', namespaced: true }] }

describe('cluster/transport-http', () => {
  it('keeps fields that nobody knows, in both directions, with two connections for twenty calls', async () => {
    const { url, received, sockets } = await serve((request, response) => {
      if (request.url.endsWith('/api/v1')) json(response, 200, kinds)
      else json(response, 200, { ...configMap, spec: { fromTheFuture: { depth: [1, { two: null }] } } })
    })
    const { transport, currentNamespace, serverUrl } = await connect(url)
    const client = createClient(transport)

    for (let call = 0; call < 10; call += 1) {
      const object = await client.get(ref)
      expect(object?.spec).toEqual({ fromTheFuture: { depth: [1, { two: null }] } })
      await client.replace({ ...configMap, spec: { newField: { deep: [true] } } }, { fieldManager: 'serin' })
    }

    expect(JSON.parse(received.at(-1)?.text ?? '')).toEqual({ ...configMap, spec: { newField: { deep: [true] } } })
    expect(received).toHaveLength(21)
    expect(sockets()).toBeLessThanOrEqual(2)
    expect(received[0]?.headers).toMatchObject({ authorization: 'Bearer sesame', 'user-agent': 'serin/0' })
    expect([currentNamespace, serverUrl]).toEqual(['fleet', url])
  })

  it('opens at most eight connections however many calls run at once', async () => {
    const { url, sockets } = await serve((_, response) => json(response, 200, kinds))
    const { transport } = await connect(url)

    await Promise.all(Array.from({ length: 50 }, () => transport.send({ method: 'GET', path: '/api/v1' })))

    expect(sockets()).toBeLessThanOrEqual(8)
  })

  it('names the length of every body, also of a deletion', async () => {
    const { url, received } = await serve((request, response) =>
      json(response, 200, request.url.endsWith('/api/v1') ? kinds : { kind: 'Status', status: 'Success' }),
    )
    const { transport } = await connect(url)

    expect(await createClient(transport).delete(ref)).toBeUndefined()

    const deletion = received.at(-1)
    expect(deletion?.headers['content-length']).toBe(String(deletion?.text.length))
    expect(JSON.parse(deletion?.text ?? '')).toMatchObject({ kind: 'DeleteOptions', propagationPolicy: 'Background' })
  })

  it.each([
    [401, '', { code: 'CLUSTER_UNAUTHORIZED', kind: 'stalled' }, 'does not accept the credentials'],
    [
      403,
      '{"message":"configmaps is forbidden"}',
      { code: 'CLUSTER_FORBIDDEN' },
      'allow the verb "get" on ConfigMap/a.test',
    ],
    [409, '{"message":"modified"}', { code: 'CLUSTER_CONFLICT', kind: 'retry' }, 'modified'],
    [
      422,
      '{"message":"no","details":{"causes":[{"field":"spec.x","message":"bad"}]}}',
      { kind: 'stalled' },
      'no; spec.x: bad',
    ],
    [429, 'slow down', { code: 'CLUSTER_BUSY', kind: 'retry', retryAfterMs: 7000 }, 'HTTP 429 "slow down"'],
    [503, '<html>gateway</html>', { code: 'CLUSTER_FAILED', kind: 'retry' }, '<html>gateway</html>'],
    [200, '<html>login</html>', { code: 'CLUSTER_UNEXPECTED' }, 'no ConfigMap'],
  ])('turns an answer %i into a problem that says what to do', async (status, body, problem, text) => {
    const { url } = await serve((request, response) => {
      if (request.url.endsWith('/api/v1')) return json(response, 200, kinds)
      const type = body.startsWith('{') ? 'application/json' : 'text/html'
      response.writeHead(status, { 'content-type': type, ...(status === 429 ? { 'retry-after': '7' } : {}) }).end(body)
    })
    const { transport } = await connect(url)

    const refused = await createClient(transport)
      .get(ref)
      .catch((error: unknown) => error)

    expect(refused).toMatchObject(problem)
    expect(String(refused)).toContain(text)
    expect(String(refused)).not.toContain('sesame')
  })

  it('waits as long as the server asks by its own clock, however wrong the one here is, and never for hours', async () => {
    const threeHoursAgo = Date.now() - 3 * 3_600_000
    const dates: Record<string, string> = {
      '/soon': new Date(threeHoursAgo + 20_000).toUTCString(),
      '/late': new Date(threeHoursAgo + 9 * 3_600_000).toUTCString(),
    }
    const { url } = await serve(({ url: asked }, response) => {
      const date = new Date(threeHoursAgo).toUTCString()
      const retry = dates[asked.slice('GET '.length)] ?? '99999'
      response.writeHead(429, { date, 'retry-after': retry, 'content-type': 'text/plain' }).end('slow down')
    })
    const heard: number[] = []
    const { transport } = await connect(url, { onServerTime: (serverMs) => heard.push(serverMs) })
    const after = async (path: string) => (await transport.send({ method: 'GET', path })).retryAfterMs

    expect(await after('/soon')).toBe(20_000)
    expect(await after('/late')).toBe(300_000)
    expect(await after('/seconds')).toBe(300_000)
    expect(heard.length).toBeGreaterThan(0)
    expect(heard.every((ms) => Math.abs(ms - threeHoursAgo) < 1000)).toBe(true)
  })

  it('does not believe an API server that has just started and refuses everybody', async () => {
    let count = 0
    const { url } = await serve((_request, response) => {
      count += 1
      if (count === 1) response.destroy()
      else if (count === 2) json(response, 403, { message: 'forbidden: clusterrole "serin" not found' })
      else if (count === 3) response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found')
      else json(response, 200, { kind: 'ConfigMap' })
    })
    const { transport } = await connect(url)
    const get = { method: 'GET' as const, path: '/apis/flagger.app/v1beta1' }

    await expect(transport.send(get)).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE' })
    expect((await transport.send(get)).status).toBe(200)
    expect(count).toBe(4)
  })

  it('says that a cluster cannot be reached, does not answer in time, or answers too much', async () => {
    const { url } = await serve((request, response) => {
      if (request.url.includes('large')) response.end('x'.repeat(2000))
    })
    const { transport } = await connect(url, { deadlineMs: 50, maxBytes: 1000 })
    const nowhere = await connect('http://127.0.0.1:1')

    const get = { method: 'GET' as const, path: '/silent' }
    await expect(transport.send(get)).rejects.toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
      message: /no answer within 0.05 s/,
    })
    await expect(transport.watch(get)).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE' })
    await expect(transport.send({ ...get, path: '/large' })).rejects.toMatchObject({ code: 'CLUSTER_ANSWER_TOO_LONG' })
    await expect(nowhere.transport.send(get)).rejects.toMatchObject({
      kind: 'retry',
      message: /127.0.0.1:1 .*ECONNREFUSED/,
    })
    const reason = new Error('shutting down')
    await expect(transport.send({ ...get, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  it('reads a watch whose lines are cut anywhere, and ends one that is silent for too long', async () => {
    const line = JSON.stringify({ type: 'ADDED', object: { metadata: { name: 'größe' } } })
    const bytes = Buffer.from(`${line}\n${line}\n`)
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const cut = bytes.indexOf('ö') + 1
      response.write(bytes.subarray(0, cut))
      setTimeout(() => response.write(bytes.subarray(cut)), 5)
    })
    const { transport } = await connect(url, { watchIdleMs: 30 })

    const answer = await transport.watch({ method: 'GET', path: '/api/v1/configmaps?watch=1' })
    const lines: WatchLine[] = []
    if (answer.kind === 'stream') for await (const each of answer.lines) lines.push(each)

    expect(lines.map((each) => each.object)).toEqual([{ metadata: { name: 'größe' } }, { metadata: { name: 'größe' } }])
  })

  it('tells a broken watch from an ended one', async () => {
    const { url } = await serve((request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write('{"type":"BOOKMARK","object":{}}\n', () => {
        if (request.url.includes('broken')) response.destroy()
        else response.end()
      })
    })
    const { transport } = await connect(url)
    const read = async (path: string): Promise<number> => {
      const answer = await transport.watch({ method: 'GET', path })
      let count = 0
      if (answer.kind === 'stream') for await (const _ of answer.lines) count += 1
      return count
    }

    expect(await read('/ended')).toBe(1)
    await expect(read('/broken')).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE', kind: 'retry' })
  })

  it('reads the kubeconfig again when a token is no longer accepted', async () => {
    const { url, received } = await serve((request, response) => {
      if (request.headers.authorization === 'Bearer fresh') json(response, 200, kinds)
      else json(response, 401, { message: 'Unauthorized' })
    })
    const path = kubeconfig(url, { token: 'old' })
    const { transport } = await connect(url, { kubeconfigPath: path })
    copyFileSync(kubeconfig(url, { token: 'fresh' }), path)

    expect(await transport.send({ method: 'GET', path: '/api/v1' })).toMatchObject({ status: 200 })
    expect(received.map((request) => request.headers.authorization)).toEqual(['Bearer old', 'Bearer fresh'])
  })

  it('works with a context without a user', async () => {
    const { url, received } = await serve((_, response) => json(response, 200, kinds))
    const { transport, currentNamespace } = await connect(url, { context: 'nobody' })

    await transport.send({ method: 'GET', path: '/api/v1' })

    expect(received[0]?.headers.authorization).toBeUndefined()
    expect(currentNamespace).toBe('default')
  })

  it.each([
    ['no such file', () => join(folder, 'none'), {}, 'KUBECONFIG_MISSING', 'does not exist'],
    ['no such context', () => kubeconfig('https://a.test'), { context: 'x' }, 'KUBECONFIG_INVALID', 'no context "x"'],
    ['plain http elsewhere', () => kubeconfig('http://a.test:80'), {}, 'KUBECONFIG_INVALID', 'on this machine only'],
    ['broken YAML', () => textFile('users:\n  - token: "sesame\n: ['), {}, 'KUBECONFIG_INVALID', 'no valid YAML'],
    ['another form', () => textFile('just text'), {}, 'KUBECONFIG_INVALID', 'cannot be used'],
  ])('says what is wrong with a kubeconfig: %s', async (_, path, more, code, text) => {
    const problem = await connectCluster({ kubeconfigPath: path(), userAgent: 'serin/0', ...more }).catch(
      (e: unknown) => e,
    )

    expect(problem).toMatchObject({ code, kind: 'stalled' })
    expect(String(problem)).toContain(text)
    expect(String(problem)).not.toContain('sesame')
  })

  it('works against a served cluster, watches included', async () => {
    const cluster = createEmbeddedCluster({ clock: systemClock, random: Math.random })
    const { url, close } = await serveCluster(cluster)
    endings.push(async () => {
      cluster.stop()
      await close()
    })
    const { transport } = await connect(url)
    const client = createClient(transport)
    const { resourceVersion } = await client.list(configMap)
    const answer = await client.watch(configMap, { resourceVersion })

    await client.create({ ...configMap, metadata: { name: 'a', namespace: 'default' } }, { fieldManager: 'serin' })
    const applied = { ...configMap, metadata: { name: 'a', namespace: 'default' }, data: { a: '1' } }
    await client.apply(applied, { fieldManager: 'serin', force: true })
    await client.delete({ ...ref, namespace: 'default' })

    const types: string[] = []
    if (answer.kind === 'stream') {
      for await (const line of answer.lines) {
        if (line.type !== 'BOOKMARK') types.push(line.type)
        if (line.type === 'DELETED') break
      }
    }
    expect(types).toEqual(['ADDED', 'MODIFIED', 'DELETED'])
  })
})

function textFile(text: string): string {
  const path = join(folder, `text-${Math.random()}`)
  writeFileSync(path, text)
  return path
}
