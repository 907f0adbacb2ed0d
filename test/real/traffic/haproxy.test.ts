import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { needs } from '../../support/needs.ts'
import { startBackend, type Backend } from './backend.ts'
import { startHaproxy, type Haproxy } from './haproxy.ts'
import { startLoad, type Load } from './load.ts'
import { describeSteps, stepsOf, type WeightChange } from './split.ts'

const isThere = needs('haproxy') !== undefined
const CLIENTS = 8
let backends: readonly [Backend, Backend]
let proxy: Haproxy

beforeAll(async () => {
  if (!isThere) return
  const backend = (side: 'primary' | 'canary'): Promise<Backend> =>
    startBackend({
      side,
      pods: { next: () => ({ name: `app-${side}`, version: side }) },
      behaviourOf: () => ({ errorShare: 0, delayMs: 0 }),
      random: () => 0.5,
      onServed: () => {},
    })
  backends = [await backend('primary'), await backend('canary')]
  proxy = await startHaproxy({ primary: backends[0].port, canary: backends[1].port })
})

afterAll(async () => {
  if (!isThere) return
  await proxy.close()
  for (const backend of backends) await backend.close()
})

/** Resolves after so many more answers. */
async function answered({ answers }: Load, more: number): Promise<void> {
  const wanted = answers.length + more
  while (answers.length < wanted) await sleep(10)
}

describe.skipIf(!isThere)('the proxy that tests of traffic measure with', () => {
  test('it divides requests as it was told last, and loses none while that changes', async () => {
    await proxy.setWeights({ primary: 100, canary: 0 })
    const changes: WeightChange[] = [{ beforeMs: Date.now(), afterMs: Date.now(), canary: 0 }]
    const load = startLoad({ url: proxy.url, clients: CLIENTS, perSecond: 800, limit: 5000 })
    for (const canary of [10, 50, 100, 0, 25]) {
      await answered(load, 150)
      const beforeMs = Date.now()
      await proxy.setWeights({ primary: 100 - canary, canary })
      changes.push({ beforeMs, afterMs: Date.now(), canary })
    }
    await answered(load, 150)
    await load.stop()
    const steps = stepsOf(changes, load.answers, Date.now(), 10)
    const table = describeSteps(steps)
    expect(steps.map(({ weight }) => weight)).toEqual([0, 10, 50, 100, 0, 25])
    for (const { requests, off, likelihood } of steps) {
      expect(requests, table).toBeGreaterThan(50)
      expect(likelihood, table).toBeGreaterThan(1e-6)
      // Round robin by weight is exact; only who is under way at either end of a step makes a difference.
      expect(Math.abs(off), table).toBeLessThanOrEqual(CLIENTS)
    }
    expect(load.answers.filter(({ status }) => status !== 200)).toEqual([])
  })

  test('a split that is not the one that was said is told apart', async () => {
    const beforeMs = Date.now()
    await proxy.setWeights({ primary: 80, canary: 20 })
    const load = startLoad({ url: proxy.url, clients: CLIENTS, perSecond: 800, limit: 500 })
    await answered(load, 500)
    await load.stop()
    const [said] = stepsOf([{ beforeMs, afterMs: beforeMs, canary: 10 }], load.answers, Date.now(), 0)
    expect(said?.likelihood).toBeLessThan(1e-6)
    expect(Math.abs(said?.off ?? 0)).toBeGreaterThan(CLIENTS)
  })

  test('requests that no side takes are counted as lost', async () => {
    await proxy.setWeights({ primary: 0, canary: 0 })
    const load = startLoad({ url: proxy.url, clients: 1, perSecond: 100, limit: 3 })
    await answered(load, 3)
    await load.stop()
    expect(load.answers.map(({ status, by }) => ({ status, by }))).toEqual(
      Array.from({ length: 3 }, () => ({ status: 503, by: 'nobody' })),
    )
  })

  test('what haproxy does not take is an error', async () => {
    await expect(proxy.setWeights({ primary: 1000, canary: 0 })).rejects.toThrow(/haproxy: .*256/)
  })
})
