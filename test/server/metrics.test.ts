import { describe, expect, it } from 'vitest'
import { Metrics } from '../../src/server/metrics.ts'

const podinfo = { namespace: 'test', name: 'podinfo', target: 'podinfo' }

function create(flagger = true): Metrics {
  return new Metrics({ version: '1.2.3', provider: 'istio', flagger })
}

/** The series of a scrape, without help and types. */
async function scrape(metrics: Metrics): Promise<readonly string[]> {
  return (await metrics.registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

describe('Metrics', () => {
  it('shows weights under the names that dashboards for Flagger use, and under our own', async () => {
    const metrics = create()

    metrics.weight(podinfo, 80, 20)

    const series = await scrape(metrics)
    for (const prefix of ['serin', 'flagger']) {
      expect(series).toContain(`${prefix}_canary_weight{workload="podinfo-primary",namespace="test"} 80`)
      expect(series).toContain(`${prefix}_canary_weight{workload="podinfo",namespace="test"} 20`)
      expect(series).toContain(`${prefix}_info{version="1.2.3",mesh_provider="istio"} 1`)
      expect(series).toContain(`${prefix}_canary_total{namespace="test"} 1`)
    }
  })

  it('can leave the other names out', async () => {
    const metrics = create(false)

    metrics.weight(podinfo, 80, 20)

    expect((await scrape(metrics)).filter((line) => line.startsWith('flagger_'))).toEqual([])
  })

  it.each([
    ['Progressing', 0],
    ['Waiting', 0],
    ['WaitingPromotion', 0],
    ['Promoting', 0],
    ['Finalising', 0],
    ['Initialized', 1],
    ['Succeeded', 1],
    ['Failed', 2],
  ])('shows %s as %i: a rollout that waits or is being promoted is not successful yet (D22)', async (phase, value) => {
    const metrics = create()

    metrics.status(podinfo, phase)

    expect(await scrape(metrics)).toContain(`flagger_canary_status{name="podinfo",namespace="test"} ${value}`)
  })

  it('measures the whole rollout, not one tick (D22), and counts its end', async () => {
    const metrics = create()

    metrics.end(podinfo, { result: 'succeeded', strategy: 'canary', analysis: 'completed', durationSeconds: 400 })
    metrics.end(podinfo, { result: 'failed', strategy: 'canary', analysis: 'skipped', durationSeconds: 100 })

    const series = await scrape(metrics)
    expect(series).toContain('flagger_canary_duration_seconds_sum{name="podinfo",namespace="test"} 500')
    const labels = 'name="podinfo",namespace="test",deployment_strategy="canary"'
    expect(series).toContain(`flagger_canary_successes_total{${labels},analysis_status="completed"} 1`)
    expect(series).toContain(`flagger_canary_failures_total{${labels},analysis_status="skipped"} 1`)
  })

  it('forgets every series of a canary that is gone, and no other', async () => {
    const metrics = create()
    const empty = await scrape(metrics)
    const other = { namespace: 'prod', name: 'podinfo', target: 'podinfo' }
    const fill = (canary: typeof podinfo): void => {
      metrics.weight(canary, 80, 20)
      metrics.status(canary, 'Progressing')
      metrics.analysis(canary, 'request-success-rate', 99.5)
      metrics.transition(canary, 'Progressing')
      metrics.end(canary, { result: 'failed', strategy: 'canary', analysis: 'completed', durationSeconds: 1 })
      metrics.end(canary, { result: 'succeeded', strategy: 'canary', analysis: 'completed', durationSeconds: 1 })
    }
    fill(other)
    const before = await scrape(metrics)

    fill(podinfo)
    metrics.remove({ namespace: 'test', name: 'podinfo' })

    expect(await scrape(metrics)).toEqual(before)
    metrics.remove(other)
    expect(await scrape(metrics)).toEqual(empty)
  })

  it('moves the series when a canary gets another target', async () => {
    const metrics = create()
    metrics.weight(podinfo, 80, 20)

    metrics.weight({ ...podinfo, target: 'backend' }, 90, 10)

    const series = await scrape(metrics)
    expect(series.filter((line) => line.includes('workload="podinfo'))).toEqual([])
    expect(series).toContain('serin_canary_weight{workload="backend",namespace="test"} 10')
    expect(series).toContain('serin_canary_total{namespace="test"} 1')
  })
})
