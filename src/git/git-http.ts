import { Agent, request, type Dispatcher } from 'undici'
import type { Clock } from '../lib/clock.ts'
import { Problem } from '../lib/problem.ts'
import { checkStatus, networkProblem } from './http-problem.ts'
import { parseRemoteUrl, sanitize, type Credentials } from './remote-url.ts'

/** Where a repository is and how its server is spoken to. */
export interface GitHttpOptions {
  readonly url: string
  /** Asked before each request, so that a rotated token is used at once. */
  readonly credentials?: (() => Promise<Credentials | undefined>) | undefined
  readonly clock: Clock
  /** How long the server may be silent: while connecting, before its answer, and between two parts of it. */
  readonly timeoutMs: number
  /** Carries the requests instead of an own pool: for a proxy, a client certificate, a test. */
  readonly dispatcher?: Dispatcher | undefined
}

export interface GitRequest {
  readonly method: 'GET' | 'POST'
  /** Behind the repository's URL, with a slash at its start. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer | undefined
  /** The content type that a right answer has. */
  readonly expect: string
  /** How long the whole exchange may take; `timeoutMs` when left out. */
  readonly totalMs?: number | undefined
  readonly maxBytes: number
}

/** Requests to one repository over HTTP with keep-alive, deadlines and limits. Every failure is a Problem without secrets. */
export class GitHttp {
  /** The repository's URL without credentials. */
  readonly url: string
  readonly #options: GitHttpOptions
  readonly #inUrl: Credentials | undefined
  readonly #agent: Agent | undefined
  readonly #dispatcher: Dispatcher
  #secrets: readonly string[] = []

  constructor(options: GitHttpOptions) {
    const { url, credentials } = parseRemoteUrl(options.url)
    this.url = url
    this.#inUrl = credentials
    this.#options = options
    const connect = { timeout: options.timeoutMs }
    this.#agent =
      options.dispatcher === undefined ? new Agent({ connect, headersTimeout: 0, bodyTimeout: 0 }) : undefined
    this.#dispatcher = options.dispatcher ?? this.#agent ?? new Agent()
  }

  /** Foreign text without control characters and credentials. */
  clean(text: string): string {
    return sanitize(text, this.#secrets)
  }

  /** The whole answer. Rejects with a Problem for anything but 200 with the expected content type. */
  async send(wanted: GitRequest): Promise<Buffer> {
    const authorization = await this.#authorization()
    const abort = new AbortController()
    const late = (what: string): void =>
      abort.abort(
        new Problem({ kind: 'retry', code: 'GIT_TIMEOUT', message: `${what} at ${this.#host()}`, place: this.url }),
      )
    const { clock, timeoutMs } = this.#options
    const stopTotal = clock.after(wanted.totalMs ?? timeoutMs, () => late('a request took too long'))
    let stopIdle = clock.after(timeoutMs, () => late('no answer'))
    try {
      const response = await request(this.url + wanted.path, {
        method: wanted.method,
        headers: { ...wanted.headers, 'user-agent': 'git/serin', ...authorization },
        body: wanted.body ?? null,
        dispatcher: this.#dispatcher,
        signal: abort.signal,
      })
      const parts: Buffer[] = []
      let bytes = 0
      // The body of an error is read only as far as a message needs it.
      const right = response.statusCode === 200 && contentType(response.headers) === wanted.expect
      const limit = right ? wanted.maxBytes : 64 * 1024
      for await (const part of response.body) {
        stopIdle()
        stopIdle = clock.after(timeoutMs, () => late('the answer stopped'))
        if (!Buffer.isBuffer(part)) throw new TypeError('the body is not binary')
        bytes += part.length
        if (bytes > limit && right) throw this.#tooLarge(limit)
        if (bytes > limit) break
        parts.push(part)
      }
      const body = Buffer.concat(parts)
      if (!right) this.#reject(response, body)
      return body
    } catch (error) {
      const reason: unknown = abort.signal.aborted ? abort.signal.reason : error
      throw reason instanceof Problem ? reason : networkProblem(reason, this.#host(), this.url)
    } finally {
      stopTotal()
      stopIdle()
    }
  }

  /** Closes the connections. Pending requests end first. */
  async close(): Promise<void> {
    await this.#agent?.close()
  }

  #reject(response: Dispatcher.ResponseData, body: Buffer): never {
    const type = contentType(response.headers)
    const location = response.headers['location']
    throw checkStatus({
      status: response.statusCode,
      type,
      url: this.url,
      location: typeof location === 'string' ? this.clean(location) : undefined,
      text: type === 'text/plain' ? this.clean(body.toString('utf8', 0, 2048)) : '',
    })
  }

  async #authorization(): Promise<Record<string, string>> {
    const credentials = (await this.#options.credentials?.()) ?? this.#inUrl
    if (credentials === undefined) return {}
    const basic = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')
    this.#secrets = [credentials.password, encodeURIComponent(credentials.password), basic]
    return { authorization: `Basic ${basic}` }
  }

  #host(): string {
    return new URL(this.url).host
  }

  #tooLarge(limit: number): Problem {
    const message = `the answer exceeds ${Math.round(limit / 1024 / 1024)} MiB`
    return new Problem({ kind: 'stalled', code: 'GIT_TOO_LARGE', message, place: this.url })
  }
}

function contentType(headers: Dispatcher.ResponseData['headers']): string {
  const value = headers['content-type']
  return (Array.isArray(value) ? value[0] : value)?.split(';')[0]?.trim().toLowerCase() ?? ''
}
