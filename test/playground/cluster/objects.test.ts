import { describe, expect, it } from 'vitest'
import { at, stringAt } from '../../../src/lib/json.ts'
import { configMap, deployment, deployments, maps, merge, world } from './support.ts'

describe('playground/cluster: objects', () => {
  it('gives a new object an identity and keeps what was sent', async () => {
    const { send } = world()

    const created = await send('POST', maps, configMap('a', { k: 'v' }))

    expect(created.status).toBe(201)
    expect(created.body).toMatchObject({
      kind: 'ConfigMap',
      metadata: { name: 'a', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' },
      data: { k: 'v' },
    })
    expect((await send('GET', `${maps}/a`)).body).toEqual(created.body)
  })

  it('refuses a write that is based on an old version', async () => {
    const { send } = world()
    const first = await send('POST', maps, configMap('a', { k: '1' }))
    const version = at(first.body, 'metadata', 'resourceVersion') ?? null
    await send('PATCH', `${maps}/a`, { data: { k: '2' } }, merge)

    const stale = await send('PUT', `${maps}/a`, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', resourceVersion: version },
      data: { k: '3' },
    })

    expect(stale.status).toBe(409)
    expect(stale.body).toMatchObject({ reason: 'Conflict' })
    expect((await send('GET', `${maps}/a`)).body).toMatchObject({ data: { k: '2' } })
  })

  it('does not count a write that changes nothing', async () => {
    const { send } = world()
    const before = await send('POST', maps, configMap('a', { k: '1' }))

    const after = await send('PATCH', `${maps}/a`, { data: { k: '1' } }, merge)

    expect(after.body).toEqual(before.body)
  })

  it('counts the generation of a workload by its spec only', async () => {
    const { send } = world()
    await send('POST', deployments, deployment('web'))

    const labelled = await send('PATCH', `${deployments}/web`, { metadata: { labels: { a: 'b' } } }, merge)
    const scaled = await send('PATCH', `${deployments}/web`, { spec: { replicas: 3 } }, merge)

    expect(at(labelled.body, 'metadata', 'generation')).toBe(1)
    expect(at(scaled.body, 'metadata', 'generation')).toBe(2)
  })

  it('hands out objects that nobody can change behind its back', async () => {
    const { send } = world()
    const sent = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: '1' } }
    const created = await send('POST', maps, sent)

    sent.data.k = 'changed by the caller'

    expect(Object.isFrozen(created.body) && Object.isFrozen(at(created.body, 'data'))).toBe(true)
    expect((await send('GET', `${maps}/a`)).body).toMatchObject({ data: { k: '1' } })
  })

  it('lists by selectors and in pages that do not see later objects', async () => {
    const { send } = world()
    for (const name of ['a', 'b', 'c']) {
      await send('POST', maps, { metadata: { name, labels: { suite: 'x', name } } })
    }

    const page = await send('GET', `${maps}?labelSelector=suite%3Dx&limit=2`)
    await send('POST', maps, { metadata: { name: 'bb', labels: { suite: 'x' } } })
    const token = stringAt(page.body, 'metadata', 'continue')
    const rest = await send('GET', `${maps}?labelSelector=suite%3Dx&limit=2&continue=${token}`)
    const one = await send('GET', `${maps}?fieldSelector=metadata.name%3Db`)

    expect(at(page.body, 'items', 1, 'metadata', 'name')).toBe('b')
    expect(rest.body).toMatchObject({ items: [{ metadata: { name: 'c' } }] })
    expect(one.body).toMatchObject({ items: [{ metadata: { name: 'b' } }] })
  })

  it('holds a deleted object until its last finalizer is taken off', async () => {
    const { send } = world()
    await send('POST', maps, { metadata: { name: 'a', finalizers: ['example.com/hold'] } })

    const deleted = await send('DELETE', `${maps}/a`)
    const held = await send('GET', `${maps}/a`)
    await send('PATCH', `${maps}/a`, { metadata: { finalizers: null } }, merge)

    expect(at(deleted.body, 'metadata', 'deletionTimestamp')).toBe('2026-01-01T00:00:00Z')
    expect(held.status).toBe(200)
    expect((await send('GET', `${maps}/a`)).status).toBe(404)
  })

  it('stores nothing on a dry run', async () => {
    const { send } = world()

    const dry = await send('POST', `${maps}?dryRun=All`, configMap('a', {}))

    expect(dry.status).toBe(201)
    expect((await send('GET', `${maps}/a`)).status).toBe(404)
  })

  it('names every field that is wrong', async () => {
    const { send } = world()

    const refused = await send('POST', deployments, { metadata: { name: 'a' }, spec: {} })

    expect(refused.status).toBe(422)
    expect(at(refused.body, 'details', 'causes')).toMatchObject([
      { field: 'spec.selector' },
      { field: 'spec.template.metadata.labels' },
      { field: 'spec.template.spec.containers' },
    ])
  })

  it('answers 404 for kinds, groups and namespaces that it does not have', async () => {
    const { send } = world()

    expect((await send('GET', '/apis/example.com/v1/things')).status).toBe(404)
    expect((await send('GET', '/api/v1/namespaces/default/things')).status).toBe(404)
    expect((await send('POST', '/api/v1/namespaces/nowhere/configmaps', configMap('a', {}))).status).toBe(404)
  })

  it('serves autoscalers as v2beta2 where that is wanted', async () => {
    const { send } = world({ autoscaling: 'v2beta2' })
    const path = '/namespaces/default/horizontalpodautoscalers'
    const spec = { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'a' }, maxReplicas: 2 }

    const created = await send('POST', `/apis/autoscaling/v2beta2${path}`, { metadata: { name: 'a' }, spec })

    expect(created.body).toMatchObject({ apiVersion: 'autoscaling/v2beta2' })
    expect((await send('GET', `/apis/autoscaling/v2${path}/a`)).status).toBe(404)
    expect((await send('GET', `/apis/autoscaling/v1${path}/a`)).body).toMatchObject({
      spec: { targetCPUUtilizationPercentage: 80 },
    })
  })
})
