import { type Dispatcher, errors, request as httpRequest } from 'undici'
import type { Json } from '../lib/json.ts'
import { systemClock } from '../lib/clock.ts'
import { Problem } from '../lib/problem.ts'
import { isKindGone } from './api-problem.ts'
import { type ConnectionPool, createConnectionPool } from './dispatcher.ts'
import { type ClusterSettings, type KubeconfigChoice, loadClusterSettings } from './kubeconfig.ts'
import type { ApiRequest, ApiResponse, KubeTransport, WatchAnswer, WatchLine } from './transport.ts'
import { watchLines } from './watch-lines.ts'

export interface ConnectOptions extends KubeconfigChoice {
  /** For the server's logs and as its default field manager. */
  readonly userAgent: string
  /** How long one request may take in all, in milliseconds; 30 s when absent. */
  readonly deadlineMs?: number | undefined
  /** A watch without any line for this long is opened anew, in milliseconds; 150 s when absent (bookmarks come each minute). */
  readonly watchIdleMs?: number | undefined
  /** The longest answer, and the longest line of a watch, in bytes; 64 MiB when absent. */
  readonly maxBytes?: number | undefined
  /** Told the server's clock with each answer, in milliseconds to the second; see `createClusterClock`. Must not throw. */
  readonly onServerTime?: ((serverMs: number) => void) | undefined
}

/** A transport to a real API server. */
export interface ClusterConnection {
  readonly transport: KubeTransport
  /** Without credentials. */
  readonly serverUrl: string
  /** The namespace of the context, `default` when it names none. */
  readonly currentNamespace: string
  /** Ends all requests and watches. */
  close(): Promise<void>
}

/**
 * Prepares a connection as kubectl would: the same files, contexts, proxies and credential helpers. No request is sent yet.
 * Throws KUBECONFIG_MISSING or KUBECONFIG_INVALID (`stalled`). Requests that get no answer reject with CLUSTER_UNREACHABLE.
 */
export async function connectCluster(options: ConnectOptions): Promise<ClusterConnection> {
  const settings = await loadClusterSettings(options)
  const pool = createConnectionPool(settings.proxyUrl)
  const session = new Session(settings, pool, options)
  return {
    transport: session,
    serverUrl: settings.serverUrl,
    currentNamespace: settings.namespace,
    close: () => pool.close(),
  }
}

/** How long after a refused credential the kubeconfig is read again, at the earliest. */
const reloadEveryMs = 10_000

/** An answer that came within this time tells what time it is at the server, in milliseconds. */
const freshAnswerMs = 2_000

/** For so long after a request got no answer an API server may be one that has just started, in milliseconds. */
const startingMs = 10_000
const startingLookMs = 500

class Session implements KubeTransport {
  #settings: ClusterSettings
  #reloadedMs = 0
  /** When a request got no answer last. */
  #unansweredMs = Number.NEGATIVE_INFINITY
  readonly #pool: ConnectionPool
  readonly #options: ConnectOptions

  constructor(settings: ClusterSettings, pool: ConnectionPool, options: ConnectOptions) {
    this.#settings = settings
    this.#pool = pool
    this.#options = options
  }

  async send(request: ApiRequest): Promise<ApiResponse> {
    const deadline = AbortSignal.timeout(this.#options.deadlineMs ?? 30_000)
    const signal = request.signal === undefined ? deadline : AbortSignal.any([deadline, request.signal])
    return this.#guard(request, deadline, async () => {
      for (;;) {
        const response = await this.#whole(await this.#open(request, signal, 'requests'))
        if (!this.#mayBeStarting(response)) return response
        await systemClock.sleep(startingLookMs, signal)
      }
    })
  }

  async #whole(answer: Dispatcher.ResponseData): Promise<ApiResponse> {
    return { status: answer.statusCode, body: await this.#body(answer), retryAfterMs: retryAfterMs(answer) }
  }

