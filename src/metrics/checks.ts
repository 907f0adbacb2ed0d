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

/** What built-in queries depend on and the Canary does not say. */
export interface Surroundings {
  /**
   * The configured provider. Where it is Linkerd and the canary names another one, that routes into Linkerd's mesh, whose proxies
   * count the requests.
   */
  readonly configuredProvider?: string | undefined
  /** Knative: the revision under analysis, `status.latestReadyRevisionName` of the target. */
  readonly revision?: string | undefined
}

/**
 * What an analysis asks, in the order in which it asks: built-in checks and inline queries as listed, then the
 * MetricTemplates as listed. A metric that has more than one of them asks more than once, as in Flagger. `provider` is
 * the traffic provider in force. Throws a Problem (`stalled`) when that has no built-in queries for the target but one is named.
 */
export function checksOf(canary: Canary, provider: string, surroundings: Surroundings = {}): readonly CheckQuestion[] {
  const metrics = canary.spec.analysis?.metrics ?? []
  const about = { canary, provider, ...surroundings }
  const own = metrics.flatMap((metric) => [builtinOf(about, metric), inlineOf(about, metric)])
  const templates = metrics.map((metric) => templateOf(about, metric))
  return [...own, ...templates].filter((question) => question !== undefined)
}

interface About extends Surroundings {
  readonly canary: Canary
  readonly provider: string
}

function builtinOf(about: About, metric: CanaryMetric): CheckQuestion | undefined {
  const builtin = builtinMetric(metric.name)
  if (builtin === undefined) {
    const isCustom = hasQuery(metric) || metric.templateRef !== undefined
    return isCustom ? undefined : { ...question(about, metric, 'max'), source: { kind: 'none' } }
  }
  const asked = question(about, metric, builtin === 'request-success-rate' ? 'min' : 'max')
  const subject = { ...asked.context, kind: about.canary.spec.targetRef.kind, revision: about.revision }
  const counting = about.configuredProvider === 'linkerd' ? about.configuredProvider : about.provider
  const promql = builtinQuery(counting, builtin, subject, asked.window)
  return { ...asked, source: { kind: 'builtin', promql }, unit: builtinUnit(builtin) }
}

function inlineOf(about: About, metric: CanaryMetric): CheckQuestion | undefined {
  return hasQuery(metric)
    ? { ...question(about, metric, 'max'), source: { kind: 'inline', template: metric.query ?? '' } }
    : undefined
}

function hasQuery({ query = '' }: CanaryMetric): boolean {
  return query.trim() !== ''
}

function templateOf(about: About, metric: CanaryMetric): CheckQuestion | undefined {
  const ref = metric.templateRef
  if (ref === undefined) return undefined
  const namespace = ref.namespace ?? about.canary.metadata.namespace
  return { ...question(about, metric, 'max'), source: { kind: 'template', name: ref.name, namespace } }
}

/** All of a question but its source; `deprecated` is what `threshold` means for it. */
function question(
  { canary, provider, revision }: About,
  metric: CanaryMetric,
  deprecated: 'min' | 'max',
): Omit<CheckQuestion, 'source'> {
  const { name, namespace } = canary.metadata
  const target = canary.spec.targetRef.name
  const window = metric.interval ?? defaultWindow
  return {
    metric: metric.name,
    unit: '',
    window,
    ...bounds(metric, deprecated),
    provider,
    canary: { name, namespace, target },
    context: {
      name,
      namespace,
      target,
      service: canary.spec.service.name ?? target,
      ingress: canary.spec.ingressRef?.name ?? target,
      route: revision ?? canary.spec.routeRef?.name ?? target,
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
