import { describe, expect, it } from 'vitest'
import { createClusterClock } from '../../src/cluster/cluster-clock.ts'
import { createVirtualClock } from '../../src/playground/virtual-clock.ts'

const HOUR = 3_600_000

function world(startMs = 10 * HOUR) {
  const clock = createVirtualClock(startMs)
  const time = { steadyMs: 5 }
  const skews: number[] = []
  const onSkew = (aheadMs: number): void => void skews.push(aheadMs)
  return { time, skews, cluster: createClusterClock({ clock, monotonicMs: () => time.steadyMs, onSkew }) }
}

describe('cluster/cluster-clock', () => {
  it('keeps the time of the machine while the cluster names about the same', () => {
    const { cluster, skews } = world()

    for (const apartMs of [0, -999, 2000, -3000]) cluster.heard(10 * HOUR + apartMs)

    expect(cluster.now()).toBe(10 * HOUR)
    expect(skews).toEqual([])
  })

  it.each([2 * HOUR, -2 * HOUR])('goes by the clock of the cluster where the two are %i ms apart', (apartMs) => {
    const { cluster, skews } = world()

    cluster.heard(10 * HOUR - apartMs)

    expect(Math.abs(cluster.now() - (10 * HOUR - apartMs))).toBeLessThan(1000)
    expect(skews).toEqual([apartMs])
  })

  it('goes on evenly when the clock of the machine is set', () => {
    const { cluster, time } = world()

    // Nothing but the monotonic time has gone on: what the machine's clock says now is not asked.
    time.steadyMs += 7000

    expect(cluster.now()).toBe(10 * HOUR + 7000)
  })

  it('is mended by the next answer after the machine slept', () => {
    const { cluster } = world()

    cluster.heard(11 * HOUR)

    expect(Math.abs(cluster.now() - 11 * HOUR)).toBeLessThan(1000)
  })
})
