import { Problem } from '../lib/problem.ts'

/** The checks that every canary can name without writing a query. */
export type BuiltinMetric = 'request-success-rate' | 'request-duration'

/** What a built-in query is about: the workload under analysis and the window. */
export interface QuerySubject {
  readonly namespace: string
  /** The target's kind and name. */
  readonly kind: string
  readonly target: string
  /** The window, for example `1m`. */
  readonly window: string
}

const aliases: Readonly<Record<string, BuiltinMetric>> = {
  'request-success-rate': 'request-success-rate',
  'request-duration': 'request-duration',
  istio_requests_total: 'request-success-rate',
  istio_request_duration_seconds_bucket: 'request-duration',
  envoy_cluster_upstream_rq: 'request-success-rate',
  envoy_cluster_upstream_rq_time_bucket: 'request-duration',
}

/** The built-in check that a metric's name means, older names included; undefined for a name of the user's own. */
export function builtinMetric(name: string): BuiltinMetric | undefined {
  return Object.hasOwn(aliases, name) ? aliases[name] : undefined
}

/** `%` of requests that did not fail, or the 99th percentile of their duration in `ms`. */
export function builtinUnit(metric: BuiltinMetric): '%' | 'ms' {
  return metric === 'request-success-rate' ? '%' : 'ms'
}

/** Where one kind of data plane leaves its counts: series names, the canary's labels, the label of the status code. */
interface Observer {
  readonly count: string
  readonly bucket: string
  readonly labels: (subject: QuerySubject) => string
  readonly code: string
  readonly toMs: number
}

const istio: Observer = {
  count: 'istio_requests_total',
  bucket: 'istio_request_duration_milliseconds_bucket',
  labels: ({ namespace, target }) =>
    `reporter="destination",destination_workload_namespace=${quoted(namespace)},destination_workload=${quoted(target)}`,
  code: 'response_code',
  toMs: 1,
}

const pods: Observer = {
  count: 'http_request_duration_seconds_count',
  bucket: 'http_request_duration_seconds_bucket',
  labels: (subject) =>
    `kubernetes_namespace=${quoted(subject.namespace)},kubernetes_pod_name=~${quoted(canaryPods(subject))}`,
  code: 'status',
  toMs: 1000,
}

const observers: Readonly<Record<string, Observer>> = { istio, 'gatewayapi:v1': pods, kubernetes: pods }

/**
 * The PromQL of a built-in check for a traffic provider: the success rate in percent, or the P99 in milliseconds.
 * An analysis with no successful request at all is 0 %, not "no values"; one with no request at all stays empty.
 * Throws a Problem (`stalled`, `METRICS_PROVIDER_UNAVAILABLE`) for a provider without built-in queries.
 */
export function builtinQuery(provider: string, metric: BuiltinMetric, subject: QuerySubject): string {
  const observer = Object.hasOwn(observers, provider) ? observers[provider] : undefined
  if (observer === undefined) {
    throw new Problem({
      kind: 'stalled',
      code: 'METRICS_PROVIDER_UNAVAILABLE',
      message: `there is no built-in query "${metric}" for the provider "${provider}"`,
      hint: `use a MetricTemplate, or one of the providers ${Object.keys(observers).join(', ')}`,
    })
  }
  const labels = observer.labels(subject)
  const window = `[${subject.window}]`
  if (metric === 'request-success-rate') {
    const good = `sum(rate(${observer.count}{${labels},${observer.code}!~"5.*"}${window})) or vector(0)`
    // Divided first: x / x is exactly 1, whereas 100 * x / x may come out a hair below 100.
    return `(${good}) / sum(rate(${observer.count}{${labels}}${window})) * 100`
  }
  const scale = observer.toMs === 1 ? '' : ` * ${observer.toMs}`
  return `histogram_quantile(0.99, sum(rate(${observer.bucket}{${labels}}${window})) by (le))${scale}`
}

/**
 * The pods of the target and not those of its primary. A Deployment's pods have two generated segments after its name
 * and the primary's three (`-primary-` counts as one), so the pattern takes exactly two; a DaemonSet's have one.
 */
function canaryPods({ kind, target }: QuerySubject): string {
  const name = target.replaceAll('.', '\\.')
  return kind === 'DaemonSet' ? `${name}-[0-9a-zA-Z]+` : `${name}-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)`
}

/** A PromQL string. Its escapes are Go's, of which JSON's are a part. */
function quoted(text: string): string {
  return JSON.stringify(text)
}
