import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createVirtualClock, type VirtualClock } from '../../src/playground/virtual-clock.ts'
import { backoffMs, KeyedQueue } from '../../src/reconciler/queue.ts'

interface Bench {
  readonly clock: VirtualClock
  readonly queue: KeyedQueue
  /** Keys as they started. */
  readonly started: string[]
  /** `key@milliseconds` since the beginning, as they started. */
  readonly startedAt: string[]
  readonly failures: string[]
  /** The most keys that ran at once, and the most runs of one key at once. */
  readonly most: { together: number; ofOneKey: number }
}

interface Work {
  /** How long a run takes; with 0 it ends in the same turn. */
  readonly durationMs?: number
  readonly concurrency?: number
  readonly again?: (key: string, runs: number) => number | undefined
  readonly fails?: (key: string, runs: number) => boolean
  readonly during?: (queue: KeyedQueue, key: string, runs: number) => void
}

function bench(work: Work = {}): Bench {
  const clock = createVirtualClock(0)
  const running: string[] = []
  const runs = new Map<string, number>()
  const found: Omit<Bench, 'queue'> = {
    clock,
    started: [],
    startedAt: [],
    failures: [],
    most: { together: 0, ofOneKey: 0 },
  }
  const queue = new KeyedQueue({
    clock,
    random: () => 0.5,
    concurrency: work.concurrency ?? 2,
    onFailure: (key, error, retryMs) => void found.failures.push(`${key}: ${String(error)}, again in ${retryMs} ms`),
    run: async (key) => {
      const count = (runs.get(key) ?? 0) + 1
      runs.set(key, count)
      running.push(key)
      found.started.push(key)
      found.startedAt.push(`${key}@${clock.now()}`)
      found.most.together = Math.max(found.most.together, running.length)
      found.most.ofOneKey = Math.max(found.most.ofOneKey, running.filter((one) => one === key).length)
      work.during?.(queue, key, count)
      if (work.durationMs !== undefined) await clock.sleep(work.durationMs)
      running.splice(running.indexOf(key), 1)
      if (work.fails?.(key, count) === true) throw new Error('no luck')
      return work.again?.(key, count)
    },
  })
  return { ...found, queue }
}

