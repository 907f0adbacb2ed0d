import { expect, test, describe } from 'vitest'
import { canary, canaryFile, initialised } from './world.ts'

describe('scenarios: a Canary that can not be read', () => {
  test('leaves the target alone after a restart too, because its pods have traffic', async () => {
    const scenario = await initialised()
    scenario.release('good-1')
    await scenario.untilWeight(20)
    scenario.commit({ [canaryFile]: `${canary()}  nonsense: true\n` }, 'Break the Canary')
    await scenario.pass(1)

    await scenario.restart()
    scenario.release('bad-2')
    await scenario.pass(120)

    expect(scenario.weight()).toBe(20)
    expect(scenario.tag('podinfo')).toBe('good-1')
  })
})
