import type { RolloutState } from '../rollout/state.ts'
import type { CanaryKey } from './entry.ts'
import { checkLine, message, trailers } from './message.ts'

/** The message of the commit that takes a failed revision back on the source branch. */
export function revertMessage(
  key: CanaryKey,
  reverted: string,
  revertedMessage: string | undefined,
  state: RolloutState,
): string {
  const original = revertedMessage?.split('\n', 1)[0]
  const subject = original === undefined ? `Revert the failed revision of ${key}` : `Revert "${original}"`
  const failed = state.checks.filter((check) => check.verdict !== 'passed').map(checkLine)
  const why = failed.length === 0 ? [] : [...failed, `Failed checks: ${state.failedChecks}`]
  return message(subject, [`This reverts commit ${reverted}.`, ...why], trailers(key, state))
}

/** The message of the commit that brings a failed revision to the source branch again; the subject is git's own for it. */
export function reapplyMessage(
  key: CanaryKey,
  orderedBy: string,
  revertedMessage: string | undefined,
  state: RolloutState,
): string {
  const original = revertedMessage?.split('\n', 1)[0]
  const subject = original === undefined ? `Reapply the failed revision of ${key}` : `Reapply "${original}"`
  const body = [`This brings commit ${state.revision.commit} back.`, `Ordered by the ledger's commit ${orderedBy}.`]
  return message(subject, body, trailers(key, state))
}
