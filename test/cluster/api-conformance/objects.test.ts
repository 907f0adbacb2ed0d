import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { at, stringAt } from '../../../src/lib/json.ts'
import { configMap, deployment, service } from './objects-made.ts'
import {
  causes,
  expectStatus,
  generationOf,
  listAt,
  refusal,
  type ServerUnderTest,
  uidOf,
  versionOf,
} from './server.ts'
import { serverUnderTest } from './server.ts'

let server: ServerUnderTest
beforeAll(async () => {
  server = await serverUnderTest()
})
afterAll(() => server.close())

const maps = (name = ''): string => server.path(`configmaps${name === '' ? '' : `/${name}`}`)
const create = (name: string, data: Readonly<Record<string, string>> = {}): Promise<unknown> =>
  expectStatus(server.send('POST', maps(), configMap(name, data)), 201)

describe('API conformance: objects', () => {
  it('creates, reads, replaces and deletes', async () => {
    const made = await create('life', { k: '1' })
    const replaced = await expectStatus(server.send('PUT', maps('life'), configMap('life', { k: '2' })), 200)
    const read = await expectStatus(server.send('GET', maps('life')), 200)
    const deleted = await expectStatus(server.send('DELETE', maps('life')), 200)

    expect(uidOf(made)).toMatch(/^[0-9a-f-]{36}$/)
    expect(stringAt(made, 'metadata', 'creationTimestamp')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect([uidOf(replaced), at(replaced, 'data')]).toEqual([uidOf(made), { k: '2' }])
    expect(versionOf(replaced)).not.toBe(versionOf(made))
    expect(read).toEqual(replaced)
    expect(deleted).toMatchObject({ kind: 'Status', status: 'Success', details: { name: 'life', uid: uidOf(made) } })
    expect(refusal(await server.send('GET', maps('life')))).toEqual([404, 'NotFound', 'configmaps "life" not found'])
  })

  it('keeps the resourceVersion when a write changes nothing', async () => {
    const made = await create('same', { k: '1' })

    const put = await expectStatus(server.send('PUT', maps('same'), configMap('same', { k: '1' })), 200)
    const patched = await expectStatus(server.merge(maps('same'), { data: { k: '1' } }), 200)

    expect([versionOf(put), versionOf(patched)]).toEqual([versionOf(made), versionOf(made)])
  })

  it('makes up the end of a name', async () => {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'made-up-' } }

    const made = await expectStatus(server.send('POST', maps(), body), 201)

    expect(stringAt(made, 'metadata', 'name')).toMatch(/^made-up-[a-z0-9]{5}$/)
    expect(stringAt(made, 'metadata', 'generateName')).toBe('made-up-')
  })

  it('makes no second of the same name', async () => {
    await create('twice')

    expect(refusal(await server.send('POST', maps(), configMap('twice')))).toEqual([
      409,
      'AlreadyExists',
      'configmaps "twice" already exists',
    ])
    const [status, reason, message] = refusal(await server.send('POST', maps(), { ...configMap('none'), metadata: {} }))
    expect([status, reason]).toEqual([422, 'Invalid'])
    expect(message).toContain('name or generateName is required')
  })

  it('takes no version at creation', async () => {
    const body = configMap('versioned', {}, { resourceVersion: '1' })

    expect(refusal(await server.send('POST', maps(), body))).toEqual([
      500,
      undefined,
      'resourceVersion should not be set on objects to be created',
    ])
  })
})

