import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { at, type Json, stringAt } from '../../../src/lib/json.ts'
import { configMap, type Body } from './objects-made.ts'
import { expectStatus, listAt, namesOf, refusal, type ServerUnderTest, serverUnderTest } from './server.ts'

let server: ServerUnderTest
beforeAll(async () => {
  server = await serverUnderTest()
})
afterAll(() => server.close())

describe('API conformance: discovery', () => {
  it('names groups, versions, kinds, and what can be done with them', async () => {
    const groups = (await server.send('GET', '/apis')).body
    const core = (await server.send('GET', '/api/v1')).body
    const apps = (await server.send('GET', '/apis/apps/v1')).body

    const names = listAt(groups, 'groups').map((one) => stringAt(one, 'name'))
    expect(names).toEqual(
      expect.arrayContaining(['apps', 'autoscaling', 'apiextensions.k8s.io', 'coordination.k8s.io', 'events.k8s.io']),
    )
    expect((await server.send('GET', '/api')).body).toMatchObject({ kind: 'APIVersions', versions: ['v1'] })
    const found = (list: Json, name: string): Json | undefined =>
      listAt(list, 'resources').find((one) => stringAt(one, 'name') === name)
    expect(found(core, 'services')).toMatchObject({ kind: 'Service', namespaced: true, shortNames: ['svc'] })
    expect(found(core, 'namespaces')).toMatchObject({ kind: 'Namespace', namespaced: false })
    expect(found(apps, 'deployments')).toMatchObject({
      kind: 'Deployment',
      shortNames: ['deploy'],
      categories: ['all'],
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
    })
    expect(found(apps, 'deployments/scale')).toMatchObject({ group: 'autoscaling', version: 'v1', kind: 'Scale' })
    expect(found(apps, 'deployments/status')).toMatchObject({ kind: 'Deployment', verbs: ['get', 'patch', 'update'] })
  })

  it('answers for its health and its version', async () => {
    const [health, ready, version] = [
      await server.send('GET', '/healthz'),
      await server.send('GET', '/readyz'),
      await server.send('GET', '/version'),
    ]

    expect([health.body, ready.body]).toEqual(['ok', 'ok'])
    expect(stringAt(version.body, 'gitVersion')).toMatch(/^v1\.\d+/)
  })

  it('asks and answers what somebody may do', async () => {
    const body: Json = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { namespace: server.namespace, verb: 'get', resource: 'pods' } },
    }

    const answer = await server.send('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', body)

    expect([answer.status, at(answer.body, 'status', 'allowed')]).toEqual([201, true])
  })
})

describe('API conformance: Events', () => {
  const event = (name: string, more: Body = {}): Body => ({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name },
    involvedObject: { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', namespace: server.namespace },
    reason: 'Synced',
    message: 'something happened',
    type: 'Normal',
    count: 1,
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
    source: { component: 'conformance' },
    ...more,
  })

  it('are counted up, and found by what they are about', async () => {
    await expectStatus(server.send('POST', server.path('events'), event('counted')), 201)

    const counted = await server.merge(server.path('events/counted'), { count: 2 })
    const query = encodeURIComponent('involvedObject.name=a,involvedObject.kind=ConfigMap,type=Normal')
    const found = await server.send('GET', `${server.path('events')}?fieldSelector=${query}`)
    const other = await server.send('GET', `${server.path('events')}?fieldSelector=involvedObject.name%3Db`)

    expect([counted.status, at(counted.body, 'count')]).toEqual([200, 2])
    expect(namesOf(found.body)).toEqual(['counted'])
    expect(namesOf(other.body)).toEqual([])
  })

  it('lie in the namespace of what they are about', async () => {
    const about = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', namespace: 'elsewhere' }

    const refused = await server.send('POST', server.path('events'), event('astray', { involvedObject: about }))

    expect(refusal(refused)[0]).toBe(422)
    expect(refusal(refused)[2]).toContain(
      'involvedObject.namespace: Invalid value: "elsewhere": does not match event.namespace',
    )
  })

  it('are the same in events.k8s.io/v1, which wants to know more', async () => {
    const path = server.path('events.k8s.io/v1', 'events')
    const newer = (name: string, more: Body = {}): Body => ({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name },
      eventTime: '2026-01-01T00:00:00.000001Z',
      reportingController: 'example.com/conformance',
      reportingInstance: 'conformance-1',
      action: 'Testing',
      reason: 'Synced',
      type: 'Normal',
      note: 'something happened',
      regarding: { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', namespace: server.namespace },
      ...more,
    })
    await expectStatus(server.send('POST', path, newer('newer')), 201)

    const core = await expectStatus(server.send('GET', server.path('events/newer')), 200)
    const bare = await server.send('POST', path, newer('bare', { reportingController: '', action: '' }))

    expect(core).toMatchObject({
      message: 'something happened',
      reportingComponent: 'example.com/conformance',
      involvedObject: { name: 'a' },
      eventTime: '2026-01-01T00:00:00.000001Z',
    })
    expect(refusal(bare)[0]).toBe(422)
    expect(refusal(bare)[2]).toContain('reportingController: Required value')
  })
})

