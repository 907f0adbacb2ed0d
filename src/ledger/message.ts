import type { Check } from '../rollout/check.ts'
import type { RolloutState } from '../rollout/state.ts'
import type { CanaryKey } from './entry.ts'

/** The message of a ledger commit: the sentence, why, and trailers for machines. */
export function transitionMessage(
  key: CanaryKey,
  subject: string,
  state: RolloutState,
  why: readonly string[],
): string {
  const body = [...why, ...state.checks.map(checkLine)]
  return message(subject, body, trailers(key, state))
}

/** A whole commit message: subject, body lines if any, trailers. */
export function message(subject: string, body: readonly string[], trailerLines: readonly string[]): string {
  const paragraphs = [
    oneLine(subject) || '(no subject)',
    body.map(oneLine).join('\n'),
    trailerLines.map(oneLine).join('\n'),
  ]
  return `${paragraphs.filter((paragraph) => paragraph !== '').join('\n\n')}\n`
}

/** What tools read of a transition, as `git interpret-trailers` writes it. */
export function trailers(key: CanaryKey, state: RolloutState): string[] {
  return [
    `Canary: ${key}`,
    `Phase: ${state.phase}`,
    `Weight: ${state.canaryWeight}`,
    `Revision: ${state.revision.commit}`,
    ...(state.attempt > 1 ? [`Attempt: ${state.attempt}`] : []),
    ...(state.pullRequest === undefined ? [] : [`Pull-Request: ${state.pullRequest}`]),
  ]
}

/** One check as evidence: `request-success-rate 99.87 % >= 99 %  (1m)`; `not` where the bound does not hold. */
export function checkLine(check: Check): string {
  if (check.value === undefined) return `${check.metric} ${check.verdict}  (${check.window})`
  const unit = check.unit === '' ? '' : ` ${check.unit}`
  const value = `${formatNumber(check.value)}${unit}`
  const bounds = [
    ...(check.min === undefined ? [] : [`${check.value < check.min ? '<' : '>='} ${formatNumber(check.min)}${unit}`]),
    ...(check.max === undefined ? [] : [`${check.value > check.max ? '>' : '<='} ${formatNumber(check.max)}${unit}`]),
  ]
  return `${check.metric} ${value} ${bounds.join(' and ')}  (${check.window})`
}

function formatNumber(value: number): string {
  return String(Math.round(value * 100) / 100)
}

/** Characters that end a line somewhere, move a terminal's cursor, turn the reading direction, or that no Git server takes. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]+/gu

/** Text from outside must not forge a trailer, a second subject or the `---` after which git reads no trailers. */
function oneLine(text: string): string {
  const line = text.replaceAll(unprintable, ' ').trim()
  return line.startsWith('---') ? ` ${line}` : line
}