  /**
   * An API server that has just started refuses everybody until it has read the roles, and knows no custom kinds until it has
   * read their definitions. Neither is for a person to mend, so it is asked again for a while before it is believed.
   */
  #mayBeStarting(response: ApiResponse): boolean {
    const isDoubtful = response.status === 401 || response.status === 403 || isKindGone(response)
    return isDoubtful && performance.now() - this.#unansweredMs < startingMs
  }

  async watch(request: ApiRequest): Promise<WatchAnswer> {
    const opening = new AbortController()
    const deadline = AbortSignal.timeout(this.#options.deadlineMs ?? 30_000)
    const onDeadline = (): void => opening.abort(deadline.reason)
    deadline.addEventListener('abort', onDeadline, { once: true })
    const signal = request.signal === undefined ? opening.signal : AbortSignal.any([opening.signal, request.signal])
    return this.#guard(request, deadline, async () => {
      for (;;) {
        const answer = await this.#open(request, signal, 'watches')
        if (answer.statusCode === 200) {
          deadline.removeEventListener('abort', onDeadline)
          return { kind: 'stream', lines: this.#lines(request, answer.body) }
        }
        const response = await this.#whole(answer)
        if (!this.#mayBeStarting(response)) return { kind: 'refused', response }
        await systemClock.sleep(startingLookMs, signal)
      }
    })
  }

  async *#lines(request: ApiRequest, body: AsyncIterable<Uint8Array>): AsyncGenerator<WatchLine> {
    try {
      yield* watchLines(body, this.#maxBytes)
    } catch (error) {
      // A watch that is silent for too long may hang on a dead connection: end it, and its reader opens the next.
      if (error instanceof errors.BodyTimeoutError) return
      throw this.#unanswered(error, request, undefined)
    }
  }

  async #open(request: ApiRequest, signal: AbortSignal, use: 'requests' | 'watches'): Promise<Dispatcher.ResponseData> {
    const sentMs = performance.now()
    const answer = await this.#ask(request, signal, use)
    const serverMs = serverTimeMs(answer)
    // The date of an answer that was long on its way says little.
    const isFresh = performance.now() - sentMs < freshAnswerMs
    if (serverMs !== undefined && isFresh) this.#options.onServerTime?.(serverMs)
    const nowMs = Date.now()
    if (answer.statusCode !== 401 || nowMs - this.#reloadedMs < reloadEveryMs) return answer
    // Credentials rotate: read the kubeconfig, and with it tokens and helpers, anew and ask once more.
    this.#reloadedMs = nowMs
    await answer.body.dump()
    this.#settings = await loadClusterSettings(this.#options)
    return this.#ask(request, signal, use)
  }

  async #ask(
    { method, path, body, contentType = 'application/json' }: ApiRequest,
    signal: AbortSignal,
    use: 'requests' | 'watches',
  ): Promise<Dispatcher.ResponseData> {
    const { authorization, headers, tls } = await this.#settings.access()
    const text = body === undefined ? undefined : JSON.stringify(body)
    return httpRequest(`${this.#settings.serverUrl}${path}`, {
      method,
      dispatcher: this.#pool.for(tls)[use],
      signal,
      headers: {
        ...headers,
        accept: 'application/json',
        'user-agent': this.#options.userAgent,
        ...(authorization === undefined ? {} : { authorization }),
        ...(text === undefined
          ? {}
          : { 'content-type': contentType, 'content-length': String(Buffer.byteLength(text)) }),
      },
      ...(text === undefined ? {} : { body: text }),
      bodyTimeout: use === 'watches' ? (this.#options.watchIdleMs ?? 150_000) : 0,
      headersTimeout: 0,
    })
  }

  async #body({ body, headers }: Dispatcher.ResponseData): Promise<Json> {
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength
      if (bytes > this.#maxBytes) throw tooLong(this.#maxBytes)
      chunks.push(chunk)
    }
    const text = Buffer.concat(chunks).toString('utf8')
    if (!String(headers['content-type'] ?? '').includes('json')) return text
    try {
      return JSON.parse(text) as Json
    } catch {
      return text
    }
  }

  async #guard<T>(request: ApiRequest, deadline: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw this.#unanswered(error, request, deadline)
    }
  }

  /** What a caller gets when no answer came: its own signal's reason, or a Problem that says which server and why. */
  #unanswered(error: unknown, request: ApiRequest, deadline: AbortSignal | undefined): unknown {
    if (error instanceof Problem) return error
    if (request.signal?.aborted === true) return request.signal.reason
    this.#unansweredMs = performance.now()
    const seconds = (this.#options.deadlineMs ?? 30_000) / 1000
    const why = deadline?.aborted === true ? `no answer within ${seconds} s` : whyOf(error)
    return new Problem({
      kind: 'retry',
      code: 'CLUSTER_UNREACHABLE',
      message: `the cluster at ${this.#settings.serverUrl} cannot be reached: ${why}`,
      hint: hintOf(error),
      cause: error,
    })
  }

  get #maxBytes(): number {
    return this.#options.maxBytes ?? 64 * 1024 * 1024
  }
}

function tooLong(bytes: number): Problem {
  const message = `the cluster's answer is longer than ${bytes} bytes`
  return new Problem({ kind: 'retry', code: 'CLUSTER_ANSWER_TOO_LONG', message })
}

/** No server is left alone for longer than this because it once asked for it, in milliseconds. */
const longestRetryAfterMs = 5 * 60_000

/** `Retry-After` in whole seconds or as a date, in milliseconds from now. A date is meant by the clock of the server that wrote it. */
function retryAfterMs(answer: Dispatcher.ResponseData): number | undefined {
  const value = String(answer.headers['retry-after'] ?? '').trim()
  if (value === '') return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - (serverTimeMs(answer) ?? Date.now())
  return Number.isNaN(ms) ? undefined : Math.min(longestRetryAfterMs, Math.max(0, ms))
}

/** The server's clock when it answered, to the second. */
function serverTimeMs({ headers }: Dispatcher.ResponseData): number | undefined {
  const ms = Date.parse(String(headers['date'] ?? ''))
  return Number.isNaN(ms) ? undefined : ms
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

function whyOf(error: unknown): string {
  const code = codeOf(error)
  const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
  if (message === '') return code === '' ? 'unknown reason' : code
  return message.includes(code) ? message : `${message} (${code})`
}

function hintOf(error: unknown): string | undefined {
  return /CERT|SELF_SIGNED|ALTNAME|ISSUER/.test(codeOf(error))
    ? "the server's certificate is not trusted: check certificate-authority and tls-server-name in the kubeconfig"
    : undefined
}
