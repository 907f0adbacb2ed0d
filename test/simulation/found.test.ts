import { describe, expect, test } from 'vitest'
import type { Fate, OutsideCall } from '../../src/cli/stage/outside.ts'
import { initialised, type Scenario } from '../scenarios/virtual/world.ts'

/** A fate that can be set for the next call that matches. */
function nextFate(): {
  of: (call: OutsideCall) => Fate
  set: (matches: (call: OutsideCall) => boolean, fate: Fate) => void
} {
  let waiting: { readonly matches: (call: OutsideCall) => boolean; readonly fate: Fate } | undefined
  return {
    of: (call) => {
      if (waiting === undefined || !waiting.matches(call)) return { kind: 'pass' }
      const { fate } = waiting
      waiting = undefined
      return fate
    },
    set: (matches, fate) => (waiting = { matches, fate }),
  }
}

/** The first process hears late of new commits of a branch, once it is told to. */
function slowBranch(): { of: (call: OutsideCall) => Fate; slow: (branch: string) => void } {
  let slowed: string | undefined
  return {
    of: ({ process, text }) =>
      process === 1 && text === `tip ${slowed}` ? { kind: 'slow', ms: 5000 } : { kind: 'pass' },
    slow: (branch) => (slowed = branch),
  }
}

/** The images that the primary was given, one after the other. */
function primaryTags(scenario: Scenario): string[] {
  const tags: string[] = []
  scenario.stage.cluster.onChange(({ object }) => {
    if (object.kind !== 'Deployment' || object.metadata.name !== 'podinfo-primary') return
    const tag = scenario.tag('podinfo-primary')
    if (tags.at(-1) !== tag) tags.push(tag)
  })
  return tags
}

/** Every weight that the canary gets from now on. */
function weights(scenario: Scenario): number[] {
  const seen: number[] = []
  scenario.stage.cluster.onChange(({ object }) => {
    if (object.kind === 'VirtualService') seen.push(scenario.weight() ?? 0)
  })
  return seen
}

const isPatch =
  (name: string) =>
  ({ text }: OutsideCall): boolean =>
    text.startsWith('PATCH') && text.endsWith(name)

describe('simulation: what it has found', () => {
  test('an order that arrives while the metrics are asked for is not lost', async () => {
    const scenario = await initialised()
    scenario.release('good-1')
    await scenario.untilWeight(20)
    let hasOrdered = false
    scenario.answer = async () => {
      if (!hasOrdered) {
        hasOrdered = true
        scenario.revertOnLedger(/^Advance podinfo\.test canary weight 20/)
        await scenario.serin().reconciler.look()
      }
      return { kind: 'value', value: 99.9 }
    }

    await scenario.untilPhase('Failed')

    expect(scenario.weight()).toBe(0)
    expect(scenario.sentences.some((text) => text.includes('ordered by'))).toBe(true)
  })

  test('a process that wakes up late does not give the canary the traffic that another one took', async () => {
    const fate = nextFate()
    const scenario = await initialised({ fateOf: fate.of })
    scenario.release('good-1')
    await scenario.untilWeight(20)
    fate.set(isPatch('/virtualservices/podinfo'), { kind: 'pause', when: 'before', ms: 120_000 })
    await scenario.until('the pause', () => scenario.entry()?.state.canaryWeight === 30)

    scenario.second()
    scenario.release('good-0')
    await scenario.untilPhase('Failed')
    const seen = weights(scenario)
    await scenario.pass(180)

    expect(seen.filter((weight) => weight > 0)).toEqual([])
    expect(scenario.entry()?.state.phase).toBe('Failed')
  })

  test('a request that arrives after its process was killed changes nothing that the next one decided', async () => {
    const fate = nextFate()
    const scenario = await initialised({ fateOf: fate.of })
    scenario.release('good-1')
    await scenario.untilWeight(20)
    fate.set(isPatch('/virtualservices/podinfo'), { kind: 'die', when: 'underway', arrivesMs: 30_000 })
    await scenario.until('the kill', () => scenario.serin().isDead)

    scenario.second()
    scenario.release('good-0')
    await scenario.untilPhase('Failed')
    const seen = weights(scenario)
    await scenario.pass(60)

    expect(seen.filter((weight) => weight > 0)).toEqual([])
  })

  test('a process that wakes up late does not put an older revision on the primary', async () => {
    const git = slowBranch()
    const scenario = await initialised({ fateOf: git.of })
    const first = scenario.serin()
    first.pause()
    scenario.second()
    await scenario.pass(5)
    scenario.release('good-1')
    await scenario.untilPhase('Succeeded')
    const tags = primaryTags(scenario)

    git.slow('serin/default')
    first.resume()
    await scenario.pass(60)

    expect(tags.filter((tag) => tag !== 'good-1')).toEqual([])
    expect(scenario.tag('podinfo-primary')).toBe('good-1')
  })

  test('a process that read less of the source branch does not take the newer release for a revert', async () => {
    const git = slowBranch()
    const scenario = await initialised({ fateOf: git.of })
    const first = scenario.serin()
    first.pause()
    scenario.second()
    await scenario.pass(5)
    scenario.release('good-1')
    await scenario.untilWeight(20)

    git.slow('main')
    first.resume()
    await scenario.untilPhase('Succeeded')

    expect(scenario.tag('podinfo-primary')).toBe('good-1')
    expect(scenario.sentences.some((text) => text.startsWith('Rolling back'))).toBe(false)
  })
})
