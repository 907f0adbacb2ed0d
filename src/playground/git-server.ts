import { spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gitEnvironment } from './git-environment.ts'

/** A request as a fault hook sees it. */
export interface GitServerRequest {
  readonly method: string
  /** With the query. */
  readonly url: string
  /** The answer is Git's to a push. */
  readonly isPush: boolean
}

/**
 * What goes wrong with one request: `delay` before Git sees it; `cut` the connection `before` Git sees it or `after`
 * Git did all of it, or after so many bytes of the answer; an HTTP status; a page of HTML instead of Git.
 */
export type GitServerFault =
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'cut'; readonly when: 'before' | 'after' }
  | { readonly kind: 'truncate'; readonly bytes: number }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: 'html' }

export interface GitServerOptions {
  /** The folder whose bare repositories are served. */
  readonly root: string
  /** 0, the default, takes a free one. */
  readonly port?: number
  readonly auth?: { readonly username: string; readonly password: string }
  /** Speaks protocol 0 only, as servers did before 2018. */
  readonly oldProtocol?: boolean
  /** Told the repository's name after each request that may have changed it. Must not throw. */
  readonly onPush?: (repository: string) => void
  /** Asked once for each request with the right credentials. */
  readonly fault?: (request: GitServerRequest) => GitServerFault | undefined
}

export interface GitServer {
  /** `http://127.0.0.1:<port>`; a repository is at `<url>/<name>`. */
  readonly url: string
  /** How many requests have come in. */
  requests(): number
  close(): Promise<void>
}

/**
 * Serves bare repositories over smart HTTP on 127.0.0.1, through the `git http-backend` that comes with Git. A CGI
 * process is never killed when its client hangs up: it would leave locks that block every later push.
 */
export async function serveGit(options: GitServerOptions): Promise<GitServer> {
  let count = 0
  const running = new Set<Promise<void>>()
  const server = createServer((request, response) => {
    count += 1
    const done = handle(options, request, response).catch(() => {
      response.destroy()
    })
    running.add(done)
    void done.finally(() => running.delete(done))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    requests: () => count,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      await Promise.all(running)
      server.closeAllConnections()
      await closed
    },
  }
}

async function handle(options: GitServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request)
  const url = new URL(request.url ?? '/', 'http://localhost')
  const isPush = url.pathname.endsWith('/git-receive-pack')
  if (!isAuthorized(options, request)) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
    return
  }
  const fault = options.fault?.({ method: request.method ?? 'GET', url: request.url ?? '/', isPush })
  if (fault !== undefined && answerWrongly(fault, response)) return
  if (fault?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, fault.ms))
  const answer = await backend(options, url, request, body)
  if (isPush) options.onPush?.(url.pathname.replace(/^\/|\/git-receive-pack$/g, ''))
  if (fault?.kind === 'cut') return void response.destroy()
  response.writeHead(answer.status, { ...answer.headers, 'content-length': String(answer.body.length) })
  if (fault?.kind === 'truncate') response.write(answer.body.subarray(0, fault.bytes), () => response.destroy())
  else response.end(answer.body)
}

/** Faults for which Git is not asked at all. */
function answerWrongly(fault: GitServerFault, response: ServerResponse): boolean {
  if (fault.kind === 'status') {
    response.writeHead(fault.status, { ...fault.headers, 'content-type': 'text/plain' }).end('as ordered')
  } else if (fault.kind === 'html') {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Please sign in</body></html>')
  } else if (fault.kind === 'cut' && fault.when === 'before') {
    response.destroy()
  } else {
    return false
  }
  return true
}

function isAuthorized(options: GitServerOptions, request: IncomingMessage): boolean {
  if (options.auth === undefined) return true
  const { username, password } = options.auth
  return request.headers.authorization === `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

interface CgiAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

async function backend(
  options: GitServerOptions,
  url: URL,
  request: IncomingMessage,
  body: Buffer,
): Promise<CgiAnswer> {
  const protocol = options.oldProtocol === true ? undefined : request.headers['git-protocol']
  const child = spawn('git', ['http-backend'], {
    env: {
      ...gitEnvironment,
      GIT_PROJECT_ROOT: options.root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      REMOTE_USER: 'demo',
      REMOTE_ADDR: '127.0.0.1',
      ...(typeof protocol === 'string' ? { GIT_PROTOCOL: protocol } : {}),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  // Git may end before it has read all that it was sent.
  child.stdin.on('error', () => undefined)
  child.stdin.end(body)
  const failed = new Promise<never>((_resolve, reject) => child.once('error', reject))
  const parts: Buffer[] = []
  const read = async (): Promise<CgiAnswer> => {
    for await (const part of child.stdout) if (Buffer.isBuffer(part)) parts.push(part)
    return parseCgi(Buffer.concat(parts))
  }
  return Promise.race([read(), failed])
}

function parseCgi(output: Buffer): CgiAnswer {
  const end = output.indexOf('\r\n\r\n')
  if (end < 0)
    return { status: 502, headers: { 'content-type': 'text/plain' }, body: Buffer.from('no answer from git') }
  const headers: Record<string, string> = {}
  let status = 200
  for (const line of output.toString('latin1', 0, end).split('\r\n')) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (name === 'status') status = Number.parseInt(value, 10)
    else headers[name] = value
  }
  return { status, headers, body: output.subarray(end + 4) }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) if (Buffer.isBuffer(part)) parts.push(part)
  return Buffer.concat(parts)
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}
