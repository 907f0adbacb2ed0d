import type { CanaryKey, LedgerEntry } from '../ledger/entry.ts'
import type { RolloutSpec } from '../rollout/spec.ts'
import { isRunning } from '../rollout/state.ts'
import type { Metrics } from '../server/metrics.ts'

/** Counts each recorded state of a rollout for /metrics. */
export function observer(metrics: Metrics): (key: CanaryKey, spec: RolloutSpec, entry: LedgerEntry) => void {
  const startedMs = new Map<CanaryKey, number>()
  return (key, spec, { state }) => {
    const canary = { namespace: spec.namespace, name: spec.name, target: spec.targetName }
    metrics.weight(canary, 100 - state.canaryWeight, state.canaryWeight)
    metrics.status(canary, state.phase)
    metrics.transition(canary, state.phase)
    for (const { metric, value } of state.checks) if (value !== undefined) metrics.analysis(canary, metric, value)
    const sinceMs = startedMs.get(key)
    if (isRunning(state.phase)) startedMs.set(key, sinceMs ?? state.lastTransitionMs)
    if (sinceMs === undefined || (state.phase !== 'Succeeded' && state.phase !== 'Failed')) return
    startedMs.delete(key)
    metrics.end(canary, {
      result: state.phase === 'Succeeded' ? 'succeeded' : 'failed',
      strategy: spec.iterations > 0 ? 'blue_green' : 'canary',
      analysis: state.route === 'analysis' ? 'completed' : 'skipped',
      durationSeconds: (state.lastTransitionMs - sinceMs) / 1000,
    })
  }
}
