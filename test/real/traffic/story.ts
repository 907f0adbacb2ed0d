import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Behaviour } from './backend.ts'
import { startLoad, type Answer, type Load } from './load.ts'
import type { RouteKind } from './route-proxy.ts'
import { describeSteps, stepsOf, type Step } from './split.ts'
import { openStage, type Stage } from './stage.ts'

/** A stage on which the first version serves, and clients that ask all the time. */
export interface Story {
  readonly stage: Stage
  readonly load: Load
  /** What clients saw from the weight at a time on. */
  stepsSince(ms: number): readonly Step[]
  /** Answers to requests that were sent after a time. */
  answersSince(ms: number): readonly Answer[]
  close(): Promise<void>
}

export const CLIENTS = 8
const PER_SECOND = 300
const MOST_REQUESTS = 60_000
/** Before and after a change of weights: what was sent in it may belong to either side. */
const MARGIN_MS = 50
/** With fewer requests a step would say little about its weight. */
const FEWEST_REQUESTS = 40
/** No more steps than this are judged in one run, so that chance alone fails less than one run of a million. */
const MOST_STEPS = 40
const LEAST_LIKELY = 1e-6 / MOST_STEPS

/** Starts everything and waits until the first version is initialised. */
export async function beginStory(route: RouteKind, behaviours: Readonly<Record<string, Behaviour>>): Promise<Story> {
  const stage = await openStage({ route, behaviours })
  try {
    await stage.until('podinfo is initialised', () => stage.phase() === 'Initialized')
    await stage.until('the proxy has its weights', () => stage.proxy.changes.length > 0)
  } catch (error) {
    await stage.close()
    throw error
  }
  const load = startLoad({ url: stage.url, clients: CLIENTS, perSecond: PER_SECOND, limit: MOST_REQUESTS })
  return {
    stage,
    load,
    stepsSince(ms) {
      const { changes } = stage.proxy
      const first = changes.findLastIndex(({ afterMs }) => afterMs <= ms)
      return stepsOf(changes.slice(first), load.answers, Date.now(), MARGIN_MS)
    },
    answersSince: (ms) => load.answers.filter(({ startMs }) => startMs > ms),
    async close() {
      await load.stop()
      await stage.close()
    },
  }
}

/** Clients saw exactly these weights, one after the other, each within the error of its statistics. */
export function expectWeights(steps: readonly Step[], weights: readonly number[]): void {
  const table = `\n${describeSteps(steps)}`
  expect(
    steps.map(({ weight }) => weight),
    table,
  ).toEqual(weights)
  for (const { requests, off, likelihood } of steps) {
    expect(requests, table).toBeGreaterThan(FEWEST_REQUESTS)
    expect(likelihood, table).toBeGreaterThan(LEAST_LIKELY)
    // Round robin by weight is exact: only who was under way at either end of a step can make a difference.
    expect(Math.abs(off), table).toBeLessThanOrEqual(CLIENTS)
  }
}

/** Every request was answered by a pod: none by the proxy itself, none by a side that had no pod, none not at all. */
export function expectNothingLost({ stage, load }: Story): void {
  expect(load.answers.filter(({ by, version }) => by === 'nobody' || version === '')).toEqual([])
  expect({ primary: stage.primary.unserved(), canary: stage.canary.unserved() }).toEqual({ primary: 0, canary: 0 })
  expect(stage.proxy.problems).toEqual([])
}

const PRIMARY = 'podinfo-primary'

/** Releases 1.1.0: clients see each weight that is written, and no request is lost. */
export async function promoteGoodRelease(story: Story): Promise<void> {
  const { stage } = story
  const fromMs = Date.now()
  await stage.release('1.1.0')
  await stage.until('it is promoted', () => stage.phase() === 'Succeeded' && stage.versionOf(PRIMARY) === '1.1.0')
  const promotedMs = Date.now()
  await sleep(500)

  expectWeights(story.stepsSince(fromMs), [0, 10, 20, 30, 40, 50, 0])
  expectNothingLost(story)
  const after = story.answersSince(promotedMs)
  expect(new Set(after.map(({ by, version }) => `${by} ${version}`))).toEqual(new Set(['primary 1.1.0']))
  expect(new Set(story.load.answers.map(({ status }) => status))).toEqual(new Set([200]))
}
