import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Reply, ServerRequest } from '../../src/playground/cluster/api/context.ts'

export interface ApiProxyOptions {
  /** `https://127.0.0.1:<port>` */
  readonly url: string
  readonly caPath: string
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** Answers a request in the place of the API server. Bodies are not read for it. */
  readonly answer?: (request: ServerRequest) => Reply | undefined
}

export interface ApiProxy {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** Cuts all connections. */
  close(): Promise<void>
}

/** A door of plain HTTP before a real API server, that can be shut. Bytes go through as they are, watches as they come. */
export async function startApiProxy(options: ApiProxyOptions): Promise<ApiProxy> {
  const agent = new Agent({ keepAlive: true, ca: readFileSync(options.caPath) })
  const server = createServer((incoming, outgoing) => {
    const reply = options.answer?.(requestOf(incoming))
    if (reply !== undefined) return write(outgoing, reply)
    return forward(options.url, agent, incoming, outgoing)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      agent.destroy()
      await closed
    },
  }
}

function requestOf({ method = 'GET', url = '/', headers }: IncomingMessage): ServerRequest {
  const userAgent = headers['user-agent']
  return { method, path: url, ...(userAgent === undefined ? {} : { userAgent }) }
}

function forward(url: string, agent: Agent, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { method, headers } = incoming
  const { host: _host, ...rest } = headers
  const upstream = httpsRequest(`${url}${incoming.url ?? '/'}`, { agent, method, headers: rest }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    outgoing.flushHeaders()
    answer.pipe(outgoing)
    answer.once('error', () => outgoing.destroy())
  })
  upstream.once('error', () => outgoing.destroy())
  outgoing.once('close', () => upstream.destroy())
  incoming.pipe(upstream)
}

function write(outgoing: ServerResponse, { status, body, retryAfterSeconds }: Reply): void {
  const isText = typeof body === 'string'
  const headers = { 'content-type': isText ? 'text/plain' : 'application/json' }
  const retry = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }
  outgoing.writeHead(status, { ...headers, ...retry }).end(isText ? body : JSON.stringify(body))
}
