import type { Check, MetricAnswer } from '../rollout/check.ts'
import type { CheckQuestion } from './checks.ts'
import { goDuration } from './go-duration.ts'

/**
 * Holds an answer against the bounds of its question. Bounds are inclusive; a duration is compared in whole
 * milliseconds. No values, NaN and an error never pass. The halting sentences are Flagger's (1.44), because events, alerts and
 * dashboards refer to them.
 */
export function evaluate(question: CheckQuestion, answer: MetricAnswer): Check {
  switch (answer.kind) {
    case 'error':
      return failedCheck(question, errorSentence(question, answer.message))
    case 'no-values':
      return { ...evidence(question), verdict: 'no-values', halt: noValuesSentence(question) }
    case 'value':
      return Number.isNaN(answer.value)
        ? evaluate(question, { kind: 'no-values' })
        : held(question, question.unit === 'ms' ? Math.trunc(answer.value) : answer.value)
  }
}

/** A check that could not be asked, or whose question failed: verdict `error` with this sentence. */
export function failedCheck(question: CheckQuestion, halt: string): Check {
  return { ...evidence(question), verdict: 'error', halt }
}

function evidence(question: CheckQuestion): Omit<Check, 'verdict'> {
  const { metric, unit, window, min, max } = question
  return { metric, unit, window, ...(min !== undefined && { min }), ...(max !== undefined && { max }) }
}

function held(question: CheckQuestion, value: number): Check {
  const { min, max, canary } = question
  const check = { ...evidence(question), ...(Number.isFinite(value) && { value }) }
  const crossed = min !== undefined && value < min ? min : max !== undefined && value > max ? max : undefined
  if (crossed === undefined) return { ...check, verdict: 'passed' }
  const sign = value < crossed ? '<' : '>'
  const halt = `Halt ${canary.name}.${canary.namespace} advancement ${comparison(question, value, sign, crossed)}`
  return { ...check, verdict: 'failed', halt }
}

function comparison(question: CheckQuestion, value: number, sign: '<' | '>', bound: number): string {
  switch (question.unit) {
    case '%':
      return `success rate ${rounded(value, bound)}% ${sign} ${bound}%`
    case 'ms':
      return `request duration ${goDuration(value)} ${sign} ${goDuration(bound)}`
    case '':
      return `${question.metric} ${rounded(value, bound)} ${sign} ${bound}`
  }
}

/** Two decimals, and more only where two would read like `99.00% < 99%`. */
function rounded(value: number, bound: number): string {
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  for (let digits = 2; digits < 10; digits++) {
    if (Number(value.toFixed(digits)) !== bound) return value.toFixed(digits)
  }
  return String(value)
}

function noValuesSentence({ source, provider, metric, canary }: CheckQuestion): string {
  const receiving = `probably ${canary.target}.${canary.namespace} is not receiving traffic`
  switch (source.kind) {
    case 'builtin':
      return `Halt advancement no values found for ${provider} metric ${metric} ${receiving}`
    case 'inline':
    case 'none':
      return `Halt advancement no values found for metric: ${metric}`
    case 'template':
      return `Halt advancement no values found for custom metric: ${metric}: no values found`
  }
}

function errorSentence({ source, metric }: CheckQuestion, message: string): string {
  return source.kind === 'template'
    ? `Metric query failed for ${metric}: ${message}`
    : `Prometheus query failed: ${message}`
}
