import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createFaultsWorld, type FaultsWorld } from './support/faults-world.ts'
import { hasPrograms, startOwnPlane, type OwnPlane } from './support/own-plane.ts'
import { wholeRollout } from './support/sentences.ts'

const CLUSTER_DEADLINE_MS = 3_000

let plane: OwnPlane
let world: FaultsWorld
let version = 0

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Releases the next version, does harm while the canary has traffic, and waits for the promotion. Resolves to what was recorded. */
async function releaseWith(harm: () => Promise<void>): Promise<readonly string[]> {
  version += 1
  const tag = `1.${version}.0`
  world.log.clear()
  const before = await world.mark('one')
  await world.release('one', { tag })
  await world.untilWeight('one', 20)
  await harm()
  await world.untilPhase('one', 'Succeeded', tag)
  await world.until('it is ready', () => world.ready().ok)
  return world.recorded('one', before)
}

/** Every sentence that was recorded is told as an event, also those of the time when nobody could be told. */
async function untilToldAsEvents(sentences: readonly string[]): Promise<void> {
  await world.until('the events are there', async () => {
    const events = await world.events('one')
    return sentences.every((text) => events.includes(text))
  })
}

describe.skipIf(!hasPrograms())('a control plane that fails', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    plane = await startOwnPlane()
    world = await createFaultsWorld({ plane, apps: ['one'] })
    await world.start({ clusterDeadlineMs: CLUSTER_DEADLINE_MS })
    await world.untilPhase('one', 'Initialized')
  }, 120_000)

  afterAll(async () => {
    await world.close()
    await plane.close()
  }, 60_000)

  afterEach(() => {
    world.setSuccess('one', 100)
  })

  test('the API server is killed in the middle of a rollout and started again: the rollout goes on', async () => {
    const recorded = await releaseWith(async () => {
      await plane.programs.apiServer.stop('SIGKILL')
      await world.until('readiness tells', () => world.ready().reasons.join().includes('cannot be reached'))
      await pause(2000)
      plane.programs.apiServer.start()
      await plane.programs.untilReady()
    })
    expect(recorded).toEqual(wholeRollout(`one.${world.namespace}`))
    expect(await world.observer.wrongs('one')).toEqual([])
    expect(world.observer.weights('one')).toEqual([0, 20, 40, 60, 0])
    expect(world.log.about('CLUSTER_UNREACHABLE').length).toBeGreaterThan(0)
    expect(world.log.complaints.length).toBeLessThan(20)
    expect(world.log.about('', 'reachable again').length).toBeGreaterThan(0)
    await untilToldAsEvents(recorded)
  })

  test('the API server is away when a rollback is due: the failed checks are recorded meanwhile, the traffic goes back first thing', async () => {
    world.log.clear()
    const before = await world.mark('one')
    await world.release('one', { tag: '1.9.0' })
    await world.untilWeight('one', 40)
    await plane.programs.apiServer.stop('SIGKILL')
    const failedMs = Date.now()
    world.setSuccess('one', 50)
    await world.until('the failed checks are recorded', async () => {
      const halts = (await world.recorded('one', before)).filter((text) => text.startsWith('Halt'))
      return halts.length === 2
    })
    expect(world.ready().ok).toBe(false)
    plane.programs.apiServer.start()
    await plane.programs.untilReady()
    const backMs = Date.now()
    await world.untilWeight('one', 0)
    const lateMs = Date.now() - backMs
    await world.untilPhase('one', 'Failed')
    const recorded = await world.recorded('one', before)
    expect(lateMs).toBeLessThan(8_000)
    expect(recorded.filter((text) => text.startsWith('Rolling back'))).toHaveLength(1)
    expect(await world.observer.wrongs('one')).toEqual([])
    // What the observer hears of first when the server is back may be the weight of before.
    expect([[0], [40, 0]]).toContainEqual(world.observer.weights('one', failedMs))
    await untilToldAsEvents(recorded)
    await world.until('main is reverted', async () => (await world.tagOf('one-primary')) === '1.1.0')
  })

  test('etcd stands still for seconds: writes time out, and whether they happened or not, the retry does no harm', async () => {
    const recorded = await releaseWith(async () => {
      plane.programs.etcd.pause()
      await world.until('a request has timed out', () => world.log.about('', 'no answer within 3 s').length > 0)
      await pause(2000)
      plane.programs.etcd.resume()
    })
    expect(recorded).toEqual(wholeRollout(`one.${world.namespace}`))
    expect(await world.observer.wrongs('one')).toEqual([])
    expect(world.log.complaints.length).toBeLessThan(20)
    await untilToldAsEvents(recorded)
  })

  test('etcd is killed and started again: what was accepted is still there, and the rollout goes on', async () => {
    const recorded = await releaseWith(async () => {
      await plane.programs.etcd.stop('SIGKILL')
      await pause(3000)
      plane.programs.etcd.start()
      await plane.programs.untilReady()
    })
    expect(recorded).toEqual(wholeRollout(`one.${world.namespace}`))
    expect(await world.observer.wrongs('one')).toEqual([])
    expect(world.log.complaints.length).toBeLessThan(25)
    await untilToldAsEvents(recorded)
  })
})
