import type { Oid, PushOutcome } from './types.ts'
import type { PushReport } from './receive-pack.ts'

/**
 * True for words with which Git, GitHub, GitLab (Gitaly) and Gitea report that a ref was not where the push expected
 * it, or was locked by another push. The words only say whether it is worth to look at the tip again; the tip decides.
 */
export function soundsLikeRace(message: string): boolean {
  return /cannot lock ref|failed to (update|lock) ref|unable to lock|is at [0-9a-f]{7,40} but expected|atomic transaction failed|reference already exists|incorrect old value|already locked|does not point to expected|fetch first|non-fast-forward|stale info/i.test(
    message,
  )
}

/** What a refusal means while the branch still is where the push expected it. */
export function refusal(report: PushReport, expected: Oid | null): PushOutcome {
  if (report.kind === 'failed') return { kind: 'unknown', message: report.message }
  if (!soundsLikeRace(report.message)) return { kind: 'refused', code: 'GIT_PUSH_REFUSED', message: report.message }
  const where = expected === null ? 'it does not exist' : `its tip has not moved from ${expected.slice(0, 7)}`
  const message = `the server refuses this ref although ${where}; a stale lock may be left there: ${report.message}`
  return { kind: 'refused', code: 'GIT_REF_STUCK', message }
}
