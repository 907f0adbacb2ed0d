import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { at, isObject, type Json, type JsonObject, stringAt } from '../../../src/lib/json.ts'
import { type Body, configMap, deployment } from './objects-made.ts'
import {
  causes,
  expectStatus,
  generationOf,
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

const map = (name: string): string => server.path(`configmaps/${name}`)
const apps = (name: string): string => server.path('apps/v1', `deployments/${name}`)

function applied(name: string, data: Readonly<Record<string, string>>): Body {
  return configMap(name, data)
}

/** A Deployment as one manager names it: only what it wants. */
function part(name: string, containers: readonly Json[], more: Body = {}): Body {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers } },
      ...more,
    },
  }
}

/** `manager Operation[/subresource]` of each entry, sorted. */
function managersOf(body: unknown): readonly string[] {
  return entriesOf(body)
    .map((entry) => {
      const sub = stringAt(entry, 'subresource')
      return `${stringAt(entry, 'manager')} ${stringAt(entry, 'operation')}${sub === undefined ? '' : `/${sub}`}`
    })
    .toSorted()
}

function entriesOf(body: unknown): readonly Json[] {
  return listAt(body, 'metadata', 'managedFields')
}

/** What a manager owns, as fieldsV1 says it. */
function ownedBy(body: unknown, manager: string, operation = 'Apply'): JsonObject {
  const entry = entriesOf(body).find(
    (one) => stringAt(one, 'manager') === manager && stringAt(one, 'operation') === operation,
  )
  const fields = at(entry, 'fieldsV1')
  return isObject(fields) ? fields : {}
}

