import { describe, expect, test } from 'vitest'
import { canaryFile, initialised, live } from './world.ts'
import { namespace } from '../namespace.ts'

const canaryPath = (): string => `/apis/flagger.app/v1beta1/namespaces/${namespace}/canaries/podinfo`

describe('scenarios: a Canary deleted in the cluster', () => {
  test('comes back with everything that went with it, for the source branch still has it', async () => {
    const scenario = await initialised()
    await scenario.kubectl('DELETE', canaryPath())
    await scenario.pass(20)

    expect(live(scenario, 'flagger.app/v1beta1', 'Canary')?.status).toMatchObject({ phase: 'Initialized' })
    expect(scenario.tag('podinfo-primary')).toBe('good-0')
    expect(scenario.weight()).toBe(0)
    expect(scenario.warnings).toContain('the Canary was deleted in the cluster, applying it again')
    expect(scenario.subjects('ledger')).toHaveLength(2)
  })

  test('does not end its rollout', async () => {
    const scenario = await initialised()
    scenario.release('good-1')
    await scenario.untilWeight(20)
    await scenario.kubectl('DELETE', canaryPath())
    await scenario.untilPhase('Succeeded')

    expect(scenario.tag('podinfo-primary')).toBe('good-1')
  })

  test('stays away when the source branch has it no longer', async () => {
    const scenario = await initialised()
    scenario.commit({ [canaryFile]: null })
    await scenario.pass(5)
    await scenario.kubectl('DELETE', canaryPath())
    await scenario.pass(20)

    expect(live(scenario, 'flagger.app/v1beta1', 'Canary')).toBeUndefined()
  })
})
