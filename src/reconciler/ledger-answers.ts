import { entryFiles } from '../ledger/files.ts'
import type { LedgerChange } from '../ledger/change.ts'
import type { CanaryKey, LedgerEntry } from '../ledger/entry.ts'
import type { RebuildResult } from '../git/push-with-rebuild.ts'
import { message } from '../ledger/message.ts'
import { Problem } from '../lib/problem.ts'

/** The commit that answers an edit which asks for nothing that can be done: it restores what is recorded and says why. */
export function answerCommit(key: CanaryKey, entry: LedgerEntry, why: string): LedgerChange['commits'][number] {
  return { message: message(`Keep ${key} as recorded`, [why], [`Canary: ${key}`]), files: entryFiles(entry) }
}

/** What is wrong with a canary's folder that somebody deleted. */
export function missing(key: CanaryKey): Problem {
  return new Problem({ kind: 'stalled', code: 'LEDGER_UNREADABLE', place: key, message: 'the folder was deleted' })
}

/** Why a push ended without its commits on the server. */
export function notRecorded(
  outcome: Extract<RebuildResult, { readonly kind: 'refused' | 'gave-up' }>,
  ledger: string,
): Problem {
  return new Problem({
    kind: outcome.kind === 'refused' ? 'stalled' : 'retry',
    code: outcome.kind === 'refused' ? 'LEDGER_REFUSED' : 'LEDGER_UNREACHABLE',
    place: ledger,
    message: outcome.message,
    hint: hintOf(outcome),
  })
}

function hintOf(outcome: RebuildResult): string | undefined {
  if (outcome.kind !== 'refused') return undefined
  return outcome.code === 'GIT_REF_STUCK'
    ? 'a lock of a push that died may be left at the server: remove it there'
    : 'let the identity push to this branch'
}
