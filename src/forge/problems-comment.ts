import type { Problem } from '../lib/problem.ts'
import { escapeText } from './escape.ts'

/** More than these are counted, not listed. */
const LISTED = 50
const LONGEST_LINE = 1000

/**
 * The comment that tells a pull request what is wrong with the files it brought, or that nothing is any more. Markdown;
 * all text in it is escaped.
 */
export function renderProblems(cluster: string, problems: readonly Problem[]): string {
  if (problems.length === 0) {
    const name = escapeText(cluster, 100)
    return `### Serin can use all files again on cluster ${name}\n\nWhat was wrong with this pull request is mended.`
  }
  const lines = problems.slice(0, LISTED).map((problem) => `- ${escapeText(problem.toString(), LONGEST_LINE)}`)
  const more = problems.length > LISTED ? [`- … and ${problems.length - LISTED} more`] : []
  return [
    `### Serin can't use some files on cluster ${escapeText(cluster, 100)}`,
    '',
    ...lines,
    ...more,
    '',
    'What runs stays as it is. Everything else on the branch is applied.',
  ].join('\n')
}
