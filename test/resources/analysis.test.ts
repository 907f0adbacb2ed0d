import { describe, expect, it } from 'vitest'
import { analysisOf, MIN_INTERVAL_MS } from '../../src/resources/analysis.ts'
import type { Canary } from '../../src/resources/canary.ts'
import { durationMs } from '../../src/resources/duration.ts'
import { CanaryStatus } from '../../src/resources/status.ts'

const canary = (spec: Partial<Canary['spec']>): Canary => ({
  apiVersion: 'flagger.app/v1beta1',
  kind: 'Canary',
  metadata: { name: 'a', namespace: 'b' },
  spec: { targetRef: { kind: 'Deployment', name: 'a' }, service: { port: 80 }, ...spec },
})

describe('resources/analysis', () => {
  it('fills in the defaults', () => {
    expect(analysisOf(canary({ analysis: {} }), MIN_INTERVAL_MS)).toEqual({
      intervalMs: 60_000,
      threshold: 1,
      iterations: 0,
      maxWeight: 100,
      stepWeight: 0,
      stepWeights: [],
      stepWeightPromotion: 0,
      primaryReadyThreshold: 100,
      canaryReadyThreshold: 100,
      progressDeadlineSeconds: 600,
      metrics: [],
      isSkipped: false,
    })
  })

  it('raises a short interval to the least one that is allowed', () => {
    expect(analysisOf(canary({ analysis: { interval: '1s' } }), MIN_INTERVAL_MS).intervalMs).toBe(10_000)
    expect(analysisOf(canary({ analysis: { interval: '1s' } }), 500).intervalMs).toBe(1000)
  })

  it('takes a threshold of zero and less for one', () => {
    expect(analysisOf(canary({ analysis: { threshold: 0 } }), 0).threshold).toBe(1)
    expect(analysisOf(canary({ analysis: { threshold: -3 } }), 0).threshold).toBe(1)
  })

  it('skips the analysis when asked to and when there is none', () => {
    expect(analysisOf(canary({}), 0).isSkipped).toBe(true)
    expect(analysisOf(canary({ skipAnalysis: true, analysis: { stepWeight: 5 } }), 0).isSkipped).toBe(true)
  })
})

describe('resources/duration', () => {
  it.each([
    ['30s', 30_000],
    ['1m', 60_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['500ms', 500],
    ['', undefined],
    ['1', undefined],
    ['1min', undefined],
    ['-1s', undefined],
  ])('reads %j', (text, ms) => {
    expect(durationMs(text)).toBe(ms)
  })
})

describe('resources/status', () => {
  it('reads fields of a wrong type as absent and keeps unknown ones', () => {
    const read = CanaryStatus.parse({ phase: 'Nonsense', canaryWeight: 'x', failedChecks: 2, extra: 1 })

    expect(read).toEqual({ phase: undefined, canaryWeight: undefined, failedChecks: 2, extra: 1 })
  })
})