describe('API conformance: optimistic concurrency', () => {
  const stale = (what: string): string =>
    `Operation cannot be fulfilled on ${what}: the object has been modified; please apply your changes to the latest version and try again`

  it('refuses to replace or patch an older version, also of a status and through scale', async () => {
    const first = versionOf(await create('stale', { k: '1' }))
    await server.merge(maps('stale'), { data: { k: '2' } })
    const metadata = { resourceVersion: first }
    const made = await expectStatus(
      server.send('POST', server.path('apps/v1', 'deployments'), deployment('stale')),
      201,
    )
    const path = server.path('apps/v1', 'deployments/stale')
    await server.merge(path, { metadata: { labels: { on: 'yes' } } })
    const old = { metadata: { resourceVersion: versionOf(made) } }

    const told = [
      await server.send('PUT', maps('stale'), configMap('stale', { k: '3' }, metadata)),
      await server.merge(maps('stale'), { metadata, data: { k: '3' } }),
      await server.apply(maps('stale'), 'somebody', configMap('stale', { j: '3' }, metadata)),
      await server.merge(`${path}/status`, { ...old, status: { observedGeneration: 9 } }),
      await server.merge(`${path}/scale`, { ...old, spec: { replicas: 9 } }),
    ].map(refusal)

    expect(told.slice(0, 3)).toEqual(Array.from({ length: 3 }, () => [409, 'Conflict', stale('configmaps "stale"')]))
    expect(told.slice(3).map(([status, reason]) => [status, reason])).toEqual([
      [409, 'Conflict'],
      [409, 'Conflict'],
    ])
    expect(told[3]?.[2]).toBe(stale('deployments.apps "stale"'))
    expect(at((await server.send('GET', maps('stale'))).body, 'data')).toEqual({ k: '2' })
  })

  it('lets one of two win that write over the same version', async () => {
    const version = versionOf(await create('race'))
    const body = (who: string): ReturnType<typeof configMap> => configMap('race', { who }, { resourceVersion: version })

    const answers = await Promise.all(['a', 'b', 'c'].map((who) => server.send('PUT', maps('race'), body(who))))

    expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['200', '409', '409'])
  })

  it('replaces a built-in object without a version, and a missing one not at all', async () => {
    expect((await server.send('PUT', maps('missing'), configMap('missing'))).status).toBe(404)
    expect((await server.merge(maps('missing'), {})).status).toBe(404)
    await create('unversioned')
    expect((await server.send('PUT', maps('unversioned'), configMap('unversioned', { k: '1' }))).status).toBe(200)
  })

  it('deletes only what the preconditions name', async () => {
    const made = await create('guarded')
    const options = (preconditions: Readonly<Record<string, string>>): Parameters<ServerUnderTest['send']>[2] => ({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions,
    })

    const other = await server.send('DELETE', maps('guarded'), options({ uid: 'other' }))
    const old = await server.send('DELETE', maps('guarded'), options({ resourceVersion: '1' }))
    const right = await server.send(
      'DELETE',
      maps('guarded'),
      options({ uid: uidOf(made), resourceVersion: versionOf(made) }),
    )

    expect(refusal(other)).toEqual([
      409,
      'Conflict',
      `Operation cannot be fulfilled on ConfigMap "guarded": the UID in the precondition (other) does not match the UID in record (${uidOf(made)}). The object might have been deleted and then recreated`,
    ])
    expect(refusal(old)).toEqual([
      409,
      'Conflict',
      `Operation cannot be fulfilled on ConfigMap "guarded": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (${versionOf(made)}). The object might have been modified`,
    ])
    expect(right.status).toBe(200)
  })
})

