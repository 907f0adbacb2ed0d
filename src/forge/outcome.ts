import { commitLink, safeUrl } from './commit-link.ts'
import { escapeText } from './escape.ts'
import type { CanaryView, RollbackView } from './view.ts'

/** How the rollout ended and what a reader does next; empty while it runs. */
export function renderOutcome(canary: CanaryView, repositoryUrl: string | undefined): string {
  if (canary.phase === 'Succeeded') return `**Released:** ${duration(canary)}the primary runs this revision.`
  if (canary.phase !== 'Failed') return ''
  const lines = [`**Rolled back:** all traffic is on the primary${failedChecks(canary)}.`]
  if (canary.rollback !== undefined) lines.push(...rollbackLines(canary.rollback, repositoryUrl))
  return lines.join('\n\n')
}

function failedChecks(canary: CanaryView): string {
  const failed = canary.checks.filter((check) => check.verdict !== 'passed').slice(0, 5)
  if (failed.length === 0) return ''
  const names = failed.map((check) => escapeText(check.halt ?? check.metric, 300))
  return `. The last analysis said: ${names.join('; ')}`
}

function rollbackLines(rollback: RollbackView, repositoryUrl: string | undefined): string[] {
  const lines = [rungLine(rollback, repositoryUrl)]
  if (rollback.reason !== undefined) lines.push(`**Why not a commit:** ${escapeText(rollback.reason, 1000)}`)
  lines.push(`**To release:** ${nextStep(rollback, repositoryUrl)}`)
  return lines
}

function rungLine(rollback: RollbackView, repositoryUrl: string | undefined): string {
  const reference = rollback.reference
  switch (rollback.rung) {
    case 'commit':
      return `**In Git:** reverted by ${reference === undefined ? 'a commit' : commitLink(reference, repositoryUrl)}.`
    case 'pull-request':
      return `**In Git:** the revert waits in ${pullRequestLink(reference)}. Until it is merged, the source branch still claims this revision.`
    case 'status-only':
      return '**In Git:** not reverted. The source branch still claims this revision.'
  }
}

function pullRequestLink(reference: string | undefined): string {
  if (reference === undefined) return 'a pull request'
  const url = safeUrl(reference)
  if (url === null) return `pull request ${escapeText(reference, 200)}`
  const number = /\/(\d{1,12})$/.exec(new URL(url).pathname)?.[1]
  return `[pull request${number === undefined ? '' : ` ${number}`}](${url})`
}

function nextStep(rollback: RollbackView, repositoryUrl: string | undefined): string {
  switch (rollback.rung) {
    case 'commit': {
      const commit = rollback.reference === undefined ? 'that commit' : commitLink(rollback.reference, repositoryUrl)
      return `merge a fix, or revert ${commit} to try this revision again.`
    }
    case 'pull-request':
      return 'merge that pull request, then a fix.'
    case 'status-only':
      return 'merge a revert of this change or a fix.'
  }
}

/** From the first to the last transition, for example `in 5 min 10 s, `. */
function duration(canary: CanaryView): string {
  const first = canary.timeline[0]
  const last = canary.timeline.at(-1)
  if (first === undefined || last === undefined || last.timeMs <= first.timeMs) return ''
  const seconds = Math.round((last.timeMs - first.timeMs) / 1000)
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const
  const text = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`)
  return text.length === 0 ? '' : `in ${text.join(' ')}, `
}
