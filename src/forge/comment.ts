import type { Check } from '../rollout/check.ts'
import { escapeText } from './escape.ts'
import { renderOutcome } from './outcome.ts'
import { renderTimeline } from './timeline.ts'
import type { CanaryView, ReleaseView } from './view.ts'

/**
 * GitHub takes at most 65,536 characters in a comment. The room below that is for the marker line and for forges that
 * count a little differently.
 */
const MAX_LENGTH = 60_000

/** How much of each canary is told, from everything to one line. */
const LEVELS: readonly Level[] = [
  { timeline: 30, checks: 50, canaries: 200 },
  { timeline: 8, checks: 20, canaries: 200 },
  { timeline: 0, checks: 5, canaries: 200 },
  { timeline: 0, checks: 0, canaries: 200, headingsOnly: true },
  { timeline: 0, checks: 0, canaries: 20, headingsOnly: true },
]

interface Level {
  readonly timeline: number
  readonly checks: number
  readonly canaries: number
  readonly headingsOnly?: boolean
}

/**
 * The comment of one pull request as GitHub flavoured Markdown: per canary its phase, its weight, the checks of the
 * last analysis, what it waits for, the transitions so far, the result, and after a failure what to do. The same view
 * gives the same text. Text from outside is shown as it is but cannot form markup, HTML or a mention. When there is
 * more than a comment may hold, older transitions go first, then checks, then whole canaries, and the text says so.
 */
export function renderComment(view: ReleaseView): string {
  let text = ''
  for (const level of LEVELS) {
    text = renderAt(view, level)
    if (text.length <= MAX_LENGTH) break
  }
  return text
}

function renderAt(view: ReleaseView, level: Level): string {
  const shown = view.canaries.slice(0, level.canaries)
  const blocks = shown.map((canary) => renderCanary(view, canary, level))
  const left = view.canaries.length - shown.length
  if (view.canaries.length === 0) blocks.push('No canary runs a revision of this pull request.')
  if (left > 0) blocks.push(`${left} more canaries are not shown here.`)
  return `${[...blocks, footer(view)].join('\n\n')}\n`
}

function renderCanary(view: ReleaseView, canary: CanaryView, level: Level): string {
  const name = `${escapeText(canary.name, 100)}.${escapeText(canary.namespace, 100)}`
  const heading = `### ${phaseIcon(canary)} ${name}: ${phaseText(canary)}`
  if (level.headingsOnly) return heading
  const parts = [heading, weightLine(canary), latest(canary), renderOutcome(canary, view.repositoryUrl)]
  if (canary.waitingFor !== undefined) parts.push(`**Waits for** ${escapeText(canary.waitingFor, 500)}`)
  if (canary.problem !== undefined) parts.push(`**Problem:** ${escapeText(canary.problem, 1000)}`)
  parts.push(checkTable(canary.checks, level.checks), renderTimeline(canary.timeline, level.timeline, view))
  return parts.filter((part) => part !== '').join('\n\n')
}

const ICONS: Readonly<Record<string, string>> = {
  Succeeded: '✅',
  Initialized: '✅',
  Failed: '❌',
  Waiting: '✋',
  WaitingPromotion: '✋',
  Terminating: '⏹️',
  Terminated: '⏹️',
}

function phaseIcon(canary: CanaryView): string {
  return Object.hasOwn(ICONS, canary.phase) ? (ICONS[canary.phase] ?? '🐤') : '🐤'
}

function phaseText(canary: CanaryView): string {
  const phase = escapeText(canary.phase, 40)
  return canary.weight > 0 ? `${phase}, ${escapeText(String(canary.weight), 8)}\u00a0% of the traffic` : phase
}

function weightLine(canary: CanaryView): string {
  const facts = [`Revision ${escapeText(canary.revision.commit.slice(0, 7), 7)}`]
  if (canary.attempt > 1) facts.push(`attempt ${escapeText(String(canary.attempt), 8)}`)
  if (canary.phase === 'Succeeded' || canary.phase === 'Failed') return facts.join(' · ')
  const weight = escapeText(String(canary.weight), 8)
  return `\`${bar(canary.weight)}\` ${weight} %, at most ${escapeText(String(canary.maxWeight), 8)} % · ${facts.join(' · ')}`
}

/** The latest transition of a rollout that goes on; the timeline below is folded. */
function latest(canary: CanaryView): string {
  const last = canary.timeline.at(-1)
  if (last === undefined || canary.phase === 'Succeeded' || canary.phase === 'Failed') return ''
  return `**Now:** ${escapeText(last.sentence, 300)}`
}

/** Ten cells of all traffic; a canary with any traffic shows at least one. */
function bar(weight: number): string {
  const part = Math.min(1, Math.max(0, Number.isFinite(weight) ? weight / 100 : 0))
  const cells = part === 0 ? 0 : Math.max(1, Math.round(part * 10))
  return '█'.repeat(cells) + '░'.repeat(10 - cells)
}

function checkTable(checks: readonly Check[], limit: number): string {
  if (checks.length === 0 || limit === 0) return ''
  // Failed checks first: they are what a reader came for, and they survive the cut.
  const sorted = checks.toSorted((a, b) => Number(a.verdict === 'passed') - Number(b.verdict === 'passed'))
  const rows = sorted.slice(0, limit).map(checkRow)
  if (sorted.length > limit) rows.push(`|  | ${sorted.length - limit} more |  |  |  |`)
  return ['| Verdict | Check | Value | Bound | Window |', '| :-- | :-- | --: | --: | --: |', ...rows].join('\n')
}

/** The verdict comes first: on a phone the table's right side is out of sight. */
function checkRow(check: Check): string {
  const value = check.value === undefined ? 'none' : amount(check.value, check.unit)
  const cells = [verdict(check), escapeText(check.metric, 80), value, bounds(check), escapeText(check.window, 20)]
  return `| ${cells.join(' | ')} |`
}

function verdict(check: Check): string {
  switch (check.verdict) {
    case 'passed':
      return '✅\u00a0passed'
    case 'failed':
      return '❌\u00a0failed'
    case 'no-values':
      return '❔\u00a0no values'
    case 'error':
      return '⚠️\u00a0error'
  }
}

/** The bounds of a check, for example `≥ 99 %`. */
function bounds(check: Check): string {
  const parts: string[] = []
  if (check.min !== undefined) parts.push(`≥\u00a0${amount(check.min, check.unit)}`)
  if (check.max !== undefined) parts.push(`≤\u00a0${amount(check.max, check.unit)}`)
  return parts.length === 0 ? 'none' : parts.join(', ')
}

function amount(value: number, unit: Check['unit']): string {
  const number = Number.isInteger(value) ? String(value) : String(Number(value.toFixed(Math.abs(value) < 1 ? 4 : 2)))
  return escapeText(unit === '' ? number : `${number}\u00a0${unit}`, 30)
}

function footer(view: ReleaseView): string {
  return `<sub>Cluster ${escapeText(view.cluster, 100)} · every transition is a commit on the branch ${escapeText(view.ledgerBranch, 200)}</sub>`
}
