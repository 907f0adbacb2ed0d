import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { at, type Json, stringAt } from '../../../src/lib/json.ts'
import { configMap, deployment, service } from './objects-made.ts'
import {
  type Answer,
  expectStatus,
  listAt,
  refusal,
  type ServerUnderTest,
  serverUnderTest,
  versionOf,
} from './server.ts'

let server: ServerUnderTest
beforeAll(async () => {
  server = await serverUnderTest()
})
afterAll(() => server.close())

const json = (path: string, body: Json): Promise<Answer> =>
  server.send('PATCH', path, body, { contentType: 'application/json-patch+json' })
const strategic = (path: string, body: Json): Promise<Answer> =>
  server.send('PATCH', path, body, { contentType: 'application/strategic-merge-patch+json' })

async function madeMap(name: string, data: Readonly<Record<string, string>> = {}): Promise<string> {
  await expectStatus(server.send('POST', server.path('configmaps'), configMap(name, data)), 201)
  return server.path(`configmaps/${name}`)
}

async function madeDeployment(name: string, pod: { readonly [field: string]: Json } = {}): Promise<string> {
  const body = deployment(name, { replicas: 0, pod })
  await expectStatus(server.send('POST', server.path('apps/v1', 'deployments'), body), 201)
  return server.path('apps/v1', `deployments/${name}`)
}

const containers = (body: unknown): readonly Json[] => listAt(body, 'spec', 'template', 'spec', 'containers')

describe('API conformance: JSON patch', () => {
  it('adds, replaces, removes, moves, copies and tests', async () => {
    const path = await madeMap('json', { a: '1', b: '2' })

    const { status, body } = await json(path, [
      { op: 'test', path: '/data/a', value: '1' },
      { op: 'replace', path: '/data/a', value: '9' },
      { op: 'add', path: '/data/c', value: '3' },
      { op: 'remove', path: '/data/b' },
      { op: 'copy', from: '/data/a', path: '/data/d' },
      { op: 'move', from: '/data/c', path: '/data/e' },
      { op: 'add', path: '/metadata/annotations', value: { 'example.com~1x': '1' } },
    ])

    expect(status).toBe(422)
    const right = await json(path, [
      { op: 'test', path: '/data/a', value: '1' },
      { op: 'replace', path: '/data/a', value: '9' },
      { op: 'add', path: '/data/c', value: '3' },
      { op: 'remove', path: '/data/b' },
      { op: 'copy', from: '/data/a', path: '/data/d' },
      { op: 'move', from: '/data/c', path: '/data/e' },
      { op: 'add', path: '/metadata/annotations', value: {} },
      { op: 'add', path: '/metadata/annotations/example.com~1x', value: '1' },
    ])
    expect(at(body, 'kind')).toBe('Status')
    expect(at(right.body, 'data')).toEqual({ a: '9', d: '9', e: '3' })
    expect(at(right.body, 'metadata', 'annotations')).toEqual({ 'example.com/x': '1' })
  })

  it('changes nothing when a test fails or a path is missing', async () => {
    const path = await madeMap('json-test', { a: '1' })
    const before = versionOf((await server.send('GET', path)).body)

    const told = [
      await json(path, [
        { op: 'replace', path: '/data/a', value: '2' },
        { op: 'test', path: '/data/a', value: '1' },
      ]),
      await json(path, [{ op: 'remove', path: '/data/none' }]),
      await json(path, { op: 'remove' }),
    ]

    expect(told.map(({ status }) => status)).toEqual([422, 422, 400])
    expect(versionOf((await server.send('GET', path)).body)).toBe(before)
  })
})

