import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { at, type Json, numberAt, stringAt } from '../../../src/lib/json.ts'
import { configMap, deployment, type Body } from './objects-made.ts'
import {
  expectStatus,
  listAt,
  namesOf,
  refusal,
  type ServerUnderTest,
  serverUnderTest,
  uidOf,
  versionOf,
} from './server.ts'

let server: ServerUnderTest
beforeAll(async () => {
  server = await serverUnderTest()
})
afterAll(() => server.close())

const FINALIZER = 'conformance.example.com/hold'
const map = (name: string): string => server.path(`configmaps/${name}`)
const create = (body: Body): Promise<Json> => expectStatus(server.send('POST', server.path('configmaps'), body), 201)
const reference = (owner: Json, more: Body = {}): Body => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: stringAt(owner, 'metadata', 'name') ?? '',
  uid: uidOf(owner),
  ...more,
})
const owned = (name: string, owner: Json, more: Body = {}, metadata: Body = {}): Body =>
  configMap(name, {}, { ...metadata, ownerReferences: [reference(owner, more)] })
const isGone = (name: string): Promise<boolean> =>
  server.until(`${name} is gone`, async () => (await server.send('GET', map(name))).status === 404)

describe('API conformance: finalizers', () => {
  it('hold a deletion until the last one goes', async () => {
    await create(configMap('held', { k: '1' }, { finalizers: [FINALIZER] }))

    const asked = await server.send('DELETE', map('held'))
    const marked = await expectStatus(server.send('GET', map('held')), 200)
    const again = await server.send('DELETE', map('held'))
    const changed = await server.merge(map('held'), { data: { k: '2' } })
    const more = await server.merge(map('held'), { metadata: { finalizers: [FINALIZER, 'conformance.example.com/x'] } })
    const second = await server.send('POST', server.path('configmaps'), configMap('held'))
    const released = await server.merge(map('held'), { metadata: { finalizers: null } })

    expect(asked.status).toBe(200)
    expect(at(asked.body, 'kind')).toBe('ConfigMap')
    expect(stringAt(marked, 'metadata', 'deletionTimestamp')).toMatch(/Z$/)
    expect(numberAt(marked, 'metadata', 'deletionGracePeriodSeconds')).toBe(0)
    expect([again.status, versionOf(again.body)]).toEqual([200, versionOf(marked)])
    expect([changed.status, at(changed.body, 'data')]).toEqual([200, { k: '2' }])
    expect(refusal(more)[0]).toBe(422)
    expect(refusal(more)[2]).toContain(
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"conformance.example.com/x"}',
    )
    expect(refusal(second)).toEqual([409, 'AlreadyExists', 'object is being deleted: configmaps "held" already exists'])
    expect(released.status).toBe(200)
    expect((await server.send('GET', map('held'))).status).toBe(404)
  })

  it('keep the time of the deletion, whatever is written', async () => {
    await create(configMap('kept', {}, { finalizers: [FINALIZER] }))
    await server.send('DELETE', map('kept'))
    const time = stringAt((await server.send('GET', map('kept'))).body, 'metadata', 'deletionTimestamp')

    const { status, body } = await server.merge(map('kept'), { metadata: { deletionTimestamp: null } })

    expect([status, stringAt(body, 'metadata', 'deletionTimestamp')]).toEqual([200, time])
    await server.merge(map('kept'), { metadata: { finalizers: null } })
  })
})