describe('API conformance: what is refused', () => {
  it('says what is wrong with a name or a label', async () => {
    const told = [
      await server.send('POST', maps(), configMap('Bad_Name')),
      await server.send('POST', maps(), configMap('label', {}, { labels: { 'a b': 'c' } })),
      await server.send('POST', maps(), configMap('value', {}, { labels: { a: 'c d' } })),
      await server.send('POST', maps(), configMap('data', { 'no space': '' })),
    ]

    expect(told.map(({ status }) => status)).toEqual([422, 422, 422, 422])
    expect(told.map((answer) => causes(answer).map((cause) => cause.split(':')[0]))).toEqual([
      ['metadata.name'],
      ['metadata.labels'],
      ['metadata.labels'],
      ['data[no space]'],
    ])
    expect(refusal(told[0] ?? { status: 0, body: null, headers: {} })[2]).toMatch(
      /^ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": /,
    )
  })

  it('tells unknown things apart: group, kind, path, method', async () => {
    const told = [
      await server.send('GET', '/apis/none.example.com/v1/things'),
      await server.send('GET', '/apis/apps/v1/things'),
      await server.send('GET', '/nowhere'),
      await server.send('PUT', maps(), configMap('a')),
      await server.send('POST', maps('a'), configMap('a')),
      await server.send('POST', '/api/v1/configmaps', configMap('a')),
      await server.send('GET', server.path('configmaps/a/status')),
    ].map(refusal)

    expect(told.map(([status, reason]) => [status, reason])).toEqual([
      [404, undefined],
      [404, 'NotFound'],
      [404, undefined],
      [405, 'MethodNotAllowed'],
      [405, 'MethodNotAllowed'],
      [405, 'MethodNotAllowed'],
      [404, 'NotFound'],
    ])
    expect(told[0]?.[2]).toBe('404 page not found\n')
    expect(told[1]?.[2]).toBe('the server could not find the requested resource')
    expect(told[3]?.[2]).toBe('the server does not allow this method on the requested resource')
  })

  it('refuses bodies that it cannot read', async () => {
    const told = [
      await server.send('POST', maps(), undefined, { text: '{"kind": ' }),
      await server.send('POST', maps(), undefined, { text: 'x', contentType: 'text/plain' }),
      await server.send('POST', maps(), { ...configMap('typed'), data: { a: 1 } }),
      await server.send('POST', maps(), service('foreign')),
      await server.send('POST', maps(), configMap('elsewhere', {}, { namespace: 'default' })),
      await server.send('PUT', maps('here'), configMap('there')),
      await server.send('PATCH', maps('here'), {}, { contentType: 'application/json' }),
    ].map(refusal)

    expect(told.map(([status, reason]) => `${status} ${reason}`)).toEqual([
      '400 BadRequest',
      '415 UnsupportedMediaType',
      '400 BadRequest',
      '400 BadRequest',
      '400 BadRequest',
      '400 BadRequest',
      '415 UnsupportedMediaType',
    ])
    expect(told[1]?.[2]).toMatch(/^the body of the request was in an unknown format - accepted media types include: /)
    expect(told[2]?.[2]).toMatch(/^ConfigMap in version "v1" cannot be handled as a ConfigMap: /)
    expect(told[4]?.[2]).toBe('the namespace of the provided object does not match the namespace sent on the request')
    expect(told[5]?.[2]).toBe('the name of the object (there) does not match the name on the URL (here)')
  })

  it('takes no body of more than 3 MiB, and no object of more than 1 MiB of data', async () => {
    const large = await server.send('POST', maps(), configMap('large', { k: 'x'.repeat(3.2 * 1024 * 1024) }))
    const over = await server.send('POST', maps(), configMap('over', { k: 'x'.repeat(1024 * 1024 + 1) }))

    expect(refusal(large).slice(0, 2)).toEqual([413, 'RequestEntityTooLarge'])
    expect(over.status).toBe(422)
    // The words of 1.20, and those of 1.32.
    expect(refusal(over)[2]).toMatch(
      /^ConfigMap "over" is invalid: \[\]: Too long: (must have at most|may not be more than) 1048576 bytes$/,
    )
  })

  it('creates nothing where there is no namespace', async () => {
    const path = '/api/v1/namespaces/there-is-none/configmaps'

    expect(refusal(await server.send('POST', path, configMap('a')))).toEqual([
      404,
      'NotFound',
      'namespaces "there-is-none" not found',
    ])
    expect(at((await server.send('GET', path)).body, 'items')).toEqual([])
  })
})

describe('API conformance: subresources of workloads', () => {
  it('keep status and spec apart, both ways', async () => {
    const all = server.path('apps/v1', 'deployments')
    const body = deployment('apart', { replicas: 0 })
    await expectStatus(server.send('POST', all, { ...body, status: { replicas: 7 } }), 201)

    const main = await server.merge(`${all}/apart`, { status: { replicas: 5 }, metadata: { labels: { a: 'b' } } })
    const sub = await server.merge(`${all}/apart/status`, {
      spec: { replicas: 5 },
      status: { conditions: [{ type: 'Example', status: 'True' }] },
    })

    expect(at(main.body, 'status', 'replicas') ?? 0).toBe(0)
    expect(at(main.body, 'metadata', 'labels')).toEqual({ a: 'b' })
    expect([sub.status, at(sub.body, 'spec', 'replicas')]).toEqual([200, 0])
    expect(listAt(sub.body, 'status', 'conditions').map((one) => stringAt(one, 'type'))).toContain('Example')
  })

  it('scale by GET and PUT, and refuse what is no scale', async () => {
    const all = server.path('apps/v1', 'deployments')
    const pod = { nodeSelector: { nowhere: 'yes' } }
    await expectStatus(server.send('POST', all, deployment('by-put', { replicas: 1, pod })), 201)

    const read = await expectStatus(server.send('GET', `${all}/by-put/scale`), 200)
    const metadata = { name: 'by-put', namespace: server.namespace }
    const scale = (replicas: number): Parameters<ServerUnderTest['send']>[2] => ({
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata,
      spec: { replicas },
    })
    const put = await server.send('PUT', `${all}/by-put/scale`, scale(2))
    const negative = await server.send('PUT', `${all}/by-put/scale`, scale(-1))

    expect(read).toMatchObject({ kind: 'Scale', spec: { replicas: 1 }, status: { selector: 'app=by-put' } })
    expect([put.status, at(put.body, 'spec', 'replicas')]).toEqual([200, 2])
    expect(refusal(negative)[0]).toBe(422)
    expect(refusal(negative)[2]).toContain('spec.replicas: Invalid value: -1: must be greater than or equal to 0')
    expect((await server.send('GET', `${all}/none/scale`)).status).toBe(404)
  })
})

