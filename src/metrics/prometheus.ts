import { Agent, fetch, type Dispatcher, type Response } from 'undici'
import type { MetricAnswer } from '../rollout/check.ts'
import type { MetricCredentials, MetricRequest, MetricsPort } from './port.ts'
import { printable, readAnswer } from './prometheus-answer.ts'

export interface PrometheusOptions {
  /** Longest time for one answer, in milliseconds; 5000 when absent. */
  readonly timeoutMs?: number
  /** Carries the requests: a proxy, or a fake in tests. */
  readonly dispatcher?: Dispatcher
}

/** Prometheus over HTTP. Close it to end its idle connections. */
export interface PrometheusPort extends MetricsPort {
  close(): Promise<void>
}

const maxBodyBytes = 1024 * 1024

/**
 * Prometheus' instant-query API over HTTP. Status, content type, size and shape of each answer are checked; what is wrong is
 * an `error` answer that names the address without its credentials.
 */
export function createPrometheus(options: PrometheusOptions = {}): PrometheusPort {
  const timeoutMs = options.timeoutMs ?? 5000
  let trusting: Agent | undefined
  const dispatcherFor = (request: MetricRequest): Dispatcher | undefined => {
    if (options.dispatcher !== undefined || request.insecureSkipVerify !== true) return options.dispatcher
    trusting ??= new Agent({ connect: { rejectUnauthorized: false } })
    return trusting
  }
  return {
    query: (request, signal) => query(request, dispatcherFor(request), timeoutMs, signal),
    close: async () => {
      await trusting?.close()
    },
  }
}

async function query(
  request: MetricRequest,
  dispatcher: Dispatcher | undefined,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<MetricAnswer> {
  signal.throwIfAborted()
  const endpoint = endpointOf(request)
  if (typeof endpoint === 'string') return { kind: 'error', message: endpoint }
  const deadline = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(endpoint.url, {
      headers: endpoint.headers,
      // A redirect would carry headers with secrets to another host; it is reported as the answer that it is.
      redirect: 'manual',
      signal: AbortSignal.any([signal, deadline]),
      ...(dispatcher && { dispatcher }),
    })
    return await answerOf(response, endpoint)
  } catch (error) {
    signal.throwIfAborted()
    const what = deadline.aborted ? `did not answer within ${timeoutMs} ms` : `cannot be reached: ${reasonOf(error)}`
    return { kind: 'error', message: `${endpoint.shown} ${what}` }
  }
}

interface Endpoint {
  readonly url: URL
  /** Scheme, host and path, without credentials and query: safe in messages. */
  readonly shown: string
  readonly promql: string
  readonly headers: [string, string][]
}

/** The URL and headers, or what is wrong with the address. */
function endpointOf({ address, promql, headers, credentials }: MetricRequest): Endpoint | string {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    // The address may hold a password, so it is not shown.
    return 'the address of the metrics server is no http or https URL'
  }
  const known = credentials ?? inUrl(url)
  url.username = ''
  url.password = ''
  const shown = `${url.origin}${url.pathname.replace(/\/+$/, '')}`
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/query`
  const query = promql.trim()
  url.search = new URLSearchParams({ query }).toString()
  const extra = Object.entries(headers ?? {}).flatMap(([name, values]) =>
    values.map((value): [string, string] => [name, value]),
  )
  const fault = headerFault(extra)
  if (fault !== undefined) return fault
  const authorization: [string, string][] = known === undefined ? [] : [['authorization', authorizationOf(known)]]
  return { url, shown, promql: query, headers: [['accept', 'application/json'], ...extra, ...authorization] }
}

function inUrl(url: URL): MetricCredentials | undefined {
  if (url.username === '') return undefined
  return { kind: 'basic', username: decoded(url.username), password: decoded(url.password) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A lone "%" is no escape: the text is meant as it is.
    return text
  }
}

function authorizationOf(credentials: MetricCredentials): string {
  if (credentials.kind === 'token') return `Bearer ${credentials.token}`
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
}

/** The HTTP library's own message would quote the value, which may be a secret. */
function headerFault(headers: readonly (readonly [string, string])[]): string | undefined {
  const bad = headers.find(
    ([name, value]) => !/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value),
  )
  return bad === undefined ? undefined : `the header "${printable(bad[0])}" cannot be sent`
}

async function answerOf(response: Response, { shown, promql }: Endpoint): Promise<MetricAnswer> {
  const type = (response.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  if (type !== 'application/json') {
    await response.body?.cancel()
    const answered = type === '' ? 'without a content type' : printable(type)
    return { kind: 'error', message: `${shown} answered ${answered} with status ${response.status}, JSON was expected` }
  }
  const text = await limited(response)
  if (text === undefined) return { kind: 'error', message: `${shown} answered more than ${maxBodyBytes} bytes` }
  const answer = readAnswer(parsed(text), promql)
  if (answer === undefined || (answer.kind !== 'error' && !response.ok)) {
    const message = `${shown} answered status ${response.status} with something that is no Prometheus answer`
    return { kind: 'error', message }
  }
  return answer
}

/** The body's text, or undefined when it is too large. */
async function limited(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  // Leaving the loop early cancels the stream.
  for await (const chunk of response.body ?? []) {
    const bytes = chunk as Uint8Array
    size += bytes.byteLength
    if (size > maxBodyBytes) return undefined
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Undefined is no Prometheus answer either, and is reported as one that is none.
    return undefined
  }
}

/** The innermost cause: undici wraps `ECONNREFUSED 127.0.0.1:9090` into "fetch failed". */
function reasonOf(error: unknown): string {
  let here: unknown = error
  while (here instanceof Error && here.cause instanceof Error) here = here.cause
  if (!(here instanceof Error)) return 'unknown reason'
  const code = 'code' in here && typeof here.code === 'string' ? here.code : undefined
  return printable(here.message === '' ? (code ?? here.name) : here.message)
}
