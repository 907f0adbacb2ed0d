import { Problem } from '../lib/problem.ts'
import type { LabelMatcher, Observer, QuerySubject, Series } from './observers/observer.ts'
import { observedProviders, observersOf } from './observers/registry.ts'
import { promqlWindow } from './promql-window.ts'

/** The checks that every canary can name without writing a query. */
export type BuiltinMetric = 'request-success-rate' | 'request-duration'

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

/** `%` of requests that did not fail, or their duration in `ms`. */
export function builtinUnit(metric: BuiltinMetric): '%' | 'ms' {
  return metric === 'request-success-rate' ? '%' : 'ms'
}

/**
 * The PromQL of a built-in check for a traffic provider over a window such as `1m`: the success rate in percent, or the duration
 * in milliseconds (the 99th percentile; for nginx and skipper the mean). An analysis with failures only is 0 %, not "no
 * values"; one without any request gives no series or NaN. Where several data planes may count a provider's requests, the
 * first that has a value answers. Throws a Problem (`stalled`): `METRICS_PROVIDER_UNAVAILABLE` for a provider without
 * built-in queries, `METRICS_TARGET_UNAVAILABLE` for a target that its data plane does not tell from others.
 */
export function builtinQuery(provider: string, metric: BuiltinMetric, subject: QuerySubject, window: string): string {
  const observers = observersOf(provider)
  if (observers.length === 0) throw noProvider(provider, metric)
  const range = `[${promqlWindow(window)}]`
  const write = metric === 'request-success-rate' ? successRate : duration
  const queries = observers.flatMap((observer) => {
    const canary = observer.canary(subject)
    return typeof canary === 'string' ? [] : [write(observer, canary, range)]
  })
  if (queries.length === 0) throw noTarget(provider, metric, subject)
  // The comparison drops NaN, which is what a data plane says that has seen the canary before but gives it nothing now.
  return queries.length === 1 ? queries.join('') : queries.map((query) => `${query} >= 0`).join(' or ')
}

function successRate({ requests, success }: Observer, canary: readonly LabelMatcher[], range: string): string {
  const good = `${sumOfRates(requests, [...canary, success], range)} or vector(0)`
  // Divided first: x / x is exactly 1, whereas 100 * x / x may come out a hair below 100.
  return `(${good}) / ${sumOfRates(requests, canary, range)} * 100`
}

function duration({ duration: series }: Observer, canary: readonly LabelMatcher[], range: string): string {
  const scale = series.unit === 's' ? ' * 1000' : ''
  return series.kind === 'p99'
    ? `histogram_quantile(0.99, ${sumOfRates(series.buckets, canary, range)} by (le))${scale}`
    : `${sumOfRates(series.sum, canary, range)} / ${sumOfRates(series.count, canary, range)}${scale}`
}

function sumOfRates({ name, only }: Series, matchers: readonly LabelMatcher[], range: string): string {
  // A PromQL string's escapes are Go's, of which JSON's are a part.
  const labels = [...matchers, ...only].map(({ label, operator, value }) => label + operator + JSON.stringify(value))
  return `sum(rate(${name}{${labels.join(',')}}${range}))`
}

const hint = 'use a MetricTemplate with a query of your own'

function noProvider(provider: string, metric: BuiltinMetric): Problem {
  return new Problem({
    kind: 'stalled',
    code: 'METRICS_PROVIDER_UNAVAILABLE',
    message: `there is no built-in query "${metric}" for the provider "${provider}"`,
    hint: `${hint}, or one of the providers ${observedProviders().join(', ')}`,
  })
}

function noTarget(provider: string, metric: BuiltinMetric, { kind, target }: QuerySubject): Problem {
  return new Problem({
    kind: 'stalled',
    code: 'METRICS_TARGET_UNAVAILABLE',
    message: `"${metric}" cannot tell the requests of ${kind} "${target}" from others with the provider "${provider}"`,
    hint,
  })
}
