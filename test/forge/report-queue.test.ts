import { describe, expect, it } from 'vitest'
import { renderComment } from '../../src/forge/comment.ts'
import { ReportQueue } from '../../src/forge/report-queue.ts'
import type { ReportQueueOptions } from '../../src/forge/report-queue.ts'
import type { Forge } from '../../src/forge/types.ts'
import type { ReleaseView } from '../../src/forge/view.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { Problem } from '../../src/lib/problem.ts'
import { createVirtualClock } from '../../src/playground/virtual-clock.ts'
import type { VirtualClock } from '../../src/playground/virtual-clock.ts'

const HOUR_MS = 3_600_000
const down = new Problem({ kind: 'retry', code: 'FORGE_UNREACHABLE', message: 'nobody there' })

/** A forge in memory that can be told to fail, and notes when it was asked. */
class MemoryForge implements Pick<Forge, 'comment'> {
  readonly comments = new Map<number, string>()
  readonly asked: { readonly pullRequest: number; readonly timeMs: number }[] = []
  readonly #clock: Clock
  fail: (pullRequest: number) => Problem | null = () => null
  /** How long an answer takes. */
  delayMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async comment(pullRequest: number, _marker: string, markdown: string): Promise<{ readonly url: string }> {
    this.asked.push({ pullRequest, timeMs: this.#clock.now() })
    if (this.delayMs > 0) await this.#clock.sleep(this.delayMs)
    const problem = this.fail(pullRequest)
    if (problem !== null) throw problem
    this.comments.set(pullRequest, markdown)
    return { url: '' }
  }
}

interface World {
  readonly clock: VirtualClock
  readonly forge: MemoryForge
  readonly queue: ReportQueue
  readonly problems: (readonly [string, number | null])[]
}

function world(options: Partial<ReportQueueOptions> = {}): World {
  const clock = createVirtualClock(0)
  const forge = new MemoryForge(clock)
  const problems: (readonly [string, number | null])[] = []
  const onProblem = (problem: Problem, number: number | null): void => {
    problems.push([problem.code, number])
  }
  const queue = new ReportQueue({ forge, clock, marker: 'demo', onProblem, ...options })
  return { clock, forge, queue, problems }
}

function view(weight: number): ReleaseView {
  const canary = {
    namespace: 'test',
    name: 'podinfo',
    phase: 'Progressing',
    weight,
    maxWeight: 50,
    revision: { commit: 'a'.repeat(40), hash: 'h' },
    attempt: 1,
    checks: [],
    timeline: [],
  }
  return { cluster: 'demo', ledgerBranch: 'serin/demo', canaries: [canary] }
}

describe('ReportQueue', () => {
  it('shows only the latest of a burst, in one request', async () => {
    const { clock, forge, queue } = world()

    for (const weight of [10, 20, 30]) queue.report(7, view(weight))
    await clock.run(0)

    expect(forge.asked).toHaveLength(1)
    expect(forge.comments.get(7)).toBe(renderComment(view(30)))
  })

  it('shows what came while a request was under way', async () => {
    const { clock, forge, queue } = world()
    forge.delayMs = 500
    queue.report(7, view(10))
    await clock.run(100)

    queue.report(7, view(20))
    await clock.run(5000)

    expect(forge.comments.get(7)).toBe(renderComment(view(20)))
    expect(queue.size).toBe(0)
  })

  it('leaves a second between two comments', async () => {
    const { clock, forge, queue } = world()

    for (const number of [1, 2, 3]) queue.report(number, view(10))
    await clock.run(10_000)

    expect(forge.asked.map((entry) => entry.timeMs)).toEqual([0, 1000, 2000])
  })

  it('catches up after the forge was down for an hour, without storming it', async () => {
    const { clock, forge, queue, problems } = world()
    forge.fail = () => down
    for (const number of [1, 2]) queue.report(number, view(10))
    await clock.run(HOUR_MS)
    queue.report(1, view(50))

    forge.fail = () => null
    await clock.run(6 * 60_000)

    expect(forge.comments).toEqual(
      new Map([
        [2, renderComment(view(10))],
        [1, renderComment(view(50))],
      ]),
    )
    expect(forge.asked.length).toBeLessThan(25)
    expect(problems.length).toBe(forge.asked.length - 2)
  })

  it('waits as long as a rate limit says', async () => {
    const { clock, forge, queue } = world()
    const limited = new Problem({ kind: 'retry', code: 'FORGE_RATE_LIMITED', message: 'slow', retryAfterMs: 90_000 })
    forge.fail = () => (clock.now() < 90_000 ? limited : null)

    queue.report(1, view(10))
    await clock.run(HOUR_MS)

    expect(forge.asked.map((entry) => entry.timeMs)).toEqual([0, 90_000])
    expect(forge.comments.size).toBe(1)
  })

  it('gives up a pull request that the forge refuses, and only that one', async () => {
    const { clock, forge, queue, problems } = world()
    const refused = new Problem({ kind: 'stalled', code: 'FORGE_NOT_FOUND', message: 'no such pull request' })
    forge.fail = (number) => (number === 1 ? refused : null)

    for (const number of [1, 2]) queue.report(number, view(10))
    await clock.run(HOUR_MS)

    expect(problems).toEqual([['FORGE_NOT_FOUND', 1]])
    expect([...forge.comments.keys()]).toEqual([2])
    expect(queue.size).toBe(0)
  })

  it('keeps everything while a token is wrong, for somebody may renew it', async () => {
    const { clock, forge, queue } = world()
    forge.fail = () => new Problem({ kind: 'stalled', code: 'FORGE_UNAUTHORIZED', message: 'no' })
    queue.report(1, view(10))
    await clock.run(HOUR_MS)

    forge.fail = () => null
    await clock.run(6 * 60_000)

    expect(forge.comments.size).toBe(1)
  })

  it('does not let one failing pull request hold up the others', async () => {
    const { clock, forge, queue } = world()
    forge.fail = (number) => (number === 1 ? down : null)

    for (const number of [1, 2, 3]) queue.report(number, view(10))
    await clock.run(10_000)

    expect([...forge.comments.keys()]).toEqual([2, 3])
    expect(queue.size).toBe(1)
  })

  it('gives up the one that waits longest when there are too many, and says so', async () => {
    const { clock, forge, queue, problems } = world({ capacity: 2 })

    for (const number of [1, 2, 3]) queue.report(number, view(10))
    await clock.run(10_000)

    expect(problems).toEqual([['FORGE_QUEUE_FULL', 1]])
    expect([...forge.comments.keys()]).toEqual([2, 3])
  })

  it('sends what waits when it is closed, and takes no more', async () => {
    const { clock, forge, queue } = world()
    for (const number of [1, 2, 3]) queue.report(number, view(10))
    await clock.run(0)

    const closed = queue.close(5000)
    queue.report(4, view(10))
    await clock.run(500)

    expect(await closed).toBe(0)
    expect([...forge.comments.keys()]).toEqual([1, 2, 3])
  })

  it('stops at the deadline and says how much is left', async () => {
    const { clock, forge, queue, problems } = world()
    forge.fail = () => down
    for (const number of [1, 2]) queue.report(number, view(10))
    await clock.run(1000)

    const closed = queue.close(5000)
    await clock.run(5000)

    expect(await closed).toBe(2)
    expect(problems.at(-1)).toEqual(['FORGE_REPORTS_UNSENT', null])
  })

  it('closes at once when nothing waits', async () => {
    const { queue, problems } = world()

    expect(await queue.close(5000)).toBe(0)
    expect(problems).toEqual([])
  })
})
