import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { controlPlane } from '../namespace.ts'
import { refusal, type DoorRequest } from './support/api-door.ts'
import { createFaultsWorld, type FaultsWorld } from './support/faults-world.ts'
import { wholeRollout } from './support/sentences.ts'

let world: FaultsWorld
let version = 0

beforeAll(async () => {
  world = await createFaultsWorld({ plane: controlPlane(), apps: ['one'] })
  await world.start()
  await world.untilPhase('one', 'Initialized')
}, 60_000)

afterAll(async () => {
  await world.close()
})

afterEach(() => {
  Object.assign(world.door.faults, { answer: undefined, delayMs: 0, loseAnswerOf: undefined })
})

/** Releases the next version, does harm while the canary has traffic, and waits for the promotion. Resolves to what was recorded. */
async function releaseWith(harm: () => Promise<void> | void): Promise<readonly string[]> {
  version += 1
  const tag = `1.${version}.0`
  world.log.clear()
  const before = await world.mark('one')
  await world.release('one', { tag })
  await world.untilWeight('one', 20)
  await harm()
  await world.untilPhase('one', 'Succeeded', tag)
  return world.recorded('one', before)
}

describe('a connection to the API server that fails', { timeout: 60_000 }, () => {
  afterEach(async () => {
    expect(await world.observer.wrongs('one')).toEqual([])
    expect(new Set(world.observer.weights('one'))).toEqual(new Set([0, 20, 40, 60]))
  })

  test('watches that are cut, by an end and by a reset, are opened again where they were', async () => {
    const recorded = await releaseWith(async () => {
      world.door.cutWatches('end')
      await world.untilWeight('one', 40)
      world.door.cutWatches('reset')
    })
    expect(recorded).toEqual(wholeRollout(`one.${world.namespace}`))
    expect(world.log.complaints.length).toBeLessThan(6)
    expect(world.log.about('CLUSTER_UNREACHABLE').length).toBeGreaterThan(0)
    expect(world.log.about('', 'reachable again').length).toBeGreaterThan(0)
    await world.until('it is ready', () => world.ready().ok)
  })

  test('watches that go silent while their connections look open are noticed by our own writes', async () => {
    const startedMs = Date.now()
    const recorded = await releaseWith(() => {
      world.door.stallWatches()
    })
    expect(Date.now() - startedMs).toBeLessThan(40_000)
    expect(recorded).toEqual(wholeRollout(`one.${world.namespace}`))
    expect(world.log.about('CLUSTER_WATCH_SILENT').length).toBeGreaterThan(0)
    expect(world.log.about('CLUSTER_WATCH_SILENT').length).toBeLessThan(5)
  })

  test('an API server that has too much to do, and one that fails, for a third of all requests', async () => {
    let count = 0
    let refused = 0
    const recorded = await releaseWith(() => {
      world.door.faults.answer = ({ isWatch }) => {
        count += 1
        if (isWatch || count % 3 !== 0) return undefined
        const answers = [
          {
            ...refusal(429, 'TooManyRequests', 'too many requests, please try again later'),
            headers: { 'retry-after': '1' },
          },
          refusal(500, 'InternalError', 'etcdserver: request timed out'),
          { status: 503, body: 'apiserver is shutting down' },
        ]
        refused += 1
        return answers[(count / 3) % 3]
      }
    })
    // Which requests these are is chance: some are tried again without a word, of the others the log tells.
    expect(refused).toBeGreaterThan(5)
    expect(recorded).toEqual(wholeRollout(`one.${world.namespace}`))
    expect(world.log.complaints.length).toBeLessThan(20)
    expect(await world.condition('one', 'Stalled')).not.toMatch(/^True/)
  })

  test('a write whose answer is lost was done: it is not done twice, and nobody is harmed', async () => {
    let lost = 0
    const recorded = await releaseWith(() => {
      world.door.faults.loseAnswerOf = ({ method, path }) => {
        if (method !== 'PATCH' || !path.includes('/virtualservices/') || lost >= 2) return false
        lost += 1
        return true
      }
    })
    expect(lost).toBe(2)
    expect(recorded).toEqual(wholeRollout(`one.${world.namespace}`))
  })

  test('a watch that has expired, and a list that expires between its pages, are read anew', async () => {
    const recorded = await releaseWith(() => {
      const gone = (request: DoorRequest): boolean => request.isWatch || request.path.includes('continue=')
      let refused = 0
      world.door.faults.answer = (request) => {
        if (!gone(request) || refused >= 5) return undefined
        refused += 1
        return refusal(410, 'Expired', 'too old resource version: 1 (2)')
      }
      world.door.cutWatches('end')
    })
    expect(recorded).toEqual(wholeRollout(`one.${world.namespace}`))
  })

  test('an API server that answers slowly slows the rollout down and nothing else', async () => {
    const recorded = await releaseWith(() => {
      world.door.faults.delayMs = 300
    })
    expect(recorded).toEqual(wholeRollout(`one.${world.namespace}`))
    expect(world.log.complaints).toEqual([])
  })

  test('a rollback reaches the cluster and Git while a half of all requests fail', async () => {
    let count = 0
    world.log.clear()
    const before = await world.mark('one')
    await world.release('one', { tag: '2.0.0' })
    await world.untilWeight('one', 40)
    world.setSuccess('one', 50)
    world.door.faults.answer = ({ isWatch }) => {
      count += 1
      return isWatch || count % 2 === 0 ? undefined : refusal(500, 'InternalError', 'etcdserver: request timed out')
    }
    const failedMs = Date.now()
    await world.untilPhase('one', 'Failed')
    const recorded = await world.recorded('one', before)
    expect(recorded.filter((text) => text.startsWith('Rolling back'))).toHaveLength(1)
    expect(world.observer.weight('one')).toBe(0)
    expect(world.observer.weights('one', failedMs).every((weight) => weight <= 60)).toBe(true)
    world.setSuccess('one', 100)
  })
})
