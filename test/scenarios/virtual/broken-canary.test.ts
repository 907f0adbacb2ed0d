import { expect, test, describe } from 'vitest'
import { canary, canaryFile, initialised } from './world.ts'

describe('scenarios: a Canary that can not be read', () => {
  test('analyses what comes next by the version that the cluster has, after a restart too', async () => {
    const scenario = await initialised()
    scenario.release('good-1')
    await scenario.untilWeight(20)
    scenario.commit({ [canaryFile]: `${canary()}  nonsense: true\n` }, 'Break the Canary')
    await scenario.pass(1)

    await scenario.restart()
    scenario.release('bad-2')
    await scenario.untilPhase('Failed')
    await scenario.pass(30)

    expect(scenario.weight()).toBe(0)
    expect(scenario.tag('podinfo-primary')).toBe('good-0')
  })

  test('goes on after a restart by the version that the cluster has: no canary keeps its traffic unwatched', async () => {
    const scenario = await initialised()
    scenario.release('good-1')
    await scenario.untilWeight(20)
    scenario.commit({ [canaryFile]: `${canary()}  nonsense: true\n` }, 'Break the Canary')
    await scenario.pass(1)
    await scenario.restart()

    scenario.answer = () => ({ kind: 'value', value: 12 })
    await scenario.untilPhase('Failed')
    await scenario.pass(30)

    expect(scenario.weight()).toBe(0)
    expect(scenario.replicas('podinfo')).toBe(0)
    expect(scenario.warnings.some((text) => text.includes('nonsense'))).toBe(true)
  })
})
