import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../../lib/clock.ts'
import type { JsonObject } from '../../lib/json.ts'
import type { PlaygroundPrometheus } from './prometheus.ts'

export interface PrometheusServerOptions {
  readonly prometheus: PlaygroundPrometheus
  readonly clock: Clock
  /** 0, the default, takes a free one. */
  readonly port?: number
}

export interface PrometheusServer {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string
  close(): Promise<void>
}

const maxFormBytes = 64 * 1024

/** Serves the part of Prometheus' HTTP API that queries need, on 127.0.0.1: instant queries, readiness, build info. */
export async function servePrometheus(options: PrometheusServerOptions): Promise<PrometheusServer> {
  const server = createServer((request, response) => {
    handle(options, request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, close: () => close(server) }
}

function close(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

async function handle(
  { prometheus, clock }: PrometheusServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  switch (url.pathname) {
    case '/-/ready':
    case '/-/healthy':
      return text(response, 200, `Prometheus Server is ${url.pathname === '/-/ready' ? 'Ready' : 'Healthy'}.\n`)
    case '/api/v1/status/buildinfo':
      return json(response, 200, { status: 'success', data: { version: '0.0.0-playground' } })
    case '/api/v1/query': {
      const form = await parameters(request, url)
      if (form === undefined) return json(response, 400, badData('the form is too large'))
      const timeMs = momentOf(form.get('time'), clock)
      if (timeMs === undefined) return json(response, 400, badData('invalid parameter "time"'))
      const result = prometheus.query(form.get('query') ?? '', timeMs)
      return json(response, result.status, result.body)
    }
    default:
      return text(response, 404, '404 page not found\n')
  }
}

/** The query string, and the form of a POST; undefined when the form is too large. */
async function parameters(request: IncomingMessage, url: URL): Promise<URLSearchParams | undefined> {
  if (request.method !== 'POST') return url.searchParams
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    const bytes = chunk as Buffer
    size += bytes.byteLength
    if (size > maxFormBytes) return undefined
    chunks.push(bytes)
  }
  return new URLSearchParams(`${url.searchParams.toString()}&${Buffer.concat(chunks).toString('utf8')}`)
}

/** Seconds since the epoch or RFC 3339; the present when absent; undefined when it is neither. */
function momentOf(text: string | null, clock: Clock): number | undefined {
  if (text === null || text === '') return clock.now()
  const ms = /^[0-9.]+$/.test(text) ? Number(text) * 1000 : Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms
}

function badData(error: string): JsonObject {
  return { status: 'error', errorType: 'bad_data', error }
}

function json(response: ServerResponse, status: number, body: JsonObject): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function text(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(body)
}
