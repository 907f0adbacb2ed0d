import type { CanaryView, ReleaseView } from '../../src/forge/view.ts'

const START_MS = Date.UTC(2026, 0, 2, 12, 0, 0)

/** A canary at weight 20, everything fine, with what a test wants otherwise. */
export function canary(change: Partial<CanaryView> = {}): CanaryView {
  return {
    namespace: 'test',
    name: 'podinfo',
    phase: 'Progressing',
    weight: 20,
    maxWeight: 50,
    revision: { commit: '3f2c1d9aa0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5', hash: '6c5f4d' },
    attempt: 1,
    checks: [
      { metric: 'request-success-rate', value: 99.868, unit: '%', min: 99, window: '1m', verdict: 'passed' },
      { metric: 'request-duration', value: 212, unit: 'ms', max: 500, window: '1m', verdict: 'passed' },
    ],
    timeline: [
      'New revision detected! Scaling up podinfo.test',
      'Starting canary analysis for podinfo.test',
      'Advance podinfo.test canary weight 10',
      'Advance podinfo.test canary weight 20',
    ].map((sentence, index) => ({
      timeMs: START_MS + index * 60_000,
      sentence,
      ledgerCommit: `${index}`.repeat(40),
    })),
    ...change,
  }
}

/** A canary whose checks failed until it was rolled back by a commit. */
export function failedCanary(change: Partial<CanaryView> = {}): CanaryView {
  const halt = 'Halt podinfo.test advancement success rate 53.42% < 99%'
  return canary({
    phase: 'Failed',
    weight: 0,
    checks: [
      { metric: 'request-success-rate', value: 53.42, unit: '%', min: 99, window: '1m', verdict: 'failed', halt },
      { metric: 'request-duration', value: 212, unit: 'ms', max: 500, window: '1m', verdict: 'passed' },
    ],
    rollback: { rung: 'commit', reference: '9'.repeat(40) },
    ...change,
  })
}

export function release(...canaries: readonly CanaryView[]): ReleaseView {
  return {
    cluster: 'demo',
    ledgerBranch: 'serin/demo',
    repositoryUrl: 'https://github.com/example/fleet',
    canaries,
  }
}
