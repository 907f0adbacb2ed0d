import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'

/** An answer in the place of the API server. */
export interface DoorAnswer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface DoorRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly isWatch: boolean
}

/** What happens to requests from now on; tests set and clear the members. */
export interface DoorFaults {
  /** Answers in the place of the API server. */
  answer: ((request: DoorRequest) => DoorAnswer | undefined) | undefined
  /** How long a request waits before it goes on, in milliseconds. */
  delayMs: number
  /** The API server gets these requests and does what they say; its answers are lost. */
  loseAnswerOf: ((request: DoorRequest) => boolean) | undefined
}

/** A way to an API server on which a test can do harm. */
export interface ApiDoor {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly faults: DoorFaults
  /** Requests since the start, watches too, answered here or there. */
  readonly requests: DoorRequest[]
  /** How many requests the API server itself answered with a status. */
  turnedAway(status: number): number
  /** Ends all open watches in the middle: with a FIN, or with a reset. */
  cutWatches(how: 'end' | 'reset'): void
  /** All watches that are open now stay open and never bring a byte again, as when a balancer forgets where they lead. */
  stallWatches(): void
  close(): Promise<void>
}

interface OpenWatch {
  readonly outgoing: ServerResponse
  isStalled: boolean
}

/** Opens a door of plain HTTP on 127.0.0.1 before a real API server. */
export async function startApiDoor(url: string, caPath: string): Promise<ApiDoor> {
  const agent = new Agent({ keepAlive: true, ca: readFileSync(caPath) })
  const watches = new Set<OpenWatch>()
  const requests: DoorRequest[] = []
  const statuses = new Map<number, number>()
  const faults: DoorFaults = { answer: undefined, delayMs: 0, loseAnswerOf: undefined }

  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const asked = requestOf(incoming)
    requests.push(asked)
    if (faults.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, faults.delayMs))
    const answer = faults.answer?.(asked)
    if (answer !== undefined) return write(outgoing, answer)
    forward(asked, incoming, outgoing)
  }

  function forward(asked: DoorRequest, incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { host: _host, ...headers } = incoming.headers
    const upstream = httpsRequest(`${url}${asked.path}`, { agent, method: asked.method, headers }, (answer) => {
      const status = answer.statusCode ?? 502
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (faults.loseAnswerOf?.(asked) === true) {
        answer.resume()
        return void outgoing.destroy()
      }
      outgoing.writeHead(status, answer.headers)
      outgoing.flushHeaders()
      if (!asked.isWatch) return void answer.pipe(outgoing)
      const open: OpenWatch = { outgoing, isStalled: false }
      watches.add(open)
      outgoing.once('close', () => watches.delete(open))
      answer.on('data', (chunk: Buffer) => {
        if (!open.isStalled) outgoing.write(chunk)
      })
      answer.once('end', () => {
        if (!open.isStalled) outgoing.end()
      })
      answer.once('error', () => outgoing.destroy())
    })
    upstream.once('error', () => outgoing.destroy())
    outgoing.once('close', () => upstream.destroy())
    incoming.pipe(upstream)
  }

  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => outgoing.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults,
    requests,
    turnedAway: (status) => statuses.get(status) ?? 0,
    cutWatches: (how) => {
      for (const { outgoing } of watches) {
        if (how === 'reset') outgoing.socket?.resetAndDestroy()
        else outgoing.socket?.end()
      }
    },
    stallWatches: () => {
      for (const open of watches) open.isStalled = true
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      agent.destroy()
      await closed
    },
  }
}

function requestOf({ method = 'GET', url = '/' }: IncomingMessage): DoorRequest {
  return { method, path: url, isWatch: new URL(url, 'http://localhost').searchParams.get('watch') === '1' }
}

function write(outgoing: ServerResponse, { status, body, headers }: DoorAnswer): void {
  const isText = typeof body === 'string'
  const type = isText ? 'text/plain' : 'application/json'
  outgoing.writeHead(status, { 'content-type': type, ...headers }).end(isText ? body : JSON.stringify(body))
}

/** A refusal in Kubernetes' own form. */
export function refusal(status: number, reason: string, message: string): DoorAnswer {
  return { status, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, code: status } }
}
