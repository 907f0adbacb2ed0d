import type { CanaryView } from '../forge/view.ts'
import { splitKey } from '../ledger/entry.ts'
import type { Release } from './reporter.ts'

/** The releases of one pull request, as its comment shows them. */
export function canaryView(release: Release): CanaryView {
  const { key, entry, maxWeight, timeline, waitingFor, rollback, problem } = release
  const { state } = entry
  return {
    ...splitKey(key),
    phase: state.phase,
    weight: state.canaryWeight,
    maxWeight,
    revision: state.revision,
    attempt: state.attempt,
    checks: state.checks,
    timeline,
    ...(waitingFor === undefined ? {} : { waitingFor }),
    ...(rollback === undefined ? {} : { rollback }),
    ...(problem === undefined ? {} : { problem }),
  }
}
