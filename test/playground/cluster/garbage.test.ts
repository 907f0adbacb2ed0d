import { describe, expect, it } from 'vitest'
import { at, stringAt } from '../../../src/lib/json.ts'
import { configMap, deployment, deployments, maps, merge, rolledOut, world } from './support.ts'
import type { World } from './support.ts'

async function family(here: World): Promise<void> {
  const owner = await here.send('POST', maps, configMap('owner', {}))
  const uid = stringAt(owner.body, 'metadata', 'uid') ?? ''
  const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid, blockOwnerDeletion: true }
  await here.send('POST', maps, {
    metadata: { name: 'child', ownerReferences: [reference], finalizers: ['example.com/hold'] },
  })
}

const release = { metadata: { finalizers: null } }

describe('playground/cluster: garbage collection', () => {
  it('deletes dependents after their owner', async () => {
    const here = world()
    await family(here)

    await here.send('DELETE', `${maps}/owner`)
    await here.clock.run(100)

    expect((await here.send('GET', `${maps}/owner`)).status).toBe(404)
    expect(at((await here.send('GET', `${maps}/child`)).body, 'metadata', 'deletionTimestamp')).toBeDefined()
  })

  it('keeps the owner until its dependents are gone when deleted in the foreground', async () => {
    const here = world()
    await family(here)

    await here.send('DELETE', `${maps}/owner?propagationPolicy=Foreground`)
    await here.clock.run(100)
    const held = (await here.send('GET', `${maps}/owner`)).status
    await here.send('PATCH', `${maps}/child`, release, merge)
    await here.clock.run(100)

    expect(held).toBe(200)
    expect((await here.send('GET', `${maps}/owner`)).status).toBe(404)
  })

  it('leaves orphans alone when told so', async () => {
    const here = world()
    await family(here)

    await here.send('DELETE', `${maps}/owner?propagationPolicy=Orphan`)
    await here.clock.run(100)

    const child = await here.send('GET', `${maps}/child`)
    expect((await here.send('GET', `${maps}/owner`)).status).toBe(404)
    expect(at(child.body, 'metadata', 'ownerReferences')).toBeUndefined()
    expect(at(child.body, 'metadata', 'deletionTimestamp')).toBeUndefined()
  })

  it('takes ReplicaSets and pods along with their Deployment', async () => {
    const here = world()
    await here.send('POST', deployments, deployment('web', { replicas: 2 }))
    await rolledOut(here, 'web')

    await here.send('DELETE', `${deployments}/web`)
    await here.clock.run(1000)

    expect([here.cluster.list('apps/v1', 'ReplicaSet'), here.cluster.list('v1', 'Pod')]).toEqual([[], []])
  })

  it('empties a namespace before it goes', async () => {
    const here = world()
    await here.send('POST', '/api/v1/namespaces', { metadata: { name: 'x' } })
    const inside = '/api/v1/namespaces/x/configmaps'
    await here.send('POST', inside, { metadata: { name: 'a', finalizers: ['example.com/hold'] } })

    await here.send('DELETE', '/api/v1/namespaces/x')
    await here.clock.run(100)
    const refused = await here.send('POST', inside, configMap('late', {}))
    await here.send('PATCH', `${inside}/a`, release, merge)
    await here.clock.run(100)

    expect(refused.status).toBe(403)
    expect((await here.send('GET', '/api/v1/namespaces/x')).status).toBe(404)
  })
})
