import { escapeText } from './escape.ts'
import { commitLink } from './commit-link.ts'
import type { ReleaseView, TimelineEntry } from './view.ts'

/**
 * The transitions as a folded table, oldest first, the latest `limit` of them; empty for no entries or no limit. All
 * times are UTC; the date is only named in each row when the entries span more than one day.
 */
export function renderTimeline(entries: readonly TimelineEntry[], limit: number, view: ReleaseView): string {
  if (entries.length === 0 || limit === 0) return ''
  const shown = entries.slice(-limit)
  const days = new Set(shown.map((entry) => day(entry.timeMs)))
  const lines = [
    `<details><summary>${title(entries.length, [...days])}</summary>`,
    '',
    '| UTC | Transition | Ledger |',
    '| :-- | :-- | :-- |',
  ]
  const hidden = entries.length - shown.length
  if (hidden > 0) lines.push(`| earlier | ${hidden} more in the ledger |  |`)
  for (const entry of shown) lines.push(row(entry, days.size > 1, view.repositoryUrl))
  return [...lines, '', '</details>'].join('\n')
}

function title(count: number, days: readonly string[]): string {
  const transitions = count === 1 ? '1 transition' : `${count} transitions`
  return days.length === 1 ? `${transitions}, ${days[0]}` : transitions
}

function row(entry: TimelineEntry, withDay: boolean, repositoryUrl: string | undefined): string {
  const time = withDay ? `${day(entry.timeMs)} ${clockTime(entry.timeMs)}` : clockTime(entry.timeMs)
  const commit = entry.ledgerCommit === undefined ? '' : commitLink(entry.ledgerCommit, repositoryUrl)
  return `| ${time} | ${escapeText(entry.sentence, 300)} | ${commit} |`
}

function day(timeMs: number): string {
  return iso(timeMs).slice(0, 10)
}

function clockTime(timeMs: number): string {
  return iso(timeMs).slice(11, 19)
}

function iso(timeMs: number): string {
  const date = new Date(timeMs)
  return Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString()
}
