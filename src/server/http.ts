import fastify from 'fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Registry } from 'prom-client'
import { z } from 'zod'
import { Problem } from '../lib/problem.ts'
import { isSigned } from './signature.ts'

const BODY_LIMIT_BYTES = 1024 * 1024
const REQUEST_TIMEOUT_MS = 10_000

/** A branch that somebody pushed to, as a webhook says; absent members were not named. */
export interface Push {
  /** `owner/name`. */
  readonly repository?: string
  /** For example `refs/heads/main`. */
  readonly ref?: string
}

export interface ServerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Asked for each `/readyz`; the reasons say what is missing. */
  readonly ready: () => { readonly ok: boolean; readonly reasons: readonly string[] }
  readonly registry: Pick<Registry, 'metrics' | 'contentType'>
  /** Webhooks without a signature made with it are turned down; without a secret all are taken. */
  readonly webhookSecret?: string
  /** Told of a push. A hint to look, never more: the same push may come twice, late, or from anyone if there is no secret. Must not throw. */
  readonly onPush: (push: Push) => void
  /** How long `close` waits for requests under way before it cuts them, in milliseconds; 2000 by default. */
  readonly closeGraceMs?: number
}

export interface RunningServer {
  /** For example `http://127.0.0.1:8080`. */
  readonly url: string
  /** Takes no new requests, answers those under way within the grace, resolves when the port is free. */
  close(): Promise<void>
}

/**
 * Serves `/healthz`, `/readyz`, `/metrics` and the push webhooks of `serin run`. Rejects with the Problem
 * `SERVER_PORT` (stalled) when it cannot listen there.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const app = createServer(options)
  try {
    const url = await app.listen({ host: options.host, port: options.port })
    return { url, close: async () => closeWithin(app, options.closeGraceMs ?? 2000) }
  } catch (error) {
    await app.close()
    throw new Problem({
      kind: 'stalled',
      code: 'SERVER_PORT',
      message: `could not listen: ${error instanceof Error ? error.message : 'unknown reason'}`,
      place: `${options.host}:${options.port}`,
      hint: 'choose another port, or end the process that uses this one',
    })
  }
}

async function closeWithin(app: FastifyInstance, graceMs: number): Promise<void> {
  // Node does not count a connection that never sent a request as idle, and would wait for it for ever.
  const timer = setTimeout(() => app.server.closeAllConnections(), graceMs)
  try {
    await app.close()
  } finally {
    clearTimeout(timer)
  }
}

/** The server without a port, for tests. */
export function createServer(options: ServerOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
  })
  app.setErrorHandler(async (error, _request, reply) => sendError(reply, statusOf(error)))
  app.setNotFoundHandler(async (_request, reply) => sendError(reply, 404))
  app.get('/healthz', async () => ({ ok: true }))
  app.get('/readyz', async (_request, reply) => {
    const answer = options.ready()
    return reply.status(answer.ok ? 200 : 503).send(answer)
  })
  app.get('/metrics', async (_request, reply) => {
    const text = await options.registry.metrics()
    return reply.type(options.registry.contentType).send(text)
  })
  addWebhooks(app, options)
  return app
}

function addWebhooks(app: FastifyInstance, options: ServerOptions): void {
  // The signature is over the bytes, so they are kept as they came; parsing is ours.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  const receive = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    if (!Buffer.isBuffer(request.body)) return sendError(reply, 415)
    const signature = request.headers['x-hub-signature-256']
    const header = typeof signature === 'string' ? signature : undefined
    if (options.webhookSecret !== undefined && !isSigned(request.body, header, options.webhookSecret)) {
      return sendError(reply, 401)
    }
    const push = readPush(request.body)
    if (push === null) return sendError(reply, 400)
    const event = request.headers['x-github-event']
    const isPush = event === undefined || event === 'push'
    if (isPush) options.onPush(push)
    return reply.status(202).send({ accepted: isPush })
  }
  app.post('/webhooks/push', receive)
  app.post('/webhooks/github', receive)
}

const PushBody = z.object({
  ref: z.string().max(1000).optional(),
  repository: z.union([z.string().max(1000), z.object({ full_name: z.string().max(1000) })]).optional(),
})

/** GitHub's push event, or the same in short: `{"repository": "owner/name", "ref": "refs/heads/main"}`, both optional. */
function readPush(body: Buffer): Push | null {
  const result = PushBody.safeParse(parseJson(body))
  if (!result.success) return null
  const { ref, repository } = result.data
  const name = typeof repository === 'string' ? repository : repository?.full_name
  return { ...(ref === undefined ? {} : { ref }), ...(name === undefined ? {} : { repository: name }) }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

const MESSAGES: Readonly<Record<number, string>> = {
  400: 'the body is not a push event in JSON',
  401: 'the signature is missing or wrong: give the webhook the secret that serin has',
  404: 'there is nothing here',
  413: `the body is larger than ${BODY_LIMIT_BYTES} bytes`,
  415: 'send the webhook as application/json',
}

/** What went wrong in a sentence; nothing of the inside. */
async function sendError(reply: FastifyReply, status: number): Promise<FastifyReply> {
  return reply.status(status).send({ error: MESSAGES[status] ?? 'something went wrong here' })
}

function statusOf(error: unknown): number {
  const status: unknown = error instanceof Error ? Reflect.get(error, 'statusCode') : undefined
  return typeof status === 'number' && status >= 400 ? status : 500
}
