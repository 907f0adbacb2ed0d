import type { PlaceOf } from '../lib/place.ts'
import type { Problem } from '../lib/problem.ts'
import type { Canary } from './canary.ts'
import { fieldProblem } from './schema-problems.ts'
import { similar } from './similar.ts'

/** The metrics that every traffic provider has a query for. */
export const BUILT_IN_METRICS = ['request-success-rate', 'request-duration'] as const

/** What is wrong with a canary whose fields are each right: rules between fields. */
export function ruleProblems(canary: Canary, placeOf: PlaceOf): Problem[] {
  return [...analysisRule(canary, placeOf), ...metricRules(canary, placeOf), ...otherRules(canary, placeOf)]
}

function analysisRule({ spec }: Canary, placeOf: PlaceOf): Problem[] {
  const { analysis } = spec
  if (analysis === undefined || spec.skipAnalysis === true) return []
  const path = ['spec', 'analysis']
  const problem = (message: string, hint: string): Problem[] => [
    fieldProblem({ code: 'CANARY_ANALYSIS_INCOMPLETE', message, hint }, path, placeOf(path, 'key')),
  ]
  if (analysis.interval === undefined) return problem('interval is missing', 'for example interval: 1m')
  if (analysis.threshold === undefined) return problem('threshold is missing', 'for example threshold: 5')
  const hasSteps =
    (analysis.iterations ?? 0) > 0 || (analysis.stepWeight ?? 0) > 0 || (analysis.stepWeights ?? []).length > 0
  return hasSteps ? [] : problem('has no steps', 'give one of stepWeight, stepWeights or iterations')
}

function metricRules({ spec }: Canary, placeOf: PlaceOf): Problem[] {
  return (spec.analysis?.metrics ?? []).flatMap((metric, index) => {
    const path = ['spec', 'analysis', 'metrics', index]
    const { min, max } = metric.thresholdRange ?? {}
    if (min !== undefined && max !== undefined && min > max) {
      const detail = { code: 'CANARY_METRIC_INVALID', message: `min ${min} is more than max ${max}` }
      return [fieldProblem(detail, [...path, 'thresholdRange'], placeOf([...path, 'thresholdRange']))]
    }
    const isBuiltIn = BUILT_IN_METRICS.some((name) => name === metric.name)
    if (isBuiltIn || metric.query !== undefined || metric.templateRef !== undefined) return []
    const meant = similar(metric.name, BUILT_IN_METRICS)
    const hint = meant === undefined ? 'give it a templateRef' : `did you mean ${meant}?`
    const message = `${JSON.stringify(metric.name)} is no built-in metric and has no template`
    const detail = { code: 'CANARY_METRIC_UNKNOWN', message, hint }
    return [fieldProblem(detail, [...path, 'name'], placeOf([...path, 'name']))]
  })
}

function otherRules({ spec }: Canary, placeOf: PlaceOf): Problem[] {
  const problems: Problem[] = []
  const cookies = spec.analysis?.sessionAffinity
  if (cookies !== undefined && cookies.cookieName === cookies.primaryCookieName) {
    const path = ['spec', 'analysis', 'sessionAffinity', 'primaryCookieName']
    const message = 'must differ from cookieName'
    problems.push(fieldProblem({ code: 'FIELD_INVALID', message }, path, placeOf(path)))
  }
  const isKnative = spec.targetRef.apiVersion?.startsWith('serving.knative.dev/') ?? false
  if (isKnative !== (spec.provider === 'knative')) {
    const path = ['spec', isKnative ? 'targetRef' : 'provider']
    const message = 'a Knative Service and provider knative go together only'
    problems.push(fieldProblem({ code: 'FIELD_INVALID', message }, path, placeOf(path)))
  }
  return problems
}
