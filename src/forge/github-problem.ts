import { isObject, stringAt } from '../lib/json.ts'
import { Problem } from '../lib/problem.ts'
import type { ProblemDetail } from '../lib/problem.ts'

/** GitHub asks to wait at least a minute after a secondary rate limit without a `retry-after` header. */
const SECONDARY_LIMIT_MS = 60_000

/** What is needed to put an octokit error into our words. */
export interface ErrorPlace {
  /** The clause after "could not", for example `list comments`. */
  readonly action: string
  /** The API's address without credentials. */
  readonly place: string
  readonly nowMs: number
  /** Texts that must not be shown, the token first of all. */
  readonly secrets: readonly string[]
}

/**
 * Any error of an octokit call as a Problem. The original is not kept as the cause: it holds the request, and what a
 * server echoes into its answer cannot be known. Rate limits: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
export function githubProblem(error: unknown, where: ErrorPlace): Problem {
  const cause = error instanceof Error ? error.cause : undefined
  const own = error instanceof Problem ? error : cause
  if (own instanceof Problem) {
    const { kind, code, hint } = own
    return new Problem({ kind, code, hint, message: clean(own.message, where), place: where.place })
  }
  const status = statusOf(error)
  if (status === undefined) return unreachable(error, where)
  const headers = headersOf(error)
  const said = clean(stringAt(responseOf(error), 'data', 'message') ?? '', where)
  const message = `could not ${where.action}: the forge answered ${status}${said === '' ? '' : `: ${said}`}`
  return new Problem({ ...classify(status, said, headers, where.nowMs), message, place: where.place })
}

type Class = Pick<ProblemDetail, 'kind' | 'code' | 'hint' | 'retryAfterMs'>
type Headers = Readonly<Record<string, unknown>>

function classify(status: number, said: string, headers: Headers, nowMs: number): Class {
  const limited = rateLimit(status, said, headers, nowMs)
  if (limited !== null) return limited
  switch (status) {
    case 401:
      return { kind: 'stalled', code: 'FORGE_UNAUTHORIZED', hint: 'check the forge token: it is wrong or expired' }
    case 403:
      return {
        kind: 'stalled',
        code: 'FORGE_FORBIDDEN',
        hint: 'the token needs write access to pull requests and issues, and read access to contents',
      }
    case 404:
    case 410:
      return {
        kind: 'stalled',
        code: 'FORGE_NOT_FOUND',
        hint: 'check the repository name, and that the token may see the repository',
      }
    default:
      if (status === 408 || status >= 500) return { kind: 'retry', code: 'FORGE_UNREACHABLE' }
      return { kind: 'stalled', code: 'FORGE_REFUSED' }
  }
}

function rateLimit(status: number, said: string, headers: Headers, nowMs: number): Class | null {
  if (status !== 403 && status !== 429) return null
  const after = Number(headers['retry-after'])
  const reset = Number(headers['x-ratelimit-reset'])
  const limited = { kind: 'retry', code: 'FORGE_RATE_LIMITED' } as const
  if (Number.isFinite(after) && after > 0) return { ...limited, retryAfterMs: after * 1000 }
  if (headers['x-ratelimit-remaining'] === '0' && Number.isFinite(reset) && reset > 0) {
    return { ...limited, retryAfterMs: Math.max(1000, reset * 1000 - nowMs) }
  }
  if (status === 429 || /\bsecondary rate\b|\brate limit exceeded\b/i.test(said)) {
    return { ...limited, retryAfterMs: SECONDARY_LIMIT_MS }
  }
  return null
}

function unreachable(error: unknown, where: ErrorPlace): Problem {
  const said = error instanceof Error ? error.message : String(error)
  return new Problem({
    kind: 'retry',
    code: 'FORGE_UNREACHABLE',
    message: `could not ${where.action}: ${clean(said, where) || 'no connection'}`,
    place: where.place,
  })
}

/** The HTTP status of a real answer; octokit writes 500 on errors that never had one. */
function statusOf(error: unknown): number | undefined {
  const status = at(responseOf(error), 'status')
  return typeof status === 'number' ? status : undefined
}

function headersOf(error: unknown): Headers {
  const headers = at(responseOf(error), 'headers')
  return isObject(headers) ? headers : {}
}

function responseOf(error: unknown): unknown {
  return error instanceof Error ? at(error, 'response') : undefined
}

function at(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && key in value ? Reflect.get(value, key) : undefined
}

function clean(text: string, where: ErrorPlace): string {
  let result = text
  for (const secret of where.secrets) if (secret !== '') result = result.replaceAll(secret, '***')
  const line = result.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  return line.length > 300 ? `${line.slice(0, 299)}…` : line
}
