import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { at, stringAt } from '../../../src/lib/json.ts'
import { controlPlane } from '../namespace.ts'
import { buildIfOld, startChild, type ChildSerin } from './support/child-serin.ts'
import { createFaultsWorld, type FaultsWorld } from './support/faults-world.ts'
import { stepsOf, wholeRollout } from './support/sentences.ts'

const HOUR = 3_600_000

let world: FaultsWorld
const running: ChildSerin[] = []
let version = 0

async function start(options: Parameters<typeof startChild>[1]): Promise<ChildSerin> {
  const child = await startChild(world, options)
  running.push(child)
  return child
}

async function endAll(): Promise<void> {
  await Promise.all(running.splice(0).map((child) => child.kill('SIGTERM')))
}

beforeAll(async () => {
  await buildIfOld()
  world = await createFaultsWorld({ plane: controlPlane(), apps: ['one'] })
}, 60_000)

afterAll(async () => {
  await Promise.all(running.splice(0).map((child) => child.kill('SIGKILL')))
  await world.close()
}, 30_000)

function linesAbout(child: ChildSerin, text: string): number {
  return child
    .output()
    .split('\n')
    .filter((line) => line.includes(text)).length
}

/** Releases the next version; resolves to what was recorded until it was promoted. */
async function release(pods: Record<string, string> = {}): Promise<readonly string[]> {
  version += 1
  const tag = `1.${version}.0`
  const before = await world.mark('one')
  await world.release('one', { tag, pods })
  await world.untilPhase('one', 'Succeeded', tag)
  return world.recorded('one', before)
}

describe('clocks and processes of Serin', { timeout: 90_000 }, () => {
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') console.log(running.map((child) => child.output().slice(-4000)).join('\n'))
    await endAll()
    expect(await world.observer.wrongs('one')).toEqual([])
  })

  test.each([
    ['ahead of', 3 * HOUR],
    ['behind', -3 * HOUR],
  ])("a clock that is hours %s the cluster's changes nothing, and is told once", async (how, aheadMs) => {
    const child = await start({ name: `clock-${aheadMs}`, aheadMs })
    await world.until('it is initialised', async () => (await world.mark('one')) !== undefined)
    await world.until('it waits', async () => ['Initialized', 'Succeeded'].includes(await phase()))
    const startedMs = Date.now()

    // Pods that take their time: the deadline that they have is not over because a clock says so.
    const recorded = await release({ 'kubelet.test/ready-after-ms': '1500' })

    expect(recorded).toEqual(wholeRollout(`one.${world.namespace}`))
    const moved = Date.parse(stringAt((await world.canary('one'))?.status, 'lastTransitionTime') ?? '')
    expect(Math.abs(moved - Date.now())).toBeLessThan(Date.now() - startedMs + 10_000)
    expect(await conditionTimes()).toSatisfy((times: readonly number[]) =>
      times.every((ms) => ms < Date.now() + 10_000),
    )
    expect(linesAbout(child, 'CLOCK_SKEW')).toBe(1)
    expect(child.output()).toContain(`s ${how} the cluster's`)
  })

  test('two at once record every transition once, and one that sleeps through it undoes nothing when it wakes up', async () => {
    const first = await start({ name: 'first' })
    await start({ name: 'second' })
    expect(stepsOf(await release())).toEqual(wholeRollout(`one.${world.namespace}`))

    version += 1
    const before = await world.mark('one')
    await world.release('one', { tag: `1.${version}.0` })
    await world.untilWeight('one', 20)
    first.pause()
    await world.untilPhase('one', 'Succeeded', `1.${version}.0`)
    const doneMs = Date.now()
    first.resume()
    await new Promise((resolve) => setTimeout(resolve, 2000))

    expect(stepsOf(await world.recorded('one', before))).toEqual(wholeRollout(`one.${world.namespace}`))
    expect(world.observer.weights('one', doneMs).every((weight) => weight === 0)).toBe(true)
  })

  test('one that is killed in the middle is gone on with by the next one, as if nothing had been', async () => {
    const first = await start({ name: 'third' })
    version += 1
    const before = await world.mark('one')
    await world.release('one', { tag: `1.${version}.0` })
    await world.untilWeight('one', 40)
    await first.kill('SIGKILL')
    await start({ name: 'fourth' })
    await world.untilPhase('one', 'Succeeded', `1.${version}.0`)

    expect(stepsOf(await world.recorded('one', before))).toEqual(wholeRollout(`one.${world.namespace}`))
  })
})

async function phase(): Promise<string> {
  return stringAt((await world.canary('one'))?.status, 'phase') ?? ''
}

async function conditionTimes(): Promise<readonly number[]> {
  const conditions = at((await world.canary('one'))?.status, 'conditions')
  return (Array.isArray(conditions) ? conditions : []).map((one) =>
    Date.parse(stringAt(one, 'lastTransitionTime') ?? ''),
  )
}
