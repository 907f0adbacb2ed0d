import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { at, isObject, numberAt } from '../../../src/lib/json.ts'
import { controlPlane } from '../namespace.ts'
import { createFaultsWorld, type FaultsWorld } from './support/faults-world.ts'
import { canaryText, namespaceObject } from './support/manifests.ts'
import { stepsOf, wholeRollout } from './support/sentences.ts'

const ISTIO = 'networking.istio.io/v1beta1'

let world: FaultsWorld
let version = 0

beforeAll(async () => {
  world = await createFaultsWorld({ plane: controlPlane(), apps: ['one', 'two'] })
  await world.start()
  await Promise.all(['one', 'two'].map((name) => world.untilPhase(name, 'Initialized')))
}, 90_000)

afterAll(async () => {
  await world.close()
}, 30_000)

/** Releases the next version, does harm while the canary has traffic, and waits for the promotion. Resolves to what was recorded. */
async function releaseWith(harm: () => Promise<unknown>): Promise<readonly string[]> {
  version += 1
  const tag = `1.${version}.0`
  world.log.clear()
  const before = await world.mark('one')
  await world.release('one', { tag })
  await world.untilWeight('one', 20)
  await harm()
  await world.untilPhase('one', 'Succeeded', tag)
  return world.recorded('one', before)
}

describe('objects and rights that go while Serin works with them', { timeout: 90_000 }, () => {
  afterEach(async () => {
    for (const name of ['one', 'two']) expect(await world.observer.wrongs(name)).toEqual([])
    expect(world.log.complaints.length).toBeLessThan(20)
  })

  test('a right that is missing for one kind holds up what needs it alone, is named, and is used when it is back', async () => {
    const beforeTwo = await world.mark('two')
    const recorded = await releaseWith(async () => {
      await world.account.revoke('virtualservices')
      await world.until('the status says so', async () =>
        /^True CLUSTER_FORBIDDEN .*VirtualService\/one\./.test(await world.condition('one', 'Stalled')),
      )
      expect(world.log.about('CLUSTER_FORBIDDEN', 'virtualservices').length).toBeGreaterThan(0)
      expect(await world.recorded('two', beforeTwo)).toEqual([])
      expect(world.observer.weight('one')).toBeLessThanOrEqual(40)
      await world.account.restore()
    })
    expect(stepsOf(recorded)).toEqual(wholeRollout(`one.${world.namespace}`))
    await world.until('nothing stalls it', async () => (await world.condition('one', 'Stalled')).startsWith('False'))
    await world.until('it is ready', () => world.ready().ok)
  })

  test('a route that is deleted comes back with no more than what is recorded', async () => {
    const recorded = await releaseWith(async () => {
      await world.remove(ISTIO, 'VirtualService', 'one')
      await world.until('it is gone', () => world.observer.seen.some(({ weight }) => weight === undefined))
    })
    expect(stepsOf(recorded)).toEqual(wholeRollout(`one.${world.namespace}`))
    expect(recorded.length).toBeLessThan(wholeRollout('').length + 3)
  })

  test('a primary that is deleted is made anew, with what was promoted, before the canary gets more traffic', async () => {
    const recorded = await releaseWith(async () => {
      const { uid } = (await world.get('apps/v1', 'Deployment', 'one-primary'))?.metadata ?? {}
      await world.remove('apps/v1', 'Deployment', 'one-primary')
      await world.until('there is another one', async () => {
        const now = await world.get('apps/v1', 'Deployment', 'one-primary')
        return now !== undefined && now.metadata.uid !== uid
      })
      expect(await world.tagOf('one-primary')).toBe(`1.${version - 1}.0`)
    })
    expect(stepsOf(recorded)).toEqual(wholeRollout(`one.${world.namespace}`))
  })

  test('a Canary that is deleted comes back with all that it owns, and its rollout goes on', async () => {
    const recorded = await releaseWith(async () => {
      const { uid } = (await world.canary('one'))?.metadata ?? {}
      await world.remove('flagger.app/v1beta1', 'Canary', 'one')
      await world.until('there is another one', async () => {
        const now = await world.canary('one')
        return now !== undefined && now.metadata.uid !== uid
      })
    })
    expect(stepsOf(recorded)).toEqual(wholeRollout(`one.${world.namespace}`))
    expect(world.log.about('', 'the Canary was deleted in the cluster').length).toBeGreaterThan(0)
  })

  test('a manifest with a field that this server does not know is told with its file and line, and not tried for ever', async () => {
    const text = canaryText(world.namespace, 'two').replace('  analysis:', '  skipAnalysys: true\n  analysis:')
    await world.commit({ 'apps/two/canary.yaml': text }, 'Mistype a field')
    const service = `apiVersion: v1
kind: Service
metadata:
  name: extra
  namespace: ${world.namespace}
spec:
  ports:
    - port: 80
  trafficDistribution: PreferClose
`
    await world.commit({ 'apps/extra.yaml': service }, 'Use what a newer server knows')
    world.log.clear()
    void world.serin?.look()
    await world.until('the log says so', () => world.log.about('CLUSTER_INVALID', 'field not declared').length > 0)
    const [line] = world.log.about('CLUSTER_INVALID', 'field not declared')
    expect(line).toMatchObject({ level: 'error' })
    expect(line?.place).toMatch(/^apps\/extra\.yaml:1/)
    await world.commit({ 'apps/two/canary.yaml': canaryText(world.namespace, 'two') }, 'Mend the field')
    await world.commit({ 'apps/extra.yaml': '' }, 'Go back')
    await world.serin?.look()
  })

  test('a namespace that is deleted is waited for; when it is back everything comes back as recorded', async () => {
    await world.client.delete({ apiVersion: 'v1', kind: 'Namespace', name: world.namespace })
    await world.until('it is gone', async () => {
      const left = await world.client.get({ apiVersion: 'v1', kind: 'Namespace', name: world.namespace })
      return left === undefined
    })
    await world.client.create(namespaceObject(world.namespace), { fieldManager: 'ada' })
    await world.serin?.look()
    await world.until('the primary serves again', async () => {
      const primary = await world.get('apps/v1', 'Deployment', 'one-primary')
      return numberAt(primary, 'status', 'availableReplicas') === 1
    })
    expect(await world.tagOf('one-primary')).toBe(`1.${version}.0`)
    await world.until('the route is back', async () => (await world.get(ISTIO, 'VirtualService', 'one')) !== undefined)
    await world.untilPhase('one', 'Succeeded', `1.${version}.0`)
    expect(world.observer.weight('one')).toBe(0)
    expect(world.log.complaints.length).toBeLessThan(20)
  })
})

describe('the observer of these tests', () => {
  test('sees a weight that nobody recorded, however short it lives', async () => {
    const route = await world.get(ISTIO, 'VirtualService', 'one')
    const http = at(route, 'spec', 'http')
    const destinations = at(http, 0, 'route')
    if (!Array.isArray(http) || !Array.isArray(destinations)) throw new Error('no route')
    const weights = [70, 30]
    const raised = destinations.map((one, index) => ({ ...(isObject(one) ? one : {}), weight: weights[index] ?? 0 }))
    const first = isObject(http[0]) ? http[0] : {}
    await world.patch(ISTIO, 'VirtualService', 'one', { spec: { http: [{ ...first, route: raised }] } })
    await world.until('it is taken back', () => world.observer.weights('one').join().endsWith('30,0'))

    expect(await world.observer.wrongs('one')).toEqual([expect.stringMatching(/^one had 30 .* recorded: 0$/)])
  })
})
