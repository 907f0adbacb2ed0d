import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/lib/json.ts'
import { weightsOf } from '../../simulation/invariants.ts'
import { canary, canaryFile, events, initialised, live, type Scenario } from './world.ts'

const VIRTUAL_SERVICE = 'networking.istio.io/v1beta1'

function weightOf(scenario: Scenario, name: string): number | undefined {
  return weightsOf(live(scenario, VIRTUAL_SERVICE, 'VirtualService', name))?.canary
}

describe('scenarios: other routes for a canary in the middle of a rollout', () => {
  const changes: readonly (readonly [string, JsonObject])[] = [
    ['another Service', { service: { port: 9898, name: 'shop' } }],
    ['another provider', { provider: 'kubernetes' }],
  ]

  test.each(changes)('%s: a failing release is taken off the routes that it has', async (_name, spec) => {
    const scenario = await initialised()
    scenario.release('bad-1')
    await scenario.untilWeight(10)

    scenario.commit({ [canaryFile]: canary({ spec }) })
    await scenario.untilPhase('Failed')
    await scenario.pass(30)

    expect(weightOf(scenario, 'podinfo')).toBe(0)
    expect(scenario.replicas('podinfo')).toBe(0)
    expect(events(scenario).some((text) => text.includes('the running rollout goes on with the Service podinfo'))).toBe(
      true,
    )
  })

  test.each(changes)('%s: it comes into force when the release has ended, after a restart too', async (name, spec) => {
    const scenario = await initialised()
    scenario.release('good-1')
    await scenario.untilWeight(20)

    scenario.commit({ [canaryFile]: canary({ spec }) })
    await scenario.pass(5)
    await scenario.restart()
    expect(scenario.weight()).toBe(20)
    await scenario.untilWeight(50)
    await scenario.untilPhase('Succeeded')
    await scenario.pass(30)

    expect(weightOf(scenario, 'podinfo')).toBe(0)
    expect(scenario.tag('podinfo-primary')).toBe('good-1')
    if (name === 'another Service') expect(weightOf(scenario, 'shop')).toBe(0)
    expect(scenario.subjects('ledger').filter((subject) => subject.startsWith('Update routes'))).toHaveLength(1)
  })
})
