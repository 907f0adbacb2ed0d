import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canary, deployment, fleet, paths } from './fleet.ts'
import { namespace } from '../namespace.ts'
import { createWorld, type World } from './world.ts'

let world: World

beforeAll(async () => {
  world = await createWorld({ files: () => fleet(['steady', 'one', 'two', 'three']) })
  await world.start()
  await Promise.all(['steady', 'one', 'two', 'three'].map((name) => world.untilPhase(name, 'Initialized')))
}, 60_000)

afterAll(async () => {
  await world.close()
})

/** Waits until a pull request has exactly one comment that says this. */
async function untilSaid(pull: number, text: string | RegExp): Promise<void> {
  const said = (): number => world.comments(pull).filter((body) => new RegExp(text).test(body)).length
  await world.until(`the comments of pull request ${pull} say ${String(text)}`, () => said() === 1)
}

describe('a mistake in the manifests is told with its place and stops nobody else', { timeout: 90_000 }, () => {
  test('broken YAML: the last good version stays in force, and is not taken for deleted', async () => {
    const broken = canary('one').replace('    kind: Deployment\n', '    kind: "Deployment\n')
    const pull = await world.merge('Break one', { [paths.canary('one')]: broken })
    await untilSaid(pull, /apps\/one\/canary\.yaml:\d+:\d+/)
    await world.until('the status says so', () => world.condition('one', 'Stalled').startsWith('True'))
    expect(world.condition('one', 'Stalled')).toMatch(/apps\/one\/canary\.yaml:\d+:\d+: .*last good version/)
    await world.until('an event says so', () => world.events('one').some((text) => /canary\.yaml:\d+/.test(text)))
    expect(world.log.find(({ place }) => place?.startsWith('apps/one/canary.yaml:'))?.level).toBe('error')

    // Both the canary whose file is broken and another one are released all the same.
    const next = await world.merge('Bump one and steady', {
      [paths.deployment('one')]: deployment('one', { tag: '1.1.0' }),
      [paths.deployment('steady')]: deployment('steady', { tag: '1.1.0' }),
    })
    await Promise.all(['one', 'steady'].map((name) => world.untilPhase(name, 'Succeeded', '1.1.0')))
    await untilSaid(next, new RegExp(`one\\.${namespace}: Succeeded[\\s\\S]*last good version`))
    expect(world.comments(next)).toHaveLength(1)

    await world.merge('Mend one', { [paths.canary('one')]: canary('one') })
    await world.until('the status is well again', () => world.condition('one', 'Stalled').startsWith('False'))
    await untilSaid(pull, 'can use all files again')
  })

  test('an unknown field, in a new Canary and in one whose rollout runs', async () => {
    const bump = await world.merge('Bump two', { [paths.deployment('two')]: deployment('two', { tag: '1.1.0' }) })
    await world.until('two gets traffic', () => world.weight('two') > 0)
    const wrong = (name: string): string => canary(name, { extra: '  stepWieght: 5\n' })
    const pull = await world.merge('Misspell', {
      [paths.canary('two')]: wrong('two'),
      [paths.canary('fresh')]: wrong('fresh'),
      [paths.deployment('fresh')]: deployment('fresh'),
    })
    await untilSaid(pull, /apps\/fresh\/canary\.yaml:12:3: [^\n]*stepWieght[\s\S]*apps\/two\/canary\.yaml:12:3/)
    await world.untilPhase('two', 'Succeeded', '1.1.0')
    expect(world.condition('two', 'Stalled')).toMatch(/^True .*apps\/two\/canary\.yaml:12:3/)
    await untilSaid(bump, /Problem:.*apps\/two\/canary\.yaml:12:3/)
    expect(world.canary('fresh')).toBeUndefined()

    const mend = await world.merge('Spell', {
      [paths.canary('two')]: canary('two'),
      [paths.canary('fresh')]: canary('fresh'),
    })
    await world.untilPhase('fresh', 'Initialized')
    await untilSaid(pull, 'can use all files again')
    expect(world.comments(mend).join()).not.toContain('some files')
  })

  test('a target that is missing, and comes later', async () => {
    const pull = await world.merge('Add late', { [paths.canary('late')]: canary('late', { target: 'nobody' }) })
    await untilSaid(
      pull,
      new RegExp(`apps/late/canary\\.yaml:1:1: the target Deployment/nobody\\.${namespace} is neither`),
    )
    await world.until('the status says so', () => world.condition('late', 'Stalled').startsWith('True TARGET_MISSING'))
    await world.until('an event says so', () => world.events('late').some((text) => text.includes('nobody')))
    expect(world.logged('TARGET_MISSING')?.canary).toBe(`${namespace}/late`)

    await world.merge('Add its target', { 'apps/late/nobody.yaml': deployment('nobody') })
    await world.untilPhase('late', 'Initialized')
    await world.until('the status is well again', () => world.condition('late', 'Stalled').startsWith('False'))
    await untilSaid(pull, 'can use all files again')
  })

  test('two canaries on one target: the one that has it goes on, the other one waits until it is gone', async () => {
    const pull = await world.merge('Add a rival', { 'apps/rival.yaml': canary('rival', { target: 'three' }) })
    await untilSaid(
      pull,
      new RegExp(`apps/rival\\.yaml:\\d+:\\d+: Deployment/three\\.${namespace} is the target of three at apps/three`),
    )
    for (const name of ['three', 'rival']) {
      const says = (): boolean => world.condition(name, 'Stalled').startsWith('True CANARY_TARGET_SHARED')
      await world.until(`the status of ${name} says so`, says)
      await world.until('an event says so', () => world.events(name).some((text) => text.includes('is the target of')))
    }
    const bump = { [paths.deployment('three')]: deployment('three', { tag: '1.1.0' }) }
    await world.merge('Bump three', { ...bump, [paths.deployment('steady')]: deployment('steady', { tag: '1.2.0' }) })
    await world.untilPhase('steady', 'Succeeded', '1.2.0')
    await world.untilPhase('three', 'Succeeded', '1.1.0')
    expect(world.phase('rival') ?? '').toBe('')

    await world.forge.push({ 'apps/rival.yaml': null }, 'Drop the rival', 'ada')
    await world.until('three is well again', () => world.condition('three', 'Stalled').startsWith('False'))
    await untilSaid(pull, 'can use all files again')
  })

  test('an object that the cluster refuses is named by its line, the others are applied', async () => {
    const service = (port: number): string =>
      `apiVersion: v1\nkind: Service\nmetadata:\n  name: extra\n  namespace: ${namespace}\nspec:\n  ports:\n    - port: ${port}\n      protocol: TCP\n`
    const more = `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: more\n  namespace: ${namespace}\n`
    const pull = await world.merge('Add objects', { 'apps/extra.yaml': service(99_999), 'apps/more.yaml': more })
    await untilSaid(pull, /apps\/extra\.yaml:1:1: .*extra.*99999/)
    expect(world.cluster.list('v1', 'ConfigMap', namespace).map(({ metadata }) => metadata.name)).toContain('more')
    await world.merge('Mend it', { 'apps/extra.yaml': service(80) })
    await untilSaid(pull, 'can use all files again')
  })
})
