import { at, stringAt } from '../lib/json.ts'
import { Problem, type ProblemKind } from '../lib/problem.ts'
import type { ApiResponse } from './transport.ts'

/** What a request wanted: the verb as RBAC names it, and the object or kind as messages name it. */
export interface Wanted {
  readonly verb: string
  readonly object: string
}

interface Row {
  readonly kind: ProblemKind
  readonly code: string
  readonly hint?: (wanted: Wanted) => string
}

const rows: ReadonlyMap<number, Row> = new Map<number, Row>([
  [400, { kind: 'stalled', code: 'CLUSTER_INVALID' }],
  [
    401,
    {
      kind: 'stalled',
      code: 'CLUSTER_UNAUTHORIZED',
      hint: () => 'the cluster does not accept the credentials: check the token, certificate or exec command',
    },
  ],
  [
    403,
    {
      kind: 'stalled',
      code: 'CLUSTER_FORBIDDEN',
      hint: ({ verb, object }) => `allow the verb "${verb}" on ${object} in Serin's role`,
    },
  ],
  [404, { kind: 'wait', code: 'CLUSTER_NOT_FOUND' }],
  [405, { kind: 'stalled', code: 'CLUSTER_INVALID' }],
  [409, { kind: 'retry', code: 'CLUSTER_CONFLICT' }],
  [410, { kind: 'retry', code: 'CLUSTER_EXPIRED' }],
  [413, { kind: 'stalled', code: 'CLUSTER_INVALID', hint: () => 'the object is larger than the cluster accepts' }],
  [415, { kind: 'stalled', code: 'CLUSTER_INVALID' }],
  [422, { kind: 'stalled', code: 'CLUSTER_INVALID' }],
  [429, { kind: 'retry', code: 'CLUSTER_BUSY' }],
])

/**
 * The one table from an API server's refusal to a Problem. The server's own message and causes are quoted; a namespace
 * that is going away is a `wait`, because it ends by itself.
 */
export function apiProblem(response: ApiResponse, wanted: Wanted): Problem {
  const { status, body } = response
  if (status === 403 && isNamespaceTerminating(response)) {
    return new Problem({
      kind: 'wait',
      code: 'CLUSTER_NAMESPACE_TERMINATING',
      message: `the cluster refused to ${wanted.verb} ${wanted.object}: its namespace is being deleted`,
      place: wanted.object,
    })
  }
  const row = rows.get(status) ?? fallback(status)
  return new Problem({
    kind: row.kind,
    code: row.code,
    message: `the cluster refused to ${wanted.verb} ${wanted.object}: ${reasonOf(status, body)}`,
    place: wanted.object,
    hint: row.hint?.(wanted),
    retryAfterMs: response.retryAfterMs,
  })
}

function fallback(status: number): Row {
  if (status >= 500) return { kind: 'retry', code: 'CLUSTER_FAILED' }
  return { kind: 'stalled', code: 'CLUSTER_UNEXPECTED', hint: () => 'is this address a Kubernetes API server?' }
}

function reasonOf(status: number, body: unknown): string {
  if (typeof body === 'string') return `HTTP ${status} ${quoteStart(body)}`.trim()
  const message = stringAt(body, 'message') ?? ''
  const causes = at(body, 'details', 'causes')
  const missing = (Array.isArray(causes) ? causes : [])
    .map((cause) => `${stringAt(cause, 'field') ?? ''}: ${stringAt(cause, 'message') ?? ''}`)
    .filter((cause) => cause !== ': ' && !message.includes(cause))
  const said = [message, ...missing].filter((part) => part !== '').join('; ')
  return said === '' ? `HTTP ${status}` : said
}

function quoteStart(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line === '' ? '' : JSON.stringify(line.slice(0, 200))
}

function isNamespaceTerminating(response: ApiResponse): boolean {
  const causes = at(response.body, 'details', 'causes')
  return Array.isArray(causes) && causes.some((cause) => stringAt(cause, 'reason') === 'NamespaceTerminating')
}