describe('API conformance: options of writes', () => {
  it('stores nothing in a dry run, and answers as if it did', async () => {
    const made = await create('dry', { k: '1' })

    const told = [
      await server.send('POST', `${maps()}?dryRun=All`, configMap('dry-new')),
      await server.send('POST', `${maps()}?dryRun=All`, configMap('dry')),
      await server.merge(`${maps('dry')}?dryRun=All`, { data: { k: '2' } }),
      await server.send('DELETE', `${maps('dry')}?dryRun=All`),
    ]

    expect(told.map(({ status }) => status)).toEqual([201, 409, 200, 200])
    expect(at(told[2]?.body, 'data')).toEqual({ k: '2' })
    expect((await server.send('GET', maps('dry-new'))).status).toBe(404)
    expect((await server.send('GET', maps('dry'))).body).toEqual(made)
    const unknown = await server.send('POST', `${maps()}?dryRun=Some`, configMap('dry-new'))
    expect(refusal(unknown).slice(0, 2)).toEqual([422, 'Invalid'])
  })

  it('warns about unknown fields, refuses them when asked to be strict, ignores them when asked to (from 1.25)', async () => {
    const odd = (name: string): ReturnType<typeof configMap> => ({ ...configMap(name), nosuch: 1 })

    const warned = await server.send('POST', maps(), odd('odd-warn'))
    const ignored = await server.send('POST', `${maps()}?fieldValidation=Ignore`, odd('odd-ignore'))
    const strict = await server.send('POST', `${maps()}?fieldValidation=Strict`, odd('odd-strict'))

    expect([warned.status, ignored.status]).toEqual([201, 201])
    expect(at(warned.body, 'nosuch')).toBeUndefined()
    expect(warned.headers['warning']).toBe(server.since(25, '299 - "unknown field \\"nosuch\\""', undefined))
    expect(ignored.headers['warning']).toBeUndefined()
    expect(strict.status).toBe(server.since(25, 400, 201))
    if (server.minor >= 25) {
      expect(refusal(strict)[2]).toBe(
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "nosuch"',
      )
    }
  })

  it('counts generations by the spec only', async () => {
    const path = server.path('apps/v1', 'deployments/generations')
    const pod = { nodeSelector: { nowhere: 'yes' } }
    const made = await expectStatus(
      server.send('POST', server.path('apps/v1', 'deployments'), deployment('generations', { replicas: 0, pod })),
      201,
    )

    const labelled = await server.merge(path, { metadata: { labels: { a: 'b' } } })
    const status = await server.merge(`${path}/status`, { status: { replicas: 0 } })
    const spec = await server.merge(path, { spec: { minReadySeconds: 1 } })
    const scaled = await server.merge(`${path}/scale`, { spec: { replicas: 1 } })
    const seen = await server.until('the controller has seen it', async () => {
      const { body } = await server.send('GET', path)
      return at(body, 'status', 'observedGeneration') === 3 ? body : undefined
    })

    expect([made, labelled.body, status.body, spec.body].map(generationOf)).toEqual([1, 1, 1, 2])
    expect([scaled.status, generationOf(seen)]).toEqual([200, 3])
  })
})
