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
  readonly hint?: (wanted: Wanted, message: string) => string
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
      hint: forbiddenHint,
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
  if (isKindGone(response)) {
    return new Problem({
      kind: 'wait',
      code: 'CLUSTER_KIND_MISSING',
      message: `the cluster refused to ${wanted.verb} ${wanted.object}: it does not serve its kind at the moment`,
      place: wanted.object,
      hint: 'install its custom resource definitions, or choose another provider or version',
    })
  }
  const row = isUnknownField(response) ? unknownField : (rows.get(status) ?? fallback(status))
  return new Problem({
    kind: row.kind,
    code: row.code,
    message: `the cluster refused to ${wanted.verb} ${wanted.object}: ${reasonOf(status, body)}`,
    place: wanted.object,
    hint: row.hint?.(wanted, stringAt(body, 'message') ?? ''),
    retryAfterMs: response.retryAfterMs,
  })
}

/**
 * Whether a 404 is about the kind and not about an object: its path is not served. So answers also an API server that has just
 * started and has not read its definitions yet; that an object is gone does not follow.
 */
export function isKindGone({ status, body }: ApiResponse): boolean {
  if (status !== 404) return false
  return typeof body === 'string' || /could not find the requested resource/.test(messageOf(body))
}

/**
 * Server-side apply of a field that the server's schema does not have. Older servers call it a failure of their own (HTTP 500)
 * and give it no reason, so there is only the text to tell it by.
 */
function isUnknownField({ status, body }: ApiResponse): boolean {
  return (
    status === 500 && /failed to create typed (patch|live) object|field not declared in schema/.test(messageOf(body))
  )
}

const unknownField: Row = {
  kind: 'stalled',
  code: 'CLUSTER_INVALID',
  hint: () => 'the cluster does not know this field: its version, or that of the custom resource definition, is older',
}

/** RBAC's own words name the user, the verb (an apply of a new object needs `create` too) and the resource. */
function forbiddenHint({ verb, object }: Wanted, message: string): string {
  const [, user, denied, resource, group = ''] =
    /User "([^"]+)" cannot (\w+) resource "([^"]+)" in API group "([^"]*)"/.exec(message) ?? []
  if (user === undefined) return `allow the verb "${verb}" on ${object} in Serin's role`
  const full = group === '' ? `${resource}` : `${resource}.${group}`
  return `add the verb "${denied}" on "${full}" to the role of ${user}: Serin's roles are in manifests/base/rbac.yaml`
}

function fallback(status: number): Row {
  if (status >= 500) return { kind: 'retry', code: 'CLUSTER_FAILED' }
  return { kind: 'stalled', code: 'CLUSTER_UNEXPECTED', hint: () => 'is this address a Kubernetes API server?' }
}

function reasonOf(status: number, body: unknown): string {
  if (typeof body === 'string') return `HTTP ${status} ${quoteStart(body)}`.trim()
  const message = messageOf(body)
  const causes = at(body, 'details', 'causes')
  const missing = (Array.isArray(causes) ? causes : [])
    .map((cause) => `${stringAt(cause, 'field') ?? ''}: ${stringAt(cause, 'message') ?? ''}`)
    .filter((cause) => cause !== ': ' && !message.includes(cause))
  const said = [message, ...missing].filter((part) => part !== '').join('; ')
  return said === '' ? `HTTP ${status}` : said
}

function messageOf(body: unknown): string {
  return stringAt(body, 'message') ?? ''
}

function quoteStart(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line === '' ? '' : JSON.stringify(line.slice(0, 200))
}

function isNamespaceTerminating(response: ApiResponse): boolean {
  const causes = at(response.body, 'details', 'causes')
  return Array.isArray(causes) && causes.some((cause) => stringAt(cause, 'reason') === 'NamespaceTerminating')
}
