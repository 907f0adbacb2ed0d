import { Problem } from '../lib/problem.ts'
import { canonicalJson } from '../lib/json.ts'
import type { Order } from '../rollout/input.ts'
import { isRunning } from '../rollout/state.ts'
import type { LedgerEntry } from './entry.ts'

/** What somebody else's commit on the ledger means for one canary: an order, nothing, or a mistake to be answered. */
export type Edit = Order | { readonly kind: 'none' } | { readonly kind: 'mistake'; readonly why: string }

/**
 * Reads a change of a canary's folder that Serin did not make. Only the content counts, never a message: a status taken
 * back to an earlier step is the revert of a weight commit, a former `promoted.yaml` the revert of a promotion, a failed
 * run that is running again the revert of a rollback.
 */
export function readEdit(before: LedgerEntry, after: LedgerEntry | Problem, commit: string): Edit {
  if (after instanceof Problem) return { kind: 'mistake', why: after.toString() }
  if (canonicalJson(before) === canonicalJson(after)) return { kind: 'none' }
  if (after.promoted.hash !== before.promoted.hash) return readPromotion(before, after, commit)
  const [was, is] = [before.state, after.state]
  const sameRun = was.revision.hash === is.revision.hash
  if (isRunning(was.phase) && isTakenBack(before, after)) return { kind: 'rollback', commit }
  if (was.phase === 'Failed' && sameRun && isRunning(is.phase)) return { kind: 'retry', commit }
  return { kind: 'mistake', why: 'the change is no revert of a transition' }
}

function readPromotion(before: LedgerEntry, after: LedgerEntry, commit: string): Edit {
  if (!before.promoted.before.includes(after.promoted.hash)) {
    return { kind: 'mistake', why: 'promoted.yaml names a revision that was never promoted' }
  }
  return after.primary.length === 0
    ? { kind: 'mistake', why: 'primary.yaml is empty' }
    : { kind: 'restore', commit, promoted: after.promoted }
}

function isTakenBack(before: LedgerEntry, after: LedgerEntry): boolean {
  const [was, is] = [before.state, after.state]
  if (was.revision.hash !== is.revision.hash) return true
  return is.canaryWeight < was.canaryWeight || is.iterations < was.iterations || !isRunning(is.phase)
}
