import type { MetricAnswer } from '../rollout/check.ts'

/** How a metrics server knows who asks. Never logged, never part of a message. */
export type MetricCredentials =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }

/** One instant query to one Prometheus server. */
export interface MetricRequest {
  /** `http://host:port`, with a path prefix where the server has one. */
  readonly address: string
  readonly promql: string
  /** Sent along, each name with one or more values. */
  readonly headers?: Readonly<Record<string, readonly string[]>> | undefined
  readonly credentials?: MetricCredentials | undefined
  /** Accept any certificate. */
  readonly insecureSkipVerify?: boolean | undefined
}

/**
 * Where metric values come from: a Prometheus over HTTP, or one in process. Whatever goes wrong with the server is an
 * answer of kind `error`; it rejects only with the signal's reason, when the caller gives up.
 */
export interface MetricsPort {
  query(request: MetricRequest, signal: AbortSignal): Promise<MetricAnswer>
}
