import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { needs } from '../../support/needs.ts'
import { binomialTest } from './binomial.ts'
import { successSeen } from './evidence.ts'
import { ANALYSIS } from './fleet.ts'
import { beginStory, expectNothingLost, expectWeights, promoteGoodRelease, type Story } from './story.ts'

const isThere = needs('haproxy') !== undefined && needs('prometheus') !== undefined
const ERROR_SHARE = 0.3
/** Prometheus asks its targets one after the other and on a busy machine late. */
const SCRAPE_TAKES_MS = 100
/** `rate` extends what it saw to the whole window, for each series by a little more or less. In percent. */
const EXTRAPOLATION = 2

let story: Story

beforeAll(async () => {
  if (isThere) story = await beginStory('VirtualService', { '2.0.0': { errorShare: ERROR_SHARE, delayMs: 0 } })
}, 120_000)

afterAll(async () => {
  await story?.close()
}, 60_000)

const title = 'real requests through a real proxy that follows the VirtualService'
describe.skipIf(!isThere)(title, { timeout: 120_000 }, () => {
  test('a good release: clients see each weight that is written, and no request is lost', async () => {
    await promoteGoodRelease(story)
  })

  test('a release with errors: it is rolled back for what clients saw, and then none of them meets it any more', async () => {
    const { stage } = story
    const fromMs = Date.now()
    const asked = stage.questions.asked.length
    await stage.release('2.0.0')
    await stage.until('it is rolled back', () => stage.phase() === 'Failed')
    await sleep(1000)

    expectWeights(story.stepsSince(fromMs), [0, 10, 0])
    expectNothingLost(story)
    const routedBackMs = stage.proxy.changes.at(-1)?.afterMs ?? Number.NaN
    const after = story.answersSince(routedBackMs)
    expect(new Set(after.map(({ by, version, status }) => `${by} ${version} ${status}`))).toEqual(
      new Set(['primary 1.1.0 200']),
    )

    const questions = stage.questions.asked.slice(asked).filter(({ promql }) => promql.includes('istio_requests_total'))
    const halts = stage.serin.said.flatMap(({ text }) => /success rate ([\d.]+)% < 99%/.exec(text)?.[1] ?? [])
    // What a person reads is what Prometheus said.
    expect(halts).toEqual(questions.map(({ value }) => value.toFixed(2)))
    expect(halts).toHaveLength(ANALYSIS.threshold)
    const canary = story.load.answers.filter(({ by }) => by === 'canary')
    for (const { value, atMs } of questions) {
      const scrapes = await stage.questions.scrapes(atMs, ANALYSIS.windowSeconds * 1000)
      const seen = successSeen(canary, scrapes, SCRAPE_TAKES_MS)
      const all = JSON.stringify({ value, seen })
      expect(value, all).toBeGreaterThan(seen.least - EXTRAPOLATION)
      expect(value, all).toBeLessThan(seen.most + EXTRAPOLATION)
      const failed = Math.round(seen.requests * (1 - value / 100))
      expect(binomialTest(failed, seen.requests, ERROR_SHARE), all).toBeGreaterThan(1e-7)
    }
  })
})
