import { describe, expect, test } from 'vitest'
import { at, isObject } from '../../../src/lib/json.ts'
import { namespace } from '../namespace.ts'
import {
  begunEmpty,
  canaryPath,
  deploymentPath,
  initialisedInCluster,
  kubectlCreate,
  kubectlSetImage,
} from './in-cluster.ts'
import { canary, canaryFile, initialised, live, manifest, targetFile, type Scenario } from './world.ts'

const renamed = (): string => canary().replace('name: podinfo\n', 'name: second\n')
const unreadable = { analysis: { metrics: [{ name: 'requests' }] } }

const container = (scenario: Scenario): object => {
  const found = at(live(scenario, 'apps/v1', 'Deployment'), 'spec', 'template', 'spec', 'containers', 0)
  return isObject(found) ? found : {}
}

describe('scenarios: canaries that are mixed up in the middle of their work', () => {
  test('analyses what somebody adds to a live target after its manifest has left Git', async () => {
    const scenario = await initialised()
    scenario.release('good-1')
    await scenario.untilWeight(20)
    scenario.commit({ [canaryFile]: null, [targetFile]: null }, 'Tidy up\n')
    await scenario.untilWeight(50)

    const containers = [{ ...container(scenario), args: ['--added'] }]
    await scenario.kubectl('PATCH', deploymentPath(), { spec: { template: { spec: { containers } } } })
    await scenario.untilPhase('Succeeded')

    const subjects = scenario.subjects('ledger')
    const restart = subjects.indexOf(`New revision detected! Restarting analysis for podinfo.${namespace}`)
    expect(restart).toBeGreaterThan(0)
    expect(subjects.slice(restart)).toContain(`Advance podinfo.${namespace} canary weight 50`)
  })

  test('leaves the target in Git alone while its Canary in the cluster can not be read, after a restart too', async () => {
    const scenario = await begunEmpty({ files: { [targetFile]: manifest('good-0') } })
    await kubectlCreate(scenario, canary())
    await scenario.untilPhase('Initialized')
    await scenario.pass(5)
    await scenario.kubectl('PATCH', canaryPath(), { spec: unreadable })
    await scenario.restart()
    await scenario.pass(10)

    scenario.release('bad-1')
    await scenario.pass(20)
    expect(scenario.tag('podinfo')).toBe('good-0')

    await scenario.kubectl('PATCH', canaryPath(), {
      spec: { analysis: { metrics: [{ name: 'request-success-rate', thresholdRange: { min: 99 }, interval: '1m' }] } },
    })
    await scenario.untilPhase('Failed')
    expect(scenario.tag('podinfo-primary')).toBe('good-0')
  })

  test('ends the rollout of a Canary that is renamed in Git before the new one takes its target', async () => {
    const scenario = await initialised()
    scenario.release('bad-1')
    await scenario.untilWeight(10)

    scenario.commit({ [canaryFile]: renamed() }, 'Rename\n')
    await scenario.untilPhase('Failed')
    await scenario.pass(60)

    expect(scenario.weight()).toBe(0)
    expect(scenario.tag('podinfo-primary')).toBe('good-0')
    expect(scenario.sourceTag()).toBe('good-0')
    expect(scenario.serin().reconciler.keeper.entry(`${namespace}/second`)?.state.phase).toBe('Initialized')

    await scenario.kubectl('DELETE', canaryPath())
    await scenario.pass(30)
    expect(scenario.tag('podinfo-primary')).toBe('good-0')
    expect(live(scenario, 'networking.istio.io/v1beta1', 'VirtualService')).toBeDefined()
  })

  test.each(['good-1', 'bad-1'])(
    'analyses %s that comes in the commit that renames its Canary, then hands the target over',
    async (tag) => {
      const scenario = await initialised()
      scenario.commit({ [canaryFile]: renamed(), [targetFile]: manifest(tag) }, 'Rename\n')
      await scenario.untilPhase(tag === 'good-1' ? 'Succeeded' : 'Failed')
      await scenario.pass(60)

      expect(scenario.subjects('ledger')).toContain(`Advance podinfo.${namespace} canary weight 10`)
      expect(scenario.tag('podinfo-primary')).toBe(tag === 'good-1' ? 'good-1' : 'good-0')
      expect(scenario.serin().reconciler.keeper.entry(`${namespace}/second`)?.state.phase).toBe('Initialized')
    },
  )

  test('does not promote a failed revision of the cluster when Git gets a Canary of another name for its target', async () => {
    const scenario = await initialisedInCluster()
    await kubectlSetImage(scenario, 'bad-1')
    await scenario.untilWeight(10)

    scenario.commit({ [canaryFile]: renamed() }, 'Adopt podinfo\n')
    await scenario.untilPhase('Failed')
    await scenario.pass(60)
    expect(scenario.tag('podinfo-primary')).toBe('good-0')
    expect(JSON.stringify(live(scenario, 'flagger.app/v1beta1', 'Canary', 'second')?.status)).toContain(
      'CANARY_TARGET_SHARED',
    )
  })

  test('goes on watching a rollout when Git gets a second Canary for its target', async () => {
    const scenario = await initialised()
    scenario.release('bad-1')
    await scenario.untilWeight(10)

    scenario.commit({ 'apps/second.yaml': renamed() }, 'Add another one\n')
    await scenario.untilPhase('Failed')
    await scenario.pass(30)

    expect(scenario.weight()).toBe(0)
    expect(JSON.stringify(live(scenario, 'flagger.app/v1beta1', 'Canary')?.status)).toContain('CANARY_TARGET_SHARED')
    expect(scenario.serin().reconciler.keeper.entry(`${namespace}/second`)).toBeUndefined()
  })

  test('goes on watching a rollout when Git gets a manifest of its Canary that can not be read', async () => {
    const scenario = await initialisedInCluster()
    await kubectlSetImage(scenario, 'bad-1')
    await scenario.untilWeight(10)

    scenario.commit({ [canaryFile]: canary(unreadable) }, 'Adopt podinfo\n')
    await scenario.untilPhase('Failed')

    expect(scenario.weight()).toBe(0)
  })

  test('keeps the target that a rollout began with when somebody changes targetRef in the cluster', async () => {
    const scenario = await initialisedInCluster()
    await kubectlSetImage(scenario, 'bad-1')
    await scenario.untilWeight(10)

    await scenario.kubectl('PATCH', canaryPath(), { spec: { targetRef: { name: 'other' } } })
    await scenario.untilPhase('Failed')
    expect(scenario.weight()).toBe(0)

    await scenario.restart()
    await scenario.pass(20)
    expect(JSON.stringify(live(scenario, 'flagger.app/v1beta1', 'Canary')?.status)).toContain('CANARY_TARGET_CHANGED')
  })

  test('takes a corrected targetRef while nothing is recorded', async () => {
    const scenario = await begunEmpty()
    await kubectlCreate(scenario, manifest('good-0'))
    await kubectlCreate(scenario, canary({ spec: { targetRef: { kind: 'Deployment', name: 'podinf0' } } }))
    await scenario.pass(20)

    await scenario.kubectl('PATCH', canaryPath(), { spec: { targetRef: { name: 'podinfo' } } })
    await scenario.untilPhase('Initialized')
  })
})
