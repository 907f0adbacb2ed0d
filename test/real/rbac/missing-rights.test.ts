import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAsAdmin } from './admin.ts'
import { inClusterTemplate, paths, release, secret, templateCanary } from './fleet.ts'
import { rulesIn, type Rule } from './roles.ts'
import { canRun, openStage, type Stage } from './stage.ts'

const ALL = rulesIn('overlays/namespaced/role.yaml')

function without(...resources: readonly string[]): readonly Rule[] {
  return ALL.filter((rule) => !rule.resources.some((one) => resources.includes(one)))
}

describe.skipIf(!canRun)('rights that are missing for some kinds', { timeout: 240_000 }, () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await openStage(without('httproutes', 'horizontalpodautoscalers', 'events', 'secrets'))
    await stage.world.start()
  }, 90_000)

  afterAll(async () => {
    await stage.close()
  })

  /** What Serin has told about a canary; Deployments of that name have events of their own. */
  const toldAbout = (name: string): readonly string[] =>
    stage.world.events(name).filter((message) => message.includes(`${name}.${stage.namespace}`))

  test('stop only what needs them: another canary is initialised and promoted, without its events', async () => {
    const { world } = stage
    await world.until('plain is initialised', () => world.phase('plain') === 'Initialized', 90_000)
    await world.merge('Bump plain', release('plain', '1.1.0'))
    await world.until('plain is promoted', () => world.phase('plain') === 'Succeeded', 90_000)
    expect(toldAbout('plain')).toEqual([])
  })

  test.each([
    ['gate', 'httproutes.gateway.networking.k8s.io'],
    ['scaled', 'horizontalpodautoscalers.autoscaling'],
  ])('%s says in its condition which verb on %s to add to whose role, and so does the log', async (name, resource) => {
    const { world, namespace } = stage
    await world.until(`${name} is stalled`, () => world.condition(name, 'Stalled').startsWith('True'), 90_000)
    const said = `add the verb "list" on "${resource}" to the role of system:serviceaccount:${namespace}:serin`
    expect(world.condition(name, 'Stalled')).toContain('True CLUSTER_FORBIDDEN')
    expect(world.condition(name, 'Stalled')).toContain(said)
    expect(world.phase(name) ?? '').toBe('')
    expect(world.logged('CLUSTER_FORBIDDEN', `cannot list resource "${resource.split('.')[0]}"`)).toBeDefined()
  })

  test('a check whose Secret may not be read fails, says which right is missing, and ends in a rollback', async () => {
    const { world, namespace } = stage
    await createAsAdmin(secret(namespace))
    await createAsAdmin(inClusterTemplate(namespace, world.config.metricsServer))
    await world.untilPhase('secretive', 'Initialized')
    const impatient = { [paths.canary('secretive')]: templateCanary('secretive', 3) }
    await world.merge('Bump secretive', { ...release('secretive', '1.1.0'), ...impatient })
    await world.until('it is rolled back', () => world.phase('secretive') === 'Failed', 90_000)
    const missing = `add the verb "get" on "secrets" to the role of system:serviceaccount:${namespace}:serin`
    expect((await world.ledger('secretive')).join('\n')).toContain(missing)
    expect(world.weight('secretive')).toBe(0)
  })

  test('events that nobody may write are told in the log, when the server has refused them for half a minute', async () => {
    const { world } = stage
    const isTold = (): boolean => world.logged('CLUSTER_EVENT_REFUSED', 'cannot create resource "events"') !== undefined
    await world.until('the log says so', isTold, 120_000)
  })

  test('granted later, all of it goes on by itself', async () => {
    const { world, account } = stage
    await account.grant(ALL)
    for (const name of ['gate', 'scaled']) {
      await world.until(`${name} is initialised`, () => world.phase(name) === 'Initialized', 90_000)
      await world.until(`${name} is stalled no more`, () => !world.condition(name, 'Stalled').startsWith('True'))
    }
    await world.merge('Bump secretive again', release('secretive', '1.2.0'))
    await world.untilPhase('secretive', 'Succeeded', '1.2.0')
    await world.merge('Bump plain again', release('plain', '1.2.0'))
    await world.until('events are there', () => toldAbout('plain').length > 0, 90_000)
  })
})
