import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Reply, ServerRequest } from '../../../src/playground/cluster/api/context.ts'
import { deployment, fleet, paths } from './fleet.ts'
import { namespace } from '../namespace.ts'
import { createWorld, type World } from './world.ts'

let world: World

beforeAll(async () => {
  world = await createWorld({ files: () => fleet(['one', 'two']) })
}, 60_000)

afterAll(async () => {
  await world.close()
})

afterEach(() => {
  world.trouble.git = undefined
  world.trouble.api = undefined
})

function bump(name: string, tag: string): Promise<number> {
  return world.merge(`Bump ${name} to ${tag}`, { [paths.deployment(name)]: deployment(name, { tag }) })
}

/** Role-based access control that lacks a rule, in Kubernetes' own words. */
function forbid(
  matches: (request: ServerRequest) => boolean,
  what: string,
): (request: ServerRequest) => Reply | undefined {
  const message = `${what} is forbidden: User "system:serviceaccount:serin:serin" cannot do that`
  const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason: 'Forbidden', code: 403 }
  return (request) => (matches(request) ? { status: 403, body } : undefined)
}

describe('trouble with the cluster is told with its place, and passes', { timeout: 90_000 }, () => {
  test('an API server that is away at start is waited for', async () => {
    await world.closeApi()
    await world.start()
    await world.untilLogged('CLUSTER_UNREACHABLE')
    await world.openApi()
    await Promise.all(['one', 'two'].map((name) => world.untilPhase(name, 'Initialized')))
    expect(await world.ledger('one')).toContain(`Initialization done! one.${namespace}`)
  })

  test('an API server that goes away in the middle of a rollout and comes back', async () => {
    const pull = await bump('one', '1.1.0')
    await world.until('one gets traffic', () => world.weight('one') === 25)
    world.log.length = 0
    await world.closeApi()
    await world.untilLogged('CLUSTER_UNREACHABLE', /http:\/\/127\.0\.0\.1:\d+/)
    await world.openApi()
    await world.untilPhase('one', 'Succeeded', '1.1.0')
    await world.until('the comment says so', () => world.comments(pull).join().includes(`one.${namespace}: Succeeded`))
    expect((await world.ledger('one')).filter((subject) => subject.includes('weight 25'))).toHaveLength(1)
  })

  test('a right that is missing for one kind holds up what needs it, is named, and is used when it is granted', async () => {
    const isRoute = ({ path, method }: ServerRequest): boolean =>
      path.includes('/virtualservices/one') && method === 'PATCH'
    world.trouble.api = forbid(isRoute, 'virtualservices.networking.istio.io "one"')
    await bump('one', '1.2.0')
    await bump('two', '1.1.0')
    await world.until('the status says so', () =>
      world.condition('one', 'Stalled').startsWith('True CLUSTER_FORBIDDEN'),
    )
    expect(world.condition('one', 'Stalled')).toContain(`VirtualService/one.${namespace}`)
    await world.until('an event says so', () => world.events('one').some((text) => text.includes('forbidden')))
    expect(world.logged('CLUSTER_FORBIDDEN', 'virtualservices')?.canary).toBe(`${namespace}/one`)
    await world.untilPhase('two', 'Succeeded', '1.1.0')
    expect(world.weight('one')).toBe(0)

    world.trouble.api = undefined
    await world.untilPhase('one', 'Succeeded', '1.2.0')
    expect(world.condition('one', 'Stalled')).toMatch(/^False/)
  })

  test('a right that is missing to read one kind from the start', async () => {
    await world.stop()
    const isRead = ({ path, method }: ServerRequest): boolean =>
      /\/virtualservices(\?|$)/.test(path) && method === 'GET'
    world.trouble.api = forbid(isRead, 'virtualservices.networking.istio.io')
    await world.start()
    const says = (): boolean => world.condition('one', 'Stalled').startsWith('True CLUSTER_FORBIDDEN')
    await world.until('the status says so', says)
    world.trouble.api = undefined
    await bump('one', '1.3.0')
    await world.untilPhase('one', 'Succeeded', '1.3.0')
  })
})
