import type { Json } from '../lib/json.ts'

/** One request to a Kubernetes API server. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Absolute path with its query, for example `/api/v1/namespaces/test/services?limit=500`. */
  readonly path: string
  readonly body?: Json
  /** Of the body; `application/json` when absent. PATCH always names one. */
  readonly contentType?: string
  /** Ends the request early; a transport adds its own deadline to every request that is no watch. */
  readonly signal?: AbortSignal
}

/** An answer with any HTTP status. Bodies that are no JSON arrive as a string. */
export interface ApiResponse {
  readonly status: number
  readonly body: Json
  /** From `Retry-After`, in milliseconds. */
  readonly retryAfterMs?: number | undefined
}

/** One line of a watch: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR, and the object or Status. */
export interface WatchLine {
  readonly type: string
  readonly object: Json
}

export type WatchAnswer =
  | { readonly kind: 'stream'; readonly lines: AsyncIterable<WatchLine> }
  | { readonly kind: 'refused'; readonly response: ApiResponse }

/**
 * How requests reach an API server. The real one speaks HTTPS; the embedded cluster is one too, without a socket.
 * A transport rejects only when no answer came (a Problem of kind `retry`, or the signal's reason).
 */
export interface KubeTransport {
  send(request: ApiRequest): Promise<ApiResponse>
  /** Opens a watch. The stream ends when the server ends it, and throws when the connection breaks or the signal aborts. */
  watch(request: ApiRequest): Promise<WatchAnswer>
}