describe('API conformance: apply', () => {
  it('creates, and changes nothing when the same is applied again', async () => {
    const made = await server.apply(map('again'), 'one', applied('again', { a: '1' }))
    const again = await server.apply(map('again'), 'one', applied('again', { a: '1' }))

    expect([made.status, again.status]).toEqual([201, 200])
    expect(again.body).toEqual(made.body)
    expect(managersOf(made.body)).toEqual(['one Apply'])
    expect(ownedBy(made.body, 'one')).toEqual({ 'f:data': { 'f:a': {} } })
  })

  it('keeps version and times of a Deployment whose defaults the server filled in', async () => {
    const body = deployment('defaults', { replicas: 0 })
    const made = await server.apply(apps('defaults'), 'one', body)
    const settled = await server.until('the controller has seen it', async () => {
      const { body: seen } = await server.send('GET', apps('defaults'))
      return at(seen, 'status', 'observedGeneration') === 1 && at(seen, 'status', 'conditions') !== undefined
        ? seen
        : undefined
    })

    const again = await server.apply(apps('defaults'), 'one', body)

    expect(made.status).toBe(201)
    expect(again.body).toEqual(settled)
  })

  it('takes a field away that its only manager gives up, and leaves the fields of others', async () => {
    await server.apply(map('given-up'), 'one', applied('given-up', { a: '1', b: '2' }))
    await server.apply(map('given-up'), 'two', applied('given-up', { c: '3' }))

    const { body } = await server.apply(map('given-up'), 'one', applied('given-up', { a: '1' }))

    expect(at(body, 'data')).toEqual({ a: '1', c: '3' })
    expect(managersOf(body)).toEqual(['one Apply', 'two Apply'])
  })

  it('names manager and field of a conflict, and takes the field over when forced', async () => {
    await server.apply(map('conflict'), 'one', applied('conflict', { a: '1', b: '1' }))

    const refused = await server.apply(map('conflict'), 'two', applied('conflict', { a: '2', c: '2' }))
    const many = await server.apply(map('conflict'), 'two', applied('conflict', { a: '2', b: '2' }))
    const forced = await server.apply(map('conflict'), 'two', applied('conflict', { a: '2' }), true)

    expect(refusal(refused)).toEqual([409, 'Conflict', 'Apply failed with 1 conflict: conflict with "one": .data.a'])
    expect(at(refused.body, 'details', 'causes')).toEqual([
      { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.a' },
    ])
    expect(refusal(many)[2]).toBe('Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\n- .data.b')
    expect(causes(many)).toEqual(['.data.a: conflict with "one"', '.data.b: conflict with "one"'])
    expect([forced.status, at(forced.body, 'data')]).toEqual([200, { a: '2', b: '1' }])
    expect(ownedBy(forced.body, 'one')).toEqual({ 'f:data': { 'f:b': {} } })
  })

  it('lets two own the same value, until both have given it up', async () => {
    await server.apply(map('shared'), 'one', applied('shared', { a: '1' }))
    const both = await server.apply(map('shared'), 'two', applied('shared', { a: '1' }))
    const oneLess = await server.apply(map('shared'), 'one', applied('shared', {}))
    const none = await server.apply(map('shared'), 'two', applied('shared', {}))

    expect([both.status, oneLess.status]).toEqual([200, 200])
    expect(at(oneLess.body, 'data')).toEqual({ a: '1' })
    expect(at(none.body, 'data')).toBeUndefined()
  })

  it('owns items of lists by their key: ports, containers, environment', async () => {
    const one = part('items', [
      {
        name: 'app',
        image: 'app:1',
        env: [{ name: 'A', value: '1' }],
        ports: [{ containerPort: 80, protocol: 'TCP' }],
      },
    ])
    const two = part('items', [
      { name: 'app', env: [{ name: 'B', value: '2' }] },
      { name: 'side', image: 'side:1' },
    ])
    await server.apply(apps('items'), 'one', one)

    const both = await server.apply(apps('items'), 'two', two)
    const less = await server.apply(apps('items'), 'two', part('items', [{ name: 'side', image: 'side:1' }]))

    const containers = (body: unknown): readonly Json[] => listAt(body, 'spec', 'template', 'spec', 'containers')
    expect(containers(both.body)).toMatchObject([
      {
        name: 'app',
        image: 'app:1',
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
      },
      { name: 'side' },
    ])
    expect(containers(less.body)[0]).toMatchObject({ name: 'app', env: [{ name: 'A', value: '1' }] })
    const pod = at(ownedBy(less.body, 'one'), 'f:spec', 'f:template', 'f:spec', 'f:containers', 'k:{"name":"app"}')
    expect(pod).toMatchObject({
      'f:image': {},
      'f:env': { 'k:{"name":"A"}': { 'f:name': {}, 'f:value': {} } },
      'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { 'f:containerPort': {}, 'f:protocol': {} } },
    })
  })

  it('conflicts with what somebody else updated, and takes that over when forced', async () => {
    await expectStatus(
      server.send('POST', `${server.path('configmaps')}?fieldManager=people`, applied('updated', { a: '1', b: '2' })),
      201,
    )

    const refused = await server.apply(map('updated'), 'serin', applied('updated', { a: '9' }))
    const same = await server.apply(map('updated'), 'serin', applied('updated', { a: '1' }))
    const forced = await server.apply(map('updated'), 'serin', applied('updated', { a: '9' }), true)

    expect([refused.status, same.status, forced.status]).toEqual([409, 200, 200])
    expect(refusal(refused)[2]).toMatch(
      /^Apply failed with 1 conflict: conflict with "people" using v1( at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?: \.data\.a$/,
    )
    expect(at(forced.body, 'data')).toEqual({ a: '9', b: '2' })
    expect(managersOf(forced.body)).toEqual(['people Update', 'serin Apply'])
    expect(at(ownedBy(forced.body, 'people', 'Update'), 'f:data')).toEqual({ '.': {}, 'f:b': {} })
  })

  it('gives a field to whoever updates it to another value', async () => {
    await server.apply(map('taken'), 'serin', applied('taken', { a: '1', b: '1' }))
    const { body } = await server.send(
      'PATCH',
      `${map('taken')}?fieldManager=people`,
      { data: { a: '2' } },
      { contentType: 'application/merge-patch+json' },
    )

    expect(ownedBy(body, 'serin')).toEqual({ 'f:data': { 'f:b': {} } })
    expect(at(ownedBy(body, 'people', 'Update'), 'f:data')).toEqual({ 'f:a': {} })
    expect((await server.apply(map('taken'), 'serin', applied('taken', { a: '1', b: '1' }))).status).toBe(409)
  })

  it('hands replicas over to scale (from 1.22)', async () => {
    const body = deployment('hand-over', { replicas: 1, pod: { nodeSelector: { nowhere: 'yes' } } })
    await server.apply(apps('hand-over'), 'serin', body)

    const scaled = await server.merge(`${apps('hand-over')}/scale`, { spec: { replicas: 3 } })
    const left = await server.apply(apps('hand-over'), 'serin', part('hand-over', [{ name: 'app', image: 'app:1' }]))

    expect(scaled.status).toBe(200)
    // Before 1.22, `scale` left no owner behind: what the last owner gives up falls back to its default.
    expect([left.status, at(left.body, 'spec', 'replicas')]).toEqual([200, server.since(22, 3, 1)])
  })

  it('refuses what it cannot own', async () => {
    await server.apply(map('refused'), 'one', applied('refused', { a: '1' }))
    const path = map('refused')
    const yaml = 'application/apply-patch+yaml'

    const told = [
      await server.send('PATCH', path, applied('refused', {}), { contentType: yaml }),
      await server.apply(path, 'one', applied('other', {})),
      await server.apply(path, 'one', {
        ...applied('refused', {}),
        metadata: { name: 'refused', managedFields: [{}] },
      }),
      await server.apply(path, 'one', { kind: 'ConfigMap', metadata: { name: 'refused' } }),
      await server.apply(path, 'one', { ...applied('refused', {}), nosuch: 1 }),
      await server.apply(server.path('configmaps/refused/status'), 'one', applied('refused', {})),
    ]

    expect(told.map(({ status }) => status)).toEqual([422, 400, 400, 400, 500, 404])
    const messages = told.map((answer) => refusal(answer)[2])
    expect(messages[0]).toContain('fieldManager: Required value: is required for apply patch')
    expect(messages[2]).toBe('metadata.managedFields must be nil')
    expect(messages[4]).toMatch(/^failed to create typed patch object.*: \.nosuch: field not declared in schema$/)
  })

  it('reads YAML, and stores nothing in a dry run', async () => {
    const contentType = 'application/apply-patch+yaml'
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  a: "1"\n'

    const dry = await server.send('PATCH', `${map('yaml')}?fieldManager=one&dryRun=All`, undefined, {
      text,
      contentType,
    })
    const missing = await server.send('GET', map('yaml'))
    const made = await server.send('PATCH', `${map('yaml')}?fieldManager=one`, undefined, { text, contentType })

    expect([dry.status, missing.status, made.status]).toEqual([201, 404, 201])
    expect([at(dry.body, 'data'), at(made.body, 'data')]).toEqual([{ a: '1' }, { a: '1' }])
  })

  it('drops the fields of its own that an invalid apply does not store', async () => {
    const before = await server.apply(apps('invalid'), 'one', deployment('invalid', { replicas: 0 }))
    const broken = part('invalid', [
      { name: 'app', image: 'app:2' },
      { name: 'bad name', image: 'x' },
    ])

    const refused = await server.apply(apps('invalid'), 'one', broken)

    expect([before.status, refused.status]).toEqual([201, 422])
    expect(refusal(refused)[2]).toContain('spec.template.spec.containers[1].name: Invalid value: "bad name": ')
    expect(generationOf((await server.send('GET', apps('invalid'))).body)).toBe(1)
  })

  it('counts an apply that changes only owners as a new version', async () => {
    const first = await server.apply(map('owners'), 'one', applied('owners', { a: '1' }))
    const second = await server.apply(map('owners'), 'two', applied('owners', { a: '1' }))

    expect(versionOf(second.body)).not.toBe(versionOf(first.body))
    expect(managersOf(second.body)).toEqual(['one Apply', 'two Apply'])
  })
})
