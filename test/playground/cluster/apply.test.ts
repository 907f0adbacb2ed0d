import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { at } from '../../../src/lib/json.ts'
import { configMap, deployment, deployments, maps, merge, world } from './support.ts'

describe('playground/cluster: server-side apply', () => {
  it('takes out what a manager no longer applies, unless somebody else does', async () => {
    const { apply } = world()
    await apply(`${maps}/a`, 'one', configMap('a', { own: '1', shared: '1' }))
    await apply(`${maps}/a`, 'two', configMap('a', { shared: '1' }))

    const rest = await apply(`${maps}/a`, 'one', configMap('a', {}))

    expect(at(rest.body, 'data')).toEqual({ shared: '1' })
  })

  it('names the manager whose field it would change, and takes it by force', async () => {
    const { apply } = world()
    await apply(`${maps}/a`, 'one', configMap('a', { k: '1' }))

    const refused = await apply(`${maps}/a`, 'two', configMap('a', { k: '2' }))
    const forced = await apply(`${maps}/a`, 'two', configMap('a', { k: '2' }), true)

    expect(refused.status).toBe(409)
    expect(at(refused.body, 'details', 'causes')).toEqual([
      { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.k' },
    ])
    expect(at(forced.body, 'metadata', 'managedFields')).toMatchObject([{ manager: 'two', operation: 'Apply' }])
  })

  it('lets two managers share a list of containers', async () => {
    const { apply } = world()
    await apply(`${deployments}/web`, 'one', deployment('web'))
    const side = { spec: { template: { spec: { containers: [{ name: 'side', image: 'side:1' }] } } } }
    const identity = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } }

    await apply(`${deployments}/web`, 'two', { ...identity, ...side })
    const again = await apply(`${deployments}/web`, 'one', deployment('web', { image: 'app:2' }))
    const without = await apply(`${deployments}/web`, 'two', identity)

    const images = (body: unknown): unknown[] => {
      const containers = at(body, 'spec', 'template', 'spec', 'containers')
      return (Array.isArray(containers) ? containers : []).map((container: unknown) => at(container, 'image'))
    }
    expect(images(again.body)).toEqual(['app:2', 'side:1'])
    expect(images(without.body)).toEqual(['app:2'])
  })

  it('keeps the resourceVersion when the same is applied again, also after others wrote elsewhere', async () => {
    const { apply, send } = world()
    await apply(`${maps}/a`, 'one', configMap('a', { k: '1' }))
    const other = await send('PATCH', `${maps}/a?fieldManager=two`, { data: { z: '1' } }, merge)

    const again = await apply(`${maps}/a`, 'one', configMap('a', { k: '1' }))
    const andAgain = await apply(`${maps}/a`, 'one', configMap('a', { k: '1' }))

    expect(again.body).toEqual(other.body)
    expect(andAgain.body).toEqual(other.body)
  })

  it('needs a manager', async () => {
    const { send } = world()

    const refused = await send('PATCH', `${maps}/a`, configMap('a', {}), 'application/apply-patch+yaml')

    expect(refused.status).toBe(422)
  })

  it('ends with the union of what all managers applied last, in any order', async () => {
    const data = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2'))
    const steps = fc.array(fc.record({ manager: fc.constantFrom('one', 'two', 'three'), data }), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const { apply, send } = world()
        const last = new Map<string, Readonly<Record<string, string>>>()
        for (const step of all) {
          const reply = await apply(`${maps}/m`, step.manager, configMap('m', step.data))
          if (reply.status < 300) last.set(step.manager, step.data)
        }
        const stored = at((await send('GET', `${maps}/m`)).body, 'data') ?? {}

        expect(stored).toEqual(Object.assign({}, ...last.values()))
      }),
      { numRuns: 100 },
    )
  })
})