describe('API conformance: Leases', () => {
  const lease = (name: string, spec: Body, metadata: Body = {}): Body => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, ...metadata },
    spec,
  })

  it('keep times to the microsecond, and one winner', async () => {
    const path = server.path('coordination.k8s.io/v1', 'leases')
    const spec = { holderIdentity: 'one', leaseDurationSeconds: 15, renewTime: '2026-01-01T00:00:00.123456Z' }
    const made = await expectStatus(server.send('POST', path, lease('leader', spec)), 201)
    const metadata = { resourceVersion: stringAt(made, 'metadata', 'resourceVersion') ?? '' }

    const takers = await Promise.all(
      ['two', 'three'].map((holderIdentity) =>
        server.send('PUT', `${path}/leader`, lease('leader', { ...spec, holderIdentity }, metadata)),
      ),
    )

    expect(stringAt(made, 'spec', 'renewTime')).toBe('2026-01-01T00:00:00.123456Z')
    expect(takers.map(({ status }) => String(status)).toSorted()).toEqual(['200', '409'])
    const bad = await server.send('POST', path, lease('bad', { ...spec, leaseDurationSeconds: 0 }))
    expect(refusal(bad)[0]).toBe(422)
    expect(refusal(bad)[2]).toBe(
      'Lease.coordination.k8s.io "bad" is invalid: spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    )
  })
})

describe('API conformance: Secrets and tables', () => {
  it('keep text as base64, and refuse what is none', async () => {
    const secret = (name: string, more: Body): Body => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      ...more,
    })

    const made = await server.send('POST', server.path('secrets'), secret('text', { stringData: { a: 'b' } }))
    const bad = await server.send('POST', server.path('secrets'), secret('bad', { data: { a: '*' } }))

    expect(made.body).toMatchObject({ data: { a: 'Yg==' }, type: 'Opaque' })
    expect(at(made.body, 'stringData')).toBeUndefined()
    expect(refusal(bad)[0]).toBe(400)
    expect(refusal(bad)[2]).toMatch(/illegal base64 data at input byte 0/)
  })

  it('come as tables and as metadata alone where a client asks for it', async () => {
    await expectStatus(server.send('POST', server.path('configmaps'), configMap('shown', { a: '1' })), 201)
    const as = (form: string): string => `application/json;as=${form};v=v1;g=meta.k8s.io,application/json`
    const path = server.path('configmaps/shown')

    const table = (await server.send('GET', path, undefined, { accept: as('Table') })).body
    const bare = (await server.send('GET', path, undefined, { accept: as('PartialObjectMetadata') })).body

    expect(listAt(table, 'columnDefinitions').map((one) => stringAt(one, 'name'))).toEqual(['Name', 'Data', 'Age'])
    expect(at(listAt(table, 'rows')[0], 'cells')).toEqual(['shown', 1, expect.stringMatching(/^\d+s$/)])
    expect(bare).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'shown' } })
    expect(at(bare, 'data')).toBeUndefined()
    const image = await server.send('GET', path, undefined, { accept: 'image/png' })
    expect([image.status, stringAt(image.body, 'reason')]).toEqual([406, 'NotAcceptable'])
  })
})
