import { isObject, type Json, type JsonObject } from '../lib/json.ts'

/** A Canary of any version in the words of v1beta1, and the way back from its paths to the ones of the document. */
export interface ConvertedCanary {
  readonly object: JsonObject
  /** The path in the document as it was written. */
  readonly pathBack: (path: readonly (string | number)[]) => readonly (string | number)[]
}

const OLDER = new Set(['flagger.app/v1alpha1', 'flagger.app/v1alpha2', 'flagger.app/v1alpha3'])

/** Names of the built-in metrics in older versions. */
const METRIC_NAMES: Readonly<Record<string, string>> = {
  istio_requests_total: 'request-success-rate',
  istio_request_duration_seconds_bucket: 'request-duration',
  envoy_cluster_upstream_rq: 'request-success-rate',
  envoy_cluster_upstream_rq_time_bucket: 'request-duration',
}

/**
 * Reads v1alpha1, v1alpha2 and v1alpha3 as v1beta1: `canaryAnalysis` becomes `analysis` with the interval and threshold
 * that were implied then, and the built-in metrics get their present names (in v1beta1 too, where the old ones still work).
 * The deprecated `threshold` of a metric keeps its meaning: least success rate, otherwise highest value.
 *
 * With `acceptsOldField`, `canaryAnalysis` means the same in v1beta1 when there is no `analysis`: an API server gives what
 * was applied in an older version back as v1beta1, with its fields as they were written.
 */
export function convertCanary(object: JsonObject, acceptsOldField: boolean): ConvertedCanary {
  const spec = isObject(object['spec']) ? object['spec'] : undefined
  if (spec === undefined) return { object: withVersion(object), pathBack: (path) => path }
  const isOlder = isOlderVersion(object)
  const isRenamed = (isOlder || acceptsOldField) && spec['analysis'] === undefined && isObject(spec['canaryAnalysis'])
  const { canaryAnalysis, ...others } = spec
  const renamed: JsonObject = isRenamed ? { ...others, analysis: canaryAnalysis } : spec
  const analysis = renamed['analysis']
  const isAsBefore = isOlder || isRenamed
  const converted = isObject(analysis) ? { ...renamed, analysis: convertAnalysis(analysis, isAsBefore) } : renamed
  return {
    object: { ...withVersion(object), spec: converted },
    pathBack: (path) =>
      isRenamed && path[0] === 'spec' && path[1] === 'analysis' ? ['spec', 'canaryAnalysis', ...path.slice(2)] : path,
  }
}

function isOlderVersion(object: JsonObject): boolean {
  const version = object['apiVersion']
  return typeof version === 'string' && OLDER.has(version)
}

function withVersion(object: JsonObject): JsonObject {
  return isOlderVersion(object) ? { ...object, apiVersion: 'flagger.app/v1beta1' } : object
}

function convertAnalysis(analysis: JsonObject, isAsBefore: boolean): JsonObject {
  const implied = isAsBefore ? { interval: '1m', threshold: 1 } : {}
  const { metrics } = analysis
  if (!Array.isArray(metrics)) return { ...implied, ...analysis }
  return { ...implied, ...analysis, metrics: metrics.map((metric: Json) => convertMetric(metric)) }
}

function convertMetric(metric: Json): Json {
  if (!isObject(metric) || metric['query'] !== undefined || metric['templateRef'] !== undefined) return metric
  const name = metric['name']
  const present = typeof name === 'string' ? METRIC_NAMES[name] : undefined
  return present === undefined ? metric : { ...metric, name: present }
}
