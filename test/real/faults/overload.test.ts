import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFaultsWorld, type FaultsWorld } from './support/faults-world.ts'
import { hasPrograms, startOwnPlane, type OwnPlane } from './support/own-plane.ts'
import { stepsOf, wholeRollout } from './support/sentences.ts'

const APPS = ['one', 'two', 'three']
/** The API server turns away what comes while these run. */
const LIMITS = [
  '--enable-priority-and-fairness=false',
  '--max-requests-inflight=4',
  '--max-mutating-requests-inflight=1',
]

let plane: OwnPlane
let world: FaultsWorld

describe.skipIf(!hasPrograms())('an API server that takes one write at a time', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    plane = await startOwnPlane({ apiServerFlags: LIMITS })
    world = await createFaultsWorld({ plane, apps: APPS })
    // Requests that last a little overlap more.
    world.door.faults.delayMs = 5
    await world.start()
    await Promise.all(APPS.map((name) => world.untilPhase(name, 'Initialized')))
  }, 120_000)

  afterAll(async () => {
    await world.close()
    await plane.close()
  }, 60_000)

  test('turns some away, and every release goes through all the same, each step once', async () => {
    for (const name of APPS) await world.release(name, { tag: '1.1.0' })
    await Promise.all(APPS.map((name) => world.untilPhase(name, 'Succeeded', '1.1.0')))

    expect(world.door.turnedAway(429)).toBeGreaterThan(0)
    for (const name of APPS) {
      const key = `${name}.${world.namespace}`
      const recorded = stepsOf(await world.recorded(name)).slice(-wholeRollout(key).length)
      expect(recorded).toEqual(wholeRollout(key))
      expect(await world.observer.wrongs(name)).toEqual([])
      expect(await world.condition(name, 'Stalled')).not.toMatch(/^True/)
    }
    expect(world.log.complaints.length).toBeLessThan(10 * APPS.length)
    await world.until('the events are there', async () => {
      const events = await Promise.all(APPS.map((name) => world.events(name)))
      return events.every((texts) => texts.some((text) => text.startsWith('Promotion completed!')))
    })
  })
})
