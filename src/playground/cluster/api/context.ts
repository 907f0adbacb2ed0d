import type { Clock } from '../../../lib/clock.ts'
import type { Json } from '../../../lib/json.ts'
import type { Registry } from '../registry.ts'
import type { Store } from '../store.ts'

/** What the handlers of requests work with. */
export interface ApiContext {
  readonly store: Store
  readonly registry: Registry
  readonly clock: Clock
  /** RFC 3339, whole seconds. */
  timestamp(): string
  newUid(): string
  /** Five characters for the end of a generated name. */
  newSuffix(): string
  allocateIp(): string
}

/** A request as the server sees it, from a socket or from inside the process. */
export interface ServerRequest {
  readonly method: string
  readonly path: string
  /** The body as data, or as the text that came over the wire. */
  readonly body?: Json
  readonly text?: string
  readonly contentType?: string
  readonly accept?: string
  readonly userAgent?: string
}

/** An answer on its way out. A body that is a string is plain text. */
export interface Reply {
  readonly status: number
  readonly body: Json
  /** Texts of Warning headers. */
  readonly warnings?: readonly string[]
  readonly retryAfterSeconds?: number
}
