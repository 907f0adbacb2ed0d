import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { needs } from '../../support/needs.ts'
import { ANALYSIS } from './fleet.ts'
import { beginStory, expectNothingLost, expectWeights, promoteGoodRelease, type Story } from './story.ts'

const isThere = needs('haproxy') !== undefined && needs('prometheus') !== undefined
const SLOW_MS = 600

let story: Story

beforeAll(async () => {
  if (isThere) story = await beginStory('HTTPRoute', { '2.0.0': { errorShare: 0, delayMs: SLOW_MS } })
}, 120_000)

afterAll(async () => {
  await story?.close()
}, 60_000)

const title = 'real requests through a real proxy that follows the HTTPRoute, and says so in its status'
describe.skipIf(!isThere)(title, { timeout: 120_000 }, () => {
  test('a good release: clients see each weight that is written, and no request is lost', async () => {
    await promoteGoodRelease(story)
  })

  test('a slow release: it is rolled back for the time that clients waited, and none is lost or meets it afterwards', async () => {
    const { stage } = story
    const fromMs = Date.now()
    await stage.release('2.0.0')
    await stage.until('it is rolled back', () => stage.phase() === 'Failed')
    await sleep(1000)

    expectWeights(story.stepsSince(fromMs), [0, 10, 0])
    expectNothingLost(story)
    const after = story.answersSince(stage.proxy.changes.at(-1)?.afterMs ?? Number.NaN)
    expect(new Set(after.map(({ by, version }) => `${by} ${version}`))).toEqual(new Set(['primary 1.1.0']))

    const halts = stage.serin.said.flatMap(({ text }) => /request duration (\d+)ms > 500ms/.exec(text)?.[1] ?? [])
    expect(halts).toHaveLength(ANALYSIS.threshold)
    // The histogram of the pods knows no more than that it took longer than 500 and no longer than 1000 ms.
    for (const ms of halts) expect(Number(ms)).toSatisfy((value: number) => value > 500 && value <= 1000)
    const slow = story.load.answers.filter(({ version }) => version === '2.0.0')
    expect(slow.length).toBeGreaterThan(10)
    expect(Math.min(...slow.map(({ startMs, endMs }) => endMs - startMs))).toBeGreaterThanOrEqual(SLOW_MS - 2)
  })
})