describe('API conformance: merge patch', () => {
  it('changes, removes with null, and replaces lists', async () => {
    const map = await madeMap('merge', { a: '1', b: '2' })
    const path = await madeDeployment('merge')

    const patched = await server.merge(map, { data: { a: null, c: '3' }, metadata: { labels: { x: 'y' } } })
    const list = await server.merge(path, {
      spec: { template: { spec: { containers: [{ name: 'b', image: 'b:1' }] } } },
    })
    const nothing = await server.merge(map, {})

    expect([patched.status, at(patched.body, 'data')]).toEqual([200, { b: '2', c: '3' }])
    expect(containers(list.body)).toMatchObject([{ name: 'b', image: 'b:1' }])
    expect([nothing.status, versionOf(nothing.body)]).toEqual([200, versionOf(patched.body)])
    expect((await server.merge(map, { data: null })).body).not.toHaveProperty('data')
  })

  it('refuses a result that is no such object', async () => {
    const path = await madeDeployment('merge-bad')

    const told = [
      await server.merge(path, { spec: { replicas: 'many' } }),
      await server.merge(path, { metadata: { name: 'other' } }),
      await server.send('PATCH', path, undefined, { text: '{', contentType: 'application/merge-patch+json' }),
      await server.merge(path, { spec: { replicas: -1 } }),
    ]

    // A patch that is no JSON was the server's own fault until it learned to say 400.
    expect(told.map(({ status }) => status)).toEqual([422, 400, server.since(25, 400, 500), 422])
    expect(told.map((answer) => refusal(answer)[2])[3]).toBe(
      'Deployment.apps "merge-bad" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    )
  })
})

describe('API conformance: strategic merge patch', () => {
  it('merges containers, their environment and ports by key', async () => {
    const path = await madeDeployment('strategic', {
      containers: [
        {
          name: 'app',
          image: 'app:1',
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
          ],
          ports: [{ containerPort: 80 }],
          args: ['a', 'b'],
        },
      ],
    })
    const patch = (container: Json): Json => ({ spec: { template: { spec: { containers: [container] } } } })

    const { body } = await strategic(
      path,
      patch({
        name: 'app',
        image: 'app:2',
        env: [
          { name: 'B', value: '9' },
          { name: 'C', value: '3' },
        ],
        ports: [{ containerPort: 81 }],
        args: ['c'],
      }),
    )
    const added = await strategic(path, patch({ name: 'side', image: 'side:1' }))
    const removed = await strategic(path, patch({ name: 'app', $patch: 'delete' }))

    const [app] = containers(body)
    const told = (of: string, field: string): readonly string[] =>
      listAt(app, of)
        .map((one) => JSON.stringify(at(one, field)))
        .toSorted()
    expect(stringAt(app, 'image')).toBe('app:2')
    expect(at(app, 'args')).toEqual(['c'])
    expect(told('env', 'name')).toEqual(['"A"', '"B"', '"C"'])
    expect(listAt(app, 'env')).toContainEqual({ name: 'B', value: '9' })
    expect(told('ports', 'containerPort')).toEqual(['80', '81'])
    const names = containers(added.body).map((one) => stringAt(one, 'name') ?? '')
    expect(names.toSorted()).toEqual(['app', 'side'])
    expect(containers(removed.body)).toMatchObject([{ name: 'side' }])
  })

  it('removes with null, replaces with a directive, merges ports of a Service by number', async () => {
    const map = await madeMap('directives', { a: '1', b: '2' })
    await expectStatus(server.send('POST', server.path('services'), service('directives')), 201)

    const removed = await strategic(map, { data: { a: null } })
    const replaced = await strategic(map, { data: { $patch: 'replace', c: '3' } })
    const ports = await strategic(server.path('services/directives'), {
      spec: {
        ports: [
          { port: 80, name: 'http', targetPort: 8080 },
          { port: 81, name: 'more' },
        ],
      },
    })

    expect(at(removed.body, 'data')).toEqual({ b: '2' })
    expect(at(replaced.body, 'data')).toEqual({ c: '3' })
    expect(at(ports.body, 'spec', 'ports')).toMatchObject(
      expect.arrayContaining(
        [
          { port: 80, name: 'http', targetPort: 8080 },
          { port: 81, name: 'more', targetPort: 81 },
        ].map((port) => expect.objectContaining(port)),
      ),
    )
  })

  it('wants the merge key', async () => {
    const path = await madeDeployment('keyless')

    const refused = await strategic(path, { spec: { template: { spec: { containers: [{ image: 'x' }] } } } })

    expect(refused.status).toBe(500)
    expect(refusal(refused)[2]).toContain('does not contain declared merge key: name')
  })
})
