import { askCheck } from '../metrics/ask.ts'
import { checksOf } from '../metrics/checks.ts'
import type { MetricsPort } from '../metrics/port.ts'
import type { MetricTemplate } from '../resources/metric-template.ts'
import type { Check } from '../rollout/check.ts'
import type { CanarySource } from '../source/canaries.ts'
import { providerOf, type CanaryDefaults } from './rollout-spec.ts'

export interface AnalysisOptions {
  readonly port: MetricsPort
  readonly defaults: CanaryDefaults
  /** A MetricTemplate that is only in the cluster. */
  readonly template: (namespace: string, name: string) => Promise<MetricTemplate | undefined>
  readonly secret: (namespace: string, name: string) => Promise<Readonly<Record<string, string>> | undefined>
  readonly signal: AbortSignal
}

/** Asks all metrics of a canary's analysis at once and gives the checks in the order of the Canary. */
export async function analyse(source: CanarySource, options: AnalysisOptions): Promise<readonly Check[]> {
  const { canary, metricTemplates } = source
  const { port, defaults, secret, signal } = options
  const sources = {
    port,
    address: canary.spec.metricsServer ?? defaults.metricsServer,
    template: async (namespace: string, name: string) =>
      metricTemplates.get(`${namespace}/${name}`) ?? (await options.template(namespace, name)),
    secret,
  }
  const questions = checksOf(canary, providerOf(canary, defaults), { configuredProvider: defaults.provider })
  return Promise.all(questions.map((question) => askCheck(question, sources, signal)))
}
