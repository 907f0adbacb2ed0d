import type { Canary, CanaryMetric } from '../resources/canary.ts'
import { builtinMetric, builtinQuery, builtinUnit } from './queries.ts'
import type { TemplateContext } from './template.ts'

/** How a question is put to a metrics server. */
export type CheckSource =
  /** A query of our own; always sent to the canary's Prometheus. */
  | { readonly kind: 'builtin'; readonly promql: string }
  /** The deprecated `query` of the metric, with its template actions still in it. */
  | { readonly kind: 'inline'; readonly template: string }
  /** A MetricTemplate, to be looked up. */
  | { readonly kind: 'template'; readonly name: string; readonly namespace: string }
  /** A name of the user's own, and nothing that says what to ask. */
  | { readonly kind: 'none' }

/** One question of an analysis, and all that is needed to ask it and to hold the answer against its bounds. */
export interface CheckQuestion {
  /** The metric's name in the Canary. */
  readonly metric: string
  readonly source: CheckSource
  readonly unit: '%' | 'ms' | ''
  /** The query's window as the Canary writes it; `1m` when it does not. */
  readonly window: string
  /** Inclusive bounds. */
  readonly min?: number
  readonly max?: number
  /** The traffic provider, for the sentences. */
  readonly provider: string
  readonly canary: { readonly name: string; readonly namespace: string; readonly target: string }
  /** What template actions in the query refer to. */
  readonly context: TemplateContext
}

const defaultWindow = '1m'

/**
 * What an analysis asks, in the order in which it asks: built-in checks and inline queries as listed, then the
 * MetricTemplates as listed. A metric that has more than one of them asks more than once, as in Flagger. `provider` is
 * the traffic provider in force. Throws a Problem (`stalled`) when that has no built-in queries but one is named.
 */
export function checksOf(canary: Canary, provider: string): readonly CheckQuestion[] {
  const metrics = canary.spec.analysis?.metrics ?? []
  const own = metrics.flatMap((metric) => [builtinOf(canary, provider, metric), inlineOf(canary, provider, metric)])
  const templates = metrics.map((metric) => templateOf(canary, provider, metric))
  return [...own, ...templates].filter((question) => question !== undefined)
}

function builtinOf(canary: Canary, provider: string, metric: CanaryMetric): CheckQuestion | undefined {
  const builtin = builtinMetric(metric.name)
  if (builtin === undefined) {
    const isCustom = metric.query !== undefined || metric.templateRef !== undefined
    return isCustom ? undefined : { ...question(canary, provider, metric), source: { kind: 'none' } }
  }
  const { kind, name: target } = canary.spec.targetRef
  const window = metric.interval ?? defaultWindow
  const subject = { namespace: canary.metadata.namespace, kind, target, window }
  return {
    ...question(canary, provider, metric),
    source: { kind: 'builtin', promql: builtinQuery(provider, builtin, subject) },
    unit: builtinUnit(builtin),
    ...bounds(metric, builtin === 'request-success-rate' ? 'min' : 'max'),
  }
}

function inlineOf(canary: Canary, provider: string, metric: CanaryMetric): CheckQuestion | undefined {
  if (metric.query === undefined || metric.query === '') return undefined
  return { ...question(canary, provider, metric), source: { kind: 'inline', template: metric.query } }
}

function templateOf(canary: Canary, provider: string, metric: CanaryMetric): CheckQuestion | undefined {
  const ref = metric.templateRef
  if (ref === undefined) return undefined
  const namespace = ref.namespace ?? canary.metadata.namespace
  return { ...question(canary, provider, metric), source: { kind: 'template', name: ref.name, namespace } }
}

function question(canary: Canary, provider: string, metric: CanaryMetric): Omit<CheckQuestion, 'source'> {
  const { name, namespace } = canary.metadata
  const target = canary.spec.targetRef.name
  const window = metric.interval ?? defaultWindow
  return {
    metric: metric.name,
    unit: '',
    window,
    ...bounds(metric, 'max'),
    provider,
    canary: { name, namespace, target },
    context: {
      name,
      namespace,
      target,
      service: canary.spec.service.name ?? target,
      ingress: canary.spec.ingressRef?.name ?? target,
      route: canary.spec.routeRef?.name ?? target,
      interval: window,
      variables: metric.templateVariables ?? {},
    },
  }
}

/**
 * `thresholdRange` as written. Without one, the deprecated `threshold` is the least success rate or the highest of
 * anything else, and 0 when it is left out: Flagger's meaning, under which a check without bounds does not pass for free.
 */
function bounds(metric: CanaryMetric, deprecated: 'min' | 'max'): { readonly min?: number; readonly max?: number } {
  const range = metric.thresholdRange
  if (range === undefined) return { [deprecated]: metric.threshold ?? 0 }
  return {
    ...(range.min !== undefined && { min: range.min }),
    ...(range.max !== undefined && { max: range.max }),
  }
}
