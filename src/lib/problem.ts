/**
 * What happens next decides the kind of an error, where the error is born:
 * - `retry`: transient; try again with back-off.
 * - `wait`: not yet; look again when the world changes.
 * - `stalled`: a person must change something; trying again alone does not help.
 * - `bug`: an invariant of our own broke.
 */
export type ProblemKind = 'retry' | 'wait' | 'stalled' | 'bug'

export interface ProblemDetail {
  readonly kind: ProblemKind
  /** Stable name in capitals, for example `GIT_AUTH_DENIED`: what logs, tests and docs refer to. */
  readonly code: string
  /** What happened: one clause, lower case, no full stop, user values quoted, no secrets. */
  readonly message: string
  /** Where: `file:line:column`, `Kind/name.namespace`, a commit or a URL without credentials. */
  readonly place?: string | undefined
  /** What the reader should do. */
  readonly hint?: string | undefined
  /** Not earlier than after this many milliseconds, where the other side named a time. */
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}

/** An error with a place and a hint. Its message is safe to show: adapters strip secrets before they make one. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly kind: ProblemKind
  readonly code: string
  readonly place: string | undefined
  readonly hint: string | undefined
  readonly retryAfterMs: number | undefined

  constructor(detail: ProblemDetail) {
    super(detail.message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.kind = detail.kind
    this.code = detail.code
    this.place = detail.place
    this.hint = detail.hint
    this.retryAfterMs = detail.retryAfterMs
  }

  /** Place, message and hint in one line, as a person reads it in a log, an event or a comment. */
  override toString(): string {
    const place = this.place === undefined ? '' : `${this.place}: `
    const hint = this.hint === undefined ? '' : ` (${this.hint})`
    return `${place}${this.message}${hint}`
  }
}

/** Any thrown thing as a Problem: ours stay as they are, foreign ones become bugs named after their message. */
export function toProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new Problem({ kind: 'bug', code: 'UNEXPECTED', message, cause: thrown })
}
