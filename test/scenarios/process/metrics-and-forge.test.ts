import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { canary, deployment, fleet, paths } from './fleet.ts'
import { namespace } from '../namespace.ts'
import { createWorld, type World } from './world.ts'

let world: World
const names = ['html', 'error', 'hang', 'plain']

beforeAll(async () => {
  world = await createWorld({
    files: () => ({ ...fleet(names), [paths.canary('hang')]: canary('hang', { threshold: 20 }) }),
  })
  await world.start()
  await Promise.all(names.map((name) => world.untilPhase(name, 'Initialized')))
}, 60_000)

afterAll(async () => {
  await world.close()
})

afterEach(() => {
  world.trouble.prometheus = undefined
  world.forge.faults.clear()
})

function bump(name: string, tag: string): Promise<number> {
  return world.merge(`Bump ${name} to ${tag}`, { [paths.deployment(name)]: deployment(name, { tag }) })
}

describe('a Prometheus that answers no values is no success', { timeout: 90_000 }, () => {
  test.each([
    ['html', 'html', 'text/html'],
    ['error', 'error', 'status 500'],
  ] as const)(
    '%s: the release halts with the reason, and is rolled back at the threshold',
    async (name, fault, says) => {
      const pull = await bump(name, '1.1.0')
      await world.until('it gets traffic', () => world.weight(name) > 0)
      world.trouble.prometheus = fault
      await world.until('it has failed', () => world.phase(name) === 'Failed')
      expect(world.weight(name)).toBe(0)
      expect(world.tagOf(`${name}-primary`)).toBe('1.0.0')
      const halted = world
        .events(name)
        .filter((text) => text.includes('Prometheus query failed') && text.includes(says))
      expect(halted.join('\n')).toMatch(/http:\/\/127\.0\.0\.1:\d+/)
      expect((await world.ledger(name)).join('\n')).toContain(says)
      await world.until('the comment says why', () => world.comments(pull).join().includes(says))
      expect(world.comments(pull)).toHaveLength(1)
      await world.until('main is reverted', async () =>
        (await world.git('show', `main:${paths.deployment(name)}`)).includes(':1.0.0'),
      )
    },
  )

  test('time-outs: the release halts, others that ask another Prometheus go on, and it ends when answers come', async () => {
    await bump('hang', '1.1.0')
    await world.until('it gets traffic', () => world.weight('hang') > 0)
    world.trouble.prometheus = 'hang'
    await world.until('an event says so', () => world.events('hang').some((text) => /did not answer within/.test(text)))
    expect(world.weight('hang')).toBeGreaterThan(0)
    // Without metrics of its own this one needs no Prometheus.
    const blind = canary('plain').replace(/ {4}metrics:[\s\S]*$/, '    metrics: []\n')
    await world.merge('Release blindly', {
      [paths.canary('plain')]: blind,
      [paths.deployment('plain')]: deployment('plain', { tag: '1.1.0' }),
    })
    await world.untilPhase('plain', 'Succeeded', '1.1.0')
    world.trouble.prometheus = undefined
    await world.untilPhase('hang', 'Succeeded', '1.1.0')
  })
})

describe('a forge in trouble holds up no release, and its comments catch up', { timeout: 90_000 }, () => {
  test.each([
    ['down', '2.0.0'],
    ['html', '2.1.0'],
  ] as const)('%s in the middle of a rollout', async (kind, tag) => {
    const pull = await bump('plain', tag)
    await world.until('the comment is there', () => world.comments(pull).length === 1)
    world.forge.faults.add({ kind, times: Number.POSITIVE_INFINITY })
    await world.untilPhase('plain', 'Succeeded', tag)
    expect(world.comments(pull).join()).not.toContain('Succeeded')
    await world.until('the log says so', () => world.log.some(({ code }) => code?.startsWith('FORGE_') === true))
    world.forge.faults.clear()
    await world.until('the comment catches up', () =>
      world.comments(pull).join().includes(`plain.${namespace}: Succeeded`),
    )
    expect(world.comments(pull)).toHaveLength(1)
  })

  test('away from the merge on: the pull request is found and told later', async () => {
    world.forge.faults.add({ kind: 'rate-limit', times: 2, retryAfterSeconds: 1 })
    const pull = await bump('plain', '2.3.0')
    await world.untilPhase('plain', 'Succeeded', '2.3.0')
    await world.until(
      'the comment is there',
      () => world.comments(pull).join().includes(`plain.${namespace}: Succeeded`),
      50_000,
    )
    expect(world.comments(pull)).toHaveLength(1)
  })
})