describe('API conformance: owner references', () => {
  it('are checked', async () => {
    const told = [
      owned('bad', { metadata: { name: '', uid: 'x' } }),
      configMap('bad', {}, { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'a' }] }),
      configMap(
        'bad',
        {},
        {
          ownerReferences: ['a', 'b'].map((name) => ({
            apiVersion: 'v1',
            kind: 'ConfigMap',
            name,
            uid: name,
            controller: true,
          })),
        },
      ),
    ]

    const messages = []
    for (const body of told) messages.push(refusal(await server.send('POST', server.path('configmaps'), body))[2])

    // 1.20 says the name of the field once more.
    expect(messages[0]).toMatch(/metadata\.ownerReferences\.name: Invalid value: "": (name )?must not be empty/)
    expect(messages[1]).toMatch(/metadata\.ownerReferences\.uid: Invalid value: "": (uid )?must not be empty/)
    expect(messages[2]).toContain('Only one reference can have Controller set to true.')
  })

  it('take dependents along in the background', async () => {
    const owner = await create(configMap('background'))
    await create(owned('background-child', owner))

    const { status, body } = await server.send('DELETE', map('background'), { propagationPolicy: 'Background' })

    expect([status, at(body, 'kind')]).toEqual([200, 'Status'])
    expect((await server.send('GET', map('background'))).status).toBe(404)
    expect(await isGone('background-child')).toBe(true)
  })

  it('take dependents along first in the foreground, and wait for those that block', async () => {
    const owner = await create(configMap('foreground'))
    const child = owned('foreground-child', owner, { blockOwnerDeletion: true }, { finalizers: [FINALIZER] })
    await create(child)
    await create(owned('foreground-free', owner, {}, { finalizers: [FINALIZER] }))
    if (server.isReal) await graphKnows()

    const { body } = await server.send('DELETE', map('foreground'), { propagationPolicy: 'Foreground' })
    await server.until('the child is being deleted', async () => {
      const { body: seen } = await server.send('GET', map('foreground-child'))
      return stringAt(seen, 'metadata', 'deletionTimestamp') !== undefined
    })
    const waiting = await server.send('GET', map('foreground'))
    await server.merge(map('foreground-child'), { metadata: { finalizers: null } })

    expect(at(body, 'metadata', 'finalizers')).toEqual(['foregroundDeletion'])
    expect(waiting.status).toBe(200)
    expect(await isGone('foreground')).toBe(true)
    await server.merge(map('foreground-free'), { metadata: { finalizers: null } })
    expect(await isGone('foreground-free')).toBe(true)
  })

  it('go from dependents that are orphaned', async () => {
    const owner = await create(configMap('orphaning'))
    await create(owned('orphan', owner))
    if (server.isReal) await graphKnows()

    const { body } = await server.send('DELETE', map('orphaning'), { propagationPolicy: 'Orphan' })
    expect(await isGone('orphaning')).toBe(true)

    expect(at(body, 'metadata', 'finalizers')).toEqual(['orphan'])
    const orphan = await expectStatus(server.send('GET', map('orphan')), 200)
    expect(at(orphan, 'metadata', 'ownerReferences')).toBeUndefined()
  })

  it('to an owner that never was take the dependent away', async () => {
    await create(owned('lost', { metadata: { name: 'never', uid: '00000000-0000-4000-8000-000000000000' } }))

    expect(await isGone('lost')).toBe(true)
  })

  it('to two owners keep the dependent until both are gone', async () => {
    const [one, two] = [await create(configMap('first')), await create(configMap('second'))]
    await create(configMap('of-two', {}, { ownerReferences: [one, two].map((owner) => reference(owner)) }))

    await server.send('DELETE', map('first'), { propagationPolicy: 'Background' })
    const left = await server.until('one reference is left', async () => {
      const { body } = await server.send('GET', map('of-two'))
      const found = listAt(body, 'metadata', 'ownerReferences')
      return found.length === 1 ? found : undefined
    })
    await server.send('DELETE', map('second'), { propagationPolicy: 'Background' })

    expect(left).toMatchObject([{ name: 'second' }])
    expect(await isGone('of-two')).toBe(true)
  })

  it('of a Deployment: its pods and ReplicaSets go with it', async () => {
    const body = deployment('with-pods', { replicas: 1 })
    await expectStatus(server.send('POST', server.path('apps/v1', 'deployments'), body), 201)
    const selector = '?labelSelector=app%3Dwith-pods'
    const pods = async (): Promise<readonly string[]> =>
      namesOf((await server.send('GET', `${server.path('pods')}${selector}`)).body)
    await server.until('it has a pod', async () => (await pods()).length === 1)

    await server.send('DELETE', server.path('apps/v1', 'deployments/with-pods'), { propagationPolicy: 'Background' })

    expect(await server.until('its pods are gone', async () => (await pods()).length === 0)).toBe(true)
    const sets = await server.send('GET', `${server.path('apps/v1', 'replicasets')}${selector}`)
    expect(namesOf(sets.body)).toEqual([])
  })

  it('default to leaving dependents to the background', async () => {
    const owner = await create(configMap('default-policy'))
    await create(owned('default-child', owner))

    await server.send('DELETE', map('default-policy'))

    expect(await isGone('default-child')).toBe(true)
  })

  it('take no policy that they do not know', async () => {
    await create(configMap('policy'))

    const { status, body } = await server.send('DELETE', map('policy'), { propagationPolicy: 'Sideways' })

    expect([status, stringAt(body, 'reason')]).toEqual([422, 'Invalid'])
    expect(refusal({ status, body, headers: {} })[2]).toContain('propagationPolicy: Unsupported value: "Sideways"')
  })
})

describe('API conformance: collections and namespaces', () => {
  it('delete what a selector selects', async () => {
    for (const name of ['sel-a', 'sel-b']) await create(configMap(name, {}, { labels: { sel: 'yes' } }))
    await create(configMap('sel-c', {}, { labels: { sel: 'no' } }))

    const { status } = await server.send('DELETE', `${server.path('configmaps')}?labelSelector=sel%3Dyes`)

    expect(status).toBe(200)
    const { body } = await server.send('GET', `${server.path('configmaps')}?labelSelector=sel`)
    expect(namesOf(body)).toEqual(['sel-c'])
  })

  it('empty a namespace that is deleted, and take nothing new meanwhile', async () => {
    const name = `${server.namespace}-going`
    const root = `/api/v1/namespaces/${name}`
    await expectStatus(
      server.send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
      201,
    )
    await expectStatus(
      server.send('POST', `${root}/configmaps`, configMap('holds', {}, { finalizers: [FINALIZER] })),
      201,
    )

    const { body } = await server.send('DELETE', root)
    const refused = await server.send('POST', `${root}/configmaps`, configMap('late'))
    await server.until('its content is being deleted', async () => {
      const { body: seen } = await server.send('GET', `${root}/configmaps/holds`)
      return stringAt(seen, 'metadata', 'deletionTimestamp') !== undefined
    })
    const still = await server.send('GET', root)
    await server.merge(`${root}/configmaps/holds`, { metadata: { finalizers: null } })

    expect(stringAt(body, 'status', 'phase')).toBe('Terminating')
    expect(refusal(refused).slice(0, 2)).toEqual([403, 'Forbidden'])
    expect(refusal(refused)[2]).toBe(
      `configmaps "late" is forbidden: unable to create new content in namespace ${name} because it is being terminated`,
    )
    expect(still.status).toBe(200)
    expect(
      await server.until('the namespace is gone', async () => (await server.send('GET', root)).status === 404),
    ).toBe(true)
  })
})

/** A garbage collector works from a graph that follows the cluster: give it the time to have seen an object. */
async function graphKnows(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 200))
}
