import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAsAdmin } from './admin.ts'
import { inClusterTemplate, release, secret } from './fleet.ts'
import { rightsOf, rulesIn } from './roles.ts'
import { canRun, openStage, type Stage } from './stage.ts'

/** Rights that no request of this story needs, and what they are for. */
const REASONS: Readonly<Record<string, string>> = {
  'flagger.app/canaries/finalizers update':
    'owner references that block deletion, where the admission plug-in OwnerReferencesPermissionEnforcement is on',
  'apps/deployments get': 'after a conflict',
  'autoscaling/horizontalpodautoscalers get': 'after a conflict',
  '/services get': 'after a conflict',
  'networking.istio.io/virtualservices get': 'after a conflict',
  'networking.istio.io/destinationrules get': 'after a conflict',
  'gateway.networking.k8s.io/httproutes get': 'after a conflict',
}

const RULES = rulesIn('overlays/namespaced/role.yaml')

describe.skipIf(!canRun)('Serin with the rights of one namespace that the manifests give, and no others', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await openStage(RULES)
  }, 90_000)

  afterAll(async () => {
    await stage.close()
  })

  test(
    'is refused nothing while it initialises, promotes, rolls back and starts again',
    { timeout: 240_000 },
    async () => {
      const { world, namespace } = stage
      await createAsAdmin(inClusterTemplate(namespace, world.config.metricsServer))
      await world.start()
      for (const name of ['plain', 'scaled', 'secretive', 'gate']) {
        await world.until(`${name} is initialised`, () => world.phase(name) === 'Initialized', 90_000)
      }
      await world.merge('Bump plain', release('plain', '1.1.0'))
      await world.merge('Bump secretive', release('secretive', '1.1.0'))
      await world.merge('Break scaled', release('scaled', '1.1.0', { errorRate: 1 }))
      await world.until('plain has traffic', () => world.weight('plain') > 0, 60_000)
      await world.stop()
      await world.start()
      await world.until('plain is promoted', () => world.phase('plain') === 'Succeeded', 90_000)
      await world.until('scaled is rolled back', () => world.phase('scaled') === 'Failed', 90_000)
      await world.until('secretive has halted, and says so again', () => wasPatched(stage, 'events'), 90_000)
      await createAsAdmin(secret(namespace))
      await world.until('secretive is promoted', () => world.phase('secretive') === 'Succeeded', 90_000)

      const refused = stage.recorder.seen.filter(({ status }) => status === 403)
      expect(refused).toEqual([])
    },
  )

  test('uses each right, but those that have a reason', () => {
    const used = new Set(stage.recorder.seen.map(({ group, resource, verb }) => `${group}/${resource} ${verb}`))
    const unused = rightsOf(RULES).filter((right) => !used.has(right) && REASONS[right] === undefined)
    expect(unused).toEqual([])
    expect(Object.keys(REASONS).filter((right) => !rightsOf(RULES).includes(right))).toEqual([])
  })
})

function wasPatched({ recorder }: Stage, resource: string): boolean {
  return recorder.seen.some((one) => one.resource === resource && one.verb === 'patch' && one.status === 200)
}