describe('reconciler/queue', () => {
  test('runs a key once however often it was added before its turn', async () => {
    const { queue, clock, started } = bench({ concurrency: 1, durationMs: 10 })

    for (const key of ['a', 'b', 'b', 'b']) queue.add(key)
    await clock.run(1000)

    expect(started).toEqual(['a', 'b'])
  })

  test('runs a key once more when it was added while it ran', async () => {
    const { queue, clock, startedAt } = bench({ durationMs: 10 })

    queue.add('a')
    await clock.run(5)
    queue.add('a')
    queue.add('a')
    await clock.run(1000)

    expect(startedAt).toEqual(['a@0', 'a@10'])
  })

  test('never runs a key twice at once, not even when its run adds itself before its first wait', async () => {
    const { queue, clock, started, most } = bench({
      durationMs: 10,
      during: (itself, key, runs) => {
        if (runs === 1) itself.add(key)
      },
    })

    queue.add('a')
    await clock.run(1000)

    expect(started).toEqual(['a', 'a'])
    expect(most.ofOneKey).toBe(1)
  })

  test('runs as many keys at once as it may, the others in the order of their adding', async () => {
    const { queue, clock, started, most } = bench({ concurrency: 2, durationMs: 10 })

    for (const key of ['a', 'b', 'c', 'd', 'e']) queue.add(key)
    expect(queue.depth).toBe(5)
    await clock.run(1000)

    expect(started).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(most.together).toBe(2)
    expect(queue.depth).toBe(0)
  })

  test('runs a key again after the time that its run asked for', async () => {
    const { queue, clock, startedAt } = bench({ again: (_key, runs) => (runs < 3 ? 60_000 : undefined) })

    queue.add('a')
    await clock.run(1_000_000)

    expect(startedAt).toEqual(['a@0', 'a@60000', 'a@120000'])
  })

  test('keeps the earlier of two times', async () => {
    const { queue, clock, startedAt } = bench()

    queue.addAfter('a', 500)
    queue.addAfter('a', 900)
    queue.addAfter('b', 900)
    queue.addAfter('b', 500)
    await clock.run(10_000)

    expect(startedAt).toEqual(['a@500', 'b@500'])
  })

  test('brings a failing key back with doubling delays, without holding up another', async () => {
    const { queue, clock, startedAt, failures } = bench({
      concurrency: 1,
      fails: (key, runs) => key === 'bad' && runs < 4,
    })

    queue.add('bad')
    queue.add('good')
    await clock.run(100_000)

    expect(startedAt).toEqual(['bad@0', 'good@0', 'bad@375', 'bad@1125', 'bad@2625'])
    expect(failures).toEqual([
      'bad: Error: no luck, again in 375 ms',
      'bad: Error: no luck, again in 750 ms',
      'bad: Error: no luck, again in 1500 ms',
    ])
  })

  test('begins with the shortest delay again after a run that went well', async () => {
    const { queue, clock, failures } = bench({ fails: (_key, runs) => runs !== 2 && runs < 4 })

    queue.add('a')
    await clock.run(100_000)
    queue.add('a')
    await clock.run(100_000)

    expect(failures).toEqual(['a: Error: no luck, again in 375 ms', 'a: Error: no luck, again in 375 ms'])
  })

  test('stops: what runs ends, nothing else starts, no timer stays', async () => {
    const { queue, clock, started } = bench({ concurrency: 1, durationMs: 100, again: () => 10 })
    queue.add('a')
    queue.add('b')
    queue.addAfter('c', 50)
    await clock.run(10)

    let ended = false
    void queue.stop().then(() => (ended = true))
    await clock.run(50)
    expect(ended).toBe(false)

    await clock.run(10_000)
    queue.add('d')
    queue.addAfter('e', 1)
    await clock.run(10_000)
    expect(ended).toBe(true)
    expect(started).toEqual(['a'])
    expect(queue.depth).toBe(0)
  })

  test('loses no key and runs none twice at once, whatever is added when', async () => {
    const additions = fc.array(
      fc.record({ key: fc.constantFrom('a', 'b', 'c'), afterMs: fc.nat({ max: 40 }), delayMs: fc.nat({ max: 30 }) }),
      { maxLength: 20 },
    )
    await fc.assert(
      fc.asyncProperty(additions, fc.integer({ min: 1, max: 3 }), async (given, concurrency) => {
        const { queue, clock, started, most, startedAt } = bench({ concurrency, durationMs: 15 })
        const lastAdded = new Map<string, number>()

        for (const { key, afterMs, delayMs } of given) {
          await clock.run(afterMs)
          lastAdded.set(key, clock.now())
          if (delayMs > 20) queue.add(key)
          else queue.addAfter(key, delayMs)
        }
        await clock.run(10_000)

        expect(new Set(started)).toEqual(new Set(given.map(({ key }) => key)))
        expect(most.ofOneKey).toBeLessThanOrEqual(1)
        expect(most.together).toBeLessThanOrEqual(concurrency)
        expect(queue.depth).toBe(0)
        for (const [key, atMs] of lastAdded) {
          const latest = Math.max(...startedAt.filter((one) => one.startsWith(key)).map((one) => Number(one.slice(2))))
          expect(latest).toBeGreaterThanOrEqual(atMs)
        }
      }),
      { numRuns: 50 },
    )
  })
})

describe('reconciler/queue, pace', () => {
  test('slows a key down that comes back at once without end, and never loses it', async () => {
    const { queue, clock, started } = bench({ during: (one, key) => key === 'fought' && one.add('fought') })
    queue.add('fought')
    queue.add('quiet')

    await clock.run(999)
    expect(started.filter((key) => key === 'fought')).toHaveLength(30)
    expect(started.filter((key) => key === 'quiet')).toHaveLength(1)
    await clock.run(2000)

    expect(started.filter((key) => key === 'fought')).toHaveLength(90)
  })
})

describe('reconciler/queue, backoffMs', () => {
  test('doubles from half a second to a minute, spread over the upper half', () => {
    expect([1, 2, 3, 7, 8, 100].map((failures) => backoffMs(failures, 0))).toEqual([
      250, 500, 1000, 16_000, 30_000, 30_000,
    ])
    expect([1, 2, 3, 7, 8, 2000].map((failures) => backoffMs(failures, 0.999_999))).toEqual([
      500, 1000, 2000, 32_000, 60_000, 60_000,
    ])
  })
})
