import { describe, expect, test } from 'vitest'
import { at } from '../../../src/lib/json.ts'
import { autoscalingVersion } from '../autoscaling.ts'
import { isOnRealCluster } from '../namespace.ts'
import { initialised, live } from './world.ts'
import { namespace } from '../namespace.ts'

describe('scenarios: providers and versions', () => {
  test('moves weights of an HTTPRoute', async () => {
    const gatewayRefs = [{ name: 'gateway', namespace: 'istio-system' }]
    const scenario = await initialised({
      spec: { provider: 'gatewayapi:v1', service: { port: 9898, gatewayRefs } },
    })
    const weights = (): unknown => {
      const route = live(scenario, 'gateway.networking.k8s.io/v1', 'HTTPRoute')
      const rules = at(route, 'spec', 'rules')
      const refs = Array.isArray(rules) ? at(rules[0], 'backendRefs') : undefined
      return Array.isArray(refs) ? refs.map((ref) => at(ref, 'weight')) : undefined
    }
    expect(weights()).toEqual([100, 0])

    scenario.release('good-1')
    await scenario.until('30 %', () => String(weights()) === '70,30')
    await scenario.untilPhase('Succeeded')
    await scenario.pass(5)

    expect(weights()).toEqual([100, 0])
    expect(scenario.tag('podinfo-primary')).toBe('good-1')
  })

  test('releases blue/green without a mesh', async () => {
    const scenario = await initialised({
      spec: { provider: 'kubernetes' },
      analysis: { stepWeight: 0, maxWeight: 0, iterations: 3 },
    })

    scenario.release('good-1')
    await scenario.untilPhase('Succeeded')

    expect(scenario.sentences.filter((text) => text.includes('iteration'))).toEqual(
      [1, 2, 3].map((nth) => `Advance podinfo.${namespace} canary iteration ${nth}/3`),
    )
    expect(scenario.tag('podinfo-primary')).toBe('good-1')
    expect(scenario.weight()).toBeUndefined()
  })

  test('rolls back blue/green: the users never met the failing revision', async () => {
    const scenario = await initialised({
      spec: { provider: 'kubernetes' },
      analysis: { stepWeight: 0, maxWeight: 0, iterations: 3 },
    })

    scenario.release('bad-1')
    await scenario.untilPhase('Failed')
    await scenario.pass(30)

    expect(scenario.tag('podinfo-primary')).toBe('good-0')
    expect(at(live(scenario, 'v1', 'Service'), 'spec', 'selector', 'app')).toBe('podinfo-primary')
    expect(scenario.sourceTag()).toBe('good-0')
  })

  // A real cluster has the versions that it has; an embedded one can be an old one.
  const canBeOld = !isOnRealCluster() || autoscalingVersion() === 'v2beta2'
  if (!canBeOld) console.log('left out: an autoscaler of an old version, which this cluster does not serve')
  test.runIf(canBeOld)('copies the autoscaler in the version that the cluster has', async () => {
    const scenario = await initialised({ autoscaling: 'v2beta2' })

    const copy = live(scenario, 'autoscaling/v2beta2', 'HorizontalPodAutoscaler', 'podinfo-primary')

    expect(at(copy, 'spec', 'minReplicas')).toBe(2)
    expect(scenario.replicas('podinfo-primary')).toBe(2)
  })
})
