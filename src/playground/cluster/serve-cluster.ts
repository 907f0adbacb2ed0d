import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Reply, ServerRequest } from './api/context.ts'
import { isWatch } from './api/dispatch.ts'
import { tooLarge } from './api/failure.ts'
import type { EmbeddedCluster } from './embedded-cluster.ts'

const bodyLimit = 3 * 1024 * 1024

/** An embedded cluster on a port of 127.0.0.1. */
export interface ServedCluster {
  readonly url: string
  close(): Promise<void>
}

/** Serves a cluster over plain HTTP on 127.0.0.1; without a port, a free one is taken. */
export async function serveCluster(
  cluster: EmbeddedCluster,
  options: { readonly port?: number } = {},
): Promise<ServedCluster> {
  const server = createServer((incoming, outgoing) => {
    answer(cluster, incoming, outgoing).catch((error: unknown) => {
      // A fault of ours must not take the whole process down with one connection.
      const message = error instanceof Error ? error.message : String(error)
      if (!outgoing.headersSent) write(outgoing, { status: 500, body: `${message}\n` })
      outgoing.end()
    })
  })
  server.keepAliveTimeout = 30_000
  await listen(server, options.port ?? 0)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { url: `http://127.0.0.1:${port}`, close: () => close(server) }
}

async function answer(cluster: EmbeddedCluster, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const text = await readText(incoming)
  if (text === undefined) {
    const { status, body } = tooLarge(bodyLimit)
    write(outgoing, { status, body })
    return
  }
  const request: ServerRequest = {
    method: incoming.method ?? 'GET',
    path: incoming.url ?? '/',
    text,
    ...header('contentType', incoming.headers['content-type']),
    ...header('accept', incoming.headers.accept),
    ...header('userAgent', incoming.headers['user-agent']),
  }
  if (isWatch(request)) stream(cluster, request, outgoing)
  else write(outgoing, cluster.serve(request))
}

function header(name: 'contentType' | 'accept' | 'userAgent', value: string | undefined): Partial<ServerRequest> {
  return value === undefined ? {} : { [name]: value }
}

async function readText(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming) {
    const part = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk))
    size += part.length
    // Read to its end all the same: what stays unread would block the connection for the next request.
    if (size <= bodyLimit) chunks.push(part)
  }
  return size > bodyLimit ? undefined : Buffer.concat(chunks).toString()
}

function write(outgoing: ServerResponse, reply: Reply): void {
  const isText = typeof reply.body === 'string'
  outgoing.statusCode = reply.status
  outgoing.setHeader('content-type', isText ? 'text/plain; charset=utf-8' : 'application/json')
  if (reply.retryAfterSeconds !== undefined) outgoing.setHeader('retry-after', String(reply.retryAfterSeconds))
  const warnings = (reply.warnings ?? []).map((text) => `299 - ${JSON.stringify(text)}`)
  if (warnings.length > 0) outgoing.setHeader('warning', warnings)
  outgoing.end(typeof reply.body === 'string' ? reply.body : `${JSON.stringify(reply.body)}\n`)
}

function stream(cluster: EmbeddedCluster, request: ServerRequest, outgoing: ServerResponse): void {
  const started = cluster.serveWatch(request, {
    line: (line) => {
      if (!outgoing.headersSent) head(outgoing)
      outgoing.write(`${JSON.stringify(line)}\n`)
    },
    end: () => outgoing.end(),
  })
  if (typeof started !== 'function') {
    write(outgoing, started)
    return
  }
  head(outgoing)
  outgoing.on('close', started)
}

function head(outgoing: ServerResponse): void {
  if (outgoing.headersSent) return
  outgoing.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
  outgoing.flushHeaders()
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)))
    server.closeAllConnections()
  })
}
