import { describe, expect, test } from 'vitest'
import { begun, initialised, type Scenario } from './world.ts'

/** Moments of a release at which a process may end. */
const moments: readonly (readonly [string, (scenario: Scenario) => Promise<void>])[] = [
  ['before the first pod is ready', (scenario) => scenario.untilPhase('Progressing')],
  ['at the first weight', (scenario) => scenario.untilWeight(10)],
  ['at the last weight', (scenario) => scenario.untilWeight(50)],
  ['while the primary rolls over', (scenario) => scenario.untilPhase('Promoting')],
  ['while the canary still drains', (scenario) => scenario.untilPhase('Finalising')],
  ['when all is done', (scenario) => scenario.untilPhase('Succeeded')],
]

describe('scenarios: restarts', () => {
  test.each(moments)('goes on from the ledger when it is killed %s', async (_name, reached) => {
    const scenario = await initialised()
    scenario.release('good-1')
    await reached(scenario)

    await scenario.restart(20)
    await scenario.untilPhase('Succeeded')
    await scenario.pass(60)

    expect(scenario.tag('podinfo-primary')).toBe('good-1')
    expect(scenario.weight()).toBe(0)
    expect(scenario.replicas('podinfo')).toBe(0)
    const promotions = scenario.subjects('ledger').filter((subject) => subject.startsWith('Promotion completed'))
    expect(promotions).toHaveLength(1)
  })

  test('goes on initialising', async () => {
    const scenario = await begun()
    await scenario.untilPhase('Initializing')

    await scenario.restart()
    await scenario.untilPhase('Initialized')
    await scenario.pass(10)

    expect(scenario.replicas('podinfo')).toBe(0)
    expect(scenario.replicas('podinfo-primary')).toBe(2)
  })

  test('writes the revert of a failed release that the process before did not get to write', async () => {
    const scenario = await initialised()
    scenario.release('bad-1')
    await scenario.until('the threshold', () => scenario.entry()?.state.failedChecks === 2)
    await scenario.until('the rollback', () => scenario.subjects('ledger').some((text) => text.startsWith('Rolling')))

    await scenario.restart(60)
    await scenario.pass(60)

    expect(scenario.sourceTag()).toBe('good-0')
    expect(scenario.subjects('main').filter((subject) => subject.startsWith('Revert'))).toHaveLength(1)
    expect(scenario.entry()?.state.phase).toBe('Failed')
  })

  test('hears of a revert that came while it was dead', async () => {
    const scenario = await initialised()
    scenario.release('good-1')
    await scenario.untilWeight(20)

    scenario.serin().kill()
    scenario.release('good-0')
    await scenario.restart(30)
    await scenario.pass(10)

    expect(scenario.weight()).toBe(0)
    expect(scenario.entry()?.state.phase).toBe('Failed')
  })
})
