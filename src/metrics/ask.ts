import { Problem } from '../lib/problem.ts'
import type { MetricTemplate } from '../resources/metric-template.ts'
import type { Check } from '../rollout/check.ts'
import type { CheckQuestion } from './checks.ts'
import { evaluate, failedCheck } from './evaluate.ts'
import type { MetricRequest, MetricsPort } from './port.ts'
import { templateRequest } from './template-request.ts'
import { renderTemplate } from './template.ts'

/** What asking needs from outside. */
export interface MetricSources {
  readonly port: MetricsPort
  /** The Prometheus of built-in checks and inline queries: the canary's `metricsServer`, or the configured one. */
  readonly address: string
  /** Undefined when there is none. */
  readonly template: (namespace: string, name: string) => Promise<MetricTemplate | undefined>
  /** The decoded data of a Secret; undefined when there is none. Only Secrets that a template names are asked for. */
  readonly secret: (namespace: string, name: string) => Promise<Readonly<Record<string, string>> | undefined>
}

/**
 * Asks one question and evaluates the answer. A template or Secret that is missing, wrong or may not be read, and a server
 * that does not answer, are checks with the verdict `error`: a canary is never left with its traffic because nobody looks.
 * Rejects with Problems of `template` and `secret` that pass by themselves, and with the signal's reason.
 */
export async function askCheck(question: CheckQuestion, sources: MetricSources, signal: AbortSignal): Promise<Check> {
  const request = await requestOf(question, sources)
  return typeof request === 'string'
    ? failedCheck(question, request)
    : evaluate(question, await sources.port.query(request, signal))
}

/** The request, or the sentence that says why there is none. */
async function requestOf(question: CheckQuestion, sources: MetricSources): Promise<MetricRequest | string> {
  const { source, context } = question
  switch (source.kind) {
    case 'none':
      return 'Metric query failed for no usable metrics template and query were configured'
    case 'builtin':
      return { address: sources.address, promql: source.promql }
    case 'inline': {
      const place = `Canary/${context.name}.${context.namespace} metric "${question.metric}" query`
      const promql = rendered(() => renderTemplate(source.template, context, place))
      return promql instanceof Problem
        ? `Metric query failed for ${question.metric}: ${promql.toString()}`
        : { address: sources.address, promql }
    }
    case 'template':
      return fromTemplate(question, source.namespace, source.name, sources)
  }
}

async function fromTemplate(
  { context }: CheckQuestion,
  namespace: string,
  name: string,
  sources: MetricSources,
): Promise<MetricRequest | string> {
  const template = await readOrWhyNot(sources.template(namespace, name))
  if (template instanceof Problem) return `Metric template ${name}.${namespace} error: ${wordsOf(template)}`
  if (template === undefined) return `Metric template ${name}.${namespace} error: not found`
  const secretName = template.spec.provider.secretRef?.name
  const secret = secretName === undefined ? undefined : await readOrWhyNot(sources.secret(namespace, secretName))
  if (secret instanceof Problem) {
    return `Metric template ${name}.${namespace} secret ${secretName} error: ${wordsOf(secret)}`
  }
  if (secretName !== undefined && secret === undefined) {
    return `Metric template ${name}.${namespace} secret ${secretName} error: not found`
  }
  const request = rendered(() => templateRequest(template, context, secret))
  if (!(request instanceof Problem)) return request
  const what = request.code === 'METRICS_TEMPLATE_INVALID' ? 'query render' : `provider ${template.spec.provider.type}`
  return `Metric template ${name}.${namespace} ${what} error: ${request.toString()}`
}

/** What somebody must change is an answer; what passes by itself is thrown. */
async function readOrWhyNot<T>(reading: Promise<T>): Promise<T | Problem> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof Problem && error.kind === 'stalled') return error
    throw error
  }
}

function wordsOf({ message, hint }: Problem): string {
  return hint === undefined ? message : `${message}; ${hint}`
}

function rendered<T>(work: () => T): T | Problem {
  try {
    return work()
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
}
