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
