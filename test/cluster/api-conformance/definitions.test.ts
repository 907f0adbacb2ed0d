import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { at, type Json, stringAt } from '../../../src/lib/json.ts'
import {
  causes,
  expectStatus,
  generationOf,
  type Installed,
  listAt,
  refusal,
  type ServerUnderTest,
  serverUnderTest,
  uidOf,
  versionOf,
} from './server.ts'

const properties: Json = {
  size: { type: 'integer', minimum: 1, maximum: 10 },
  count: { type: 'integer' },
  mode: { type: 'string', enum: ['fast', 'slow'], default: 'fast' },
  label: { type: 'string', pattern: '^[a-z]+$', maxLength: 5 },
  tags: { type: 'array', maxItems: 2, items: { type: 'string' } },
  nested: { type: 'object', properties: { deep: { type: 'boolean', default: true }, n: { type: 'number' } } },
  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  items: {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, value: { type: 'string' } } },
  },
}
const schema: Json = {
  openAPIV3Schema: {
    type: 'object',
    required: ['spec'],
    properties: {
      spec: { type: 'object', required: ['size'], properties },
      status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
  },
}
const full = {
  name: 'v1',
  served: true,
  storage: true,
  schema,
  subresources: {
    status: {},
    scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' },
  },
  additionalPrinterColumns: [
    { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
    { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
    { name: 'Wide', type: 'string', jsonPath: '.spec.label', priority: 1 },
  ],
}

let server: ServerUnderTest
let gadget: Installed
beforeAll(async () => {
  server = await serverUnderTest()
  gadget = await server.install({ kind: 'Gadget', versions: [full] })
})
afterAll(() => server.close())

const gadgets = (name?: string): string =>
  server.path(`${gadget.group}/v1`, `${gadget.plural}${name === undefined ? '' : `/${name}`}`)
const body = (name: string, spec: Json, more: { readonly [field: string]: Json } = {}): Json => ({
  apiVersion: `${gadget.group}/v1`,
  kind: 'Gadget',
  metadata: { name },
  spec,
  ...more,
})
const create = (name: string, spec: Json): Promise<Json> =>
  expectStatus(server.send('POST', gadgets(), body(name, spec)), 201)

describe('API conformance: custom resources', () => {
  it('get defaults and lose what the schema does not know', async () => {
    const made = await create('pruned', { size: 1, odd: true, nested: { odd: 1 }, free: { any: { thing: 1 } } })

    expect(at(made, 'spec')).toEqual({ size: 1, mode: 'fast', nested: { deep: true }, free: { any: { thing: 1 } } })
  })

  it('are checked, and the answer names each field', async () => {
    const answer = async (spec: Json): Promise<readonly string[]> => {
      const refused = await server.send('POST', gadgets(), body('bad', spec))
      expect(refused.status).toBe(422)
      return causes(refused)
    }

    expect(await answer({})).toEqual(['spec.size: Required value'])
    expect(await answer({ size: 0 })).toEqual([
      'spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1',
    ])
    expect(await answer({ size: 11 })).toEqual([
      'spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10',
    ])
    expect(await answer({ size: 1, count: 'x' })).toEqual([
      'spec.count: Invalid value: "string": spec.count in body must be of type integer: "string"',
    ])
    expect(await answer({ size: 1, mode: 'odd' })).toEqual([
      'spec.mode: Unsupported value: "odd": supported values: "fast", "slow"',
    ])
    expect(await answer({ size: 1, label: 'A' })).toEqual([
      `spec.label: Invalid value: "A": spec.label in body should match '^[a-z]+$'`,
    ])
    expect(await answer({ size: 1, nested: { n: 'x' } })).toEqual([
      'spec.nested.n: Invalid value: "string": spec.nested.n in body must be of type number: "string"',
    ])
    expect((await answer({ size: 1, items: [{ name: 'a' }, { name: 'a' }] }))[0]).toContain(
      'spec.items[1]: Duplicate value',
    )
    const many = await server.send('POST', gadgets(), body('bad', { size: 99, mode: 'odd' }))
    expect(refusal(many)[2]).toMatch(new RegExp(`^Gadget\\.${gadget.group} "bad" is invalid: \\[`))
    expect(causes(many)).toHaveLength(2)
  })

  it('count their generation by the spec, and keep the status to its subresource', async () => {
    const made = await create('status', { size: 1 })
    const withStatus = await expectStatus(
      server.send('POST', gadgets(), body('with-status', { size: 1 }, { status: { size: 1 } })),
      201,
    )

    const main = await server.merge(gadgets('status'), { status: { phase: 'Main' } })
    const sub = await server.merge(`${gadgets('status')}/status`, { spec: { size: 9 }, status: { phase: 'Sub' } })
    const spec = await server.merge(gadgets('status'), { spec: { size: 2 } })
    const meta = await server.merge(gadgets('status'), { metadata: { annotations: { a: 'b' } } })

    expect([generationOf(made), at(withStatus, 'status')]).toEqual([1, undefined])
    expect(at(main.body, 'status')).toBeUndefined()
    // Before 1.22 the ignored status was noted in managedFields.
    if (server.minor >= 22) expect(versionOf(main.body)).toBe(versionOf(made))
    expect([at(sub.body, 'spec', 'size'), at(sub.body, 'status'), generationOf(sub.body)]).toEqual([
      1,
      { phase: 'Sub' },
      1,
    ])
    expect([at(spec.body, 'status'), generationOf(spec.body)]).toEqual([{ phase: 'Sub' }, 2])
    expect(generationOf(meta.body)).toBe(2)
  })

  it('scale by the paths of their definition', async () => {
    await create('scaled', { size: 3 })

    const read = await expectStatus(server.send('GET', `${gadgets('scaled')}/scale`), 200)
    await expectStatus(server.merge(`${gadgets('scaled')}/scale`, { spec: { replicas: 5 } }), 200)

    expect(read).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 3 } })
    expect(at((await server.send('GET', gadgets('scaled'))).body, 'spec', 'size')).toBe(5)
  })

  it('take a PUT only with a version, merge patches with null, and no strategic patch', async () => {
    const made = await create('put', { size: 1, label: 'a' })

    const unversioned = await server.send('PUT', gadgets('put'), body('put', { size: 2 }))
    const metadata = { name: 'put', resourceVersion: versionOf(made) }
    const put = await server.send('PUT', gadgets('put'), body('put', { size: 2 }, { metadata }))
    const stale = await server.send('PUT', gadgets('put'), body('put', { size: 3 }, { metadata }))
    const patched = await server.merge(gadgets('put'), { spec: { label: null, mode: null } })
    const strategic = await server.send(
      'PATCH',
      gadgets('put'),
      {},
      { contentType: 'application/strategic-merge-patch+json' },
    )

    expect(refusal(unversioned)[0]).toBe(422)
    expect(refusal(unversioned)[2]).toContain('metadata.resourceVersion: Invalid value: ')
    expect(refusal(unversioned)[2]).toContain('must be specified for an update')
    expect([put.status, stale.status]).toEqual([200, 409])
    expect(at(patched.body, 'spec')).toEqual({ size: 2, mode: 'fast' })
    expect(refusal(strategic)[0]).toBe(415)
  })

  it('are applied with ownership of list items by key', async () => {
    const applied = (items: Json): Json => body('applied', { size: 1, items })
    const one = await server.apply(gadgets('applied'), 'one', applied([{ name: 'a', value: '1' }]))
    const two = await server.apply(gadgets('applied'), 'two', applied([{ name: 'b', value: '2' }]))
    const conflict = await server.apply(gadgets('applied'), 'two', applied([{ name: 'a', value: '9' }]))
    const again = await server.apply(gadgets('applied'), 'two', applied([{ name: 'b', value: '2' }]))

    expect([one.status, two.status, conflict.status]).toEqual([201, 200, 409])
    expect(at(two.body, 'spec', 'items')).toEqual([
      { name: 'a', value: '1' },
      { name: 'b', value: '2' },
    ])
    expect(refusal(conflict)[2]).toContain('.spec.items[name="a"].value')
    expect(versionOf(again.body)).toBe(versionOf(two.body))
  })

  it('have a status that is applied on its own, with owners of its own', async () => {
    await create('applied-status', { size: 1 })
    // Before 1.22 the ignored spec counted when conflicts were looked for.
    const ignored = server.since(22, 9, 1)
    const status = (phase: string): Json => body('applied-status', { size: ignored }, { status: { phase } })

    const one = await server.apply(`${gadgets('applied-status')}/status`, 'one', status('A'))
    const two = await server.apply(`${gadgets('applied-status')}/status`, 'two', status('B'))
    const forced = await server.apply(`${gadgets('applied-status')}/status`, 'two', status('B'), true)
    const main = await server.apply(gadgets('applied-status'), 'three', body('applied-status', { label: 'x', size: 1 }))

    expect([one.status, two.status, forced.status, main.status]).toEqual([200, 409, 200, 200])
    expect(refusal(two)[2]).toMatch(/conflict with "one".*: \.status\.phase$/)
    expect([at(forced.body, 'status'), at(forced.body, 'spec', 'size')]).toEqual([{ phase: 'B' }, 1])
    expect([at(main.body, 'status'), at(main.body, 'spec', 'label')]).toEqual([{ phase: 'B' }, 'x'])
  })

  it('say whom to scale, show and list in discovery', async () => {
    const { body: list } = await server.send('GET', `/apis/${gadget.group}/v1`)

    expect(at(list, 'resources')).toMatchObject([
      { name: gadget.plural, kind: 'Gadget', namespaced: true, singularName: 'gadget' },
      { name: `${gadget.plural}/status`, kind: 'Gadget' },
      { name: `${gadget.plural}/scale`, group: 'autoscaling', version: 'v1', kind: 'Scale' },
    ])
  })

  it('are shown as a table with the columns of their definition', async () => {
    await create('shown', { size: 4, label: 'x' })
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

    const { body: table } = await server.send('GET', gadgets('shown'), undefined, { accept })

    expect(stringAt(table, 'kind')).toBe('Table')
    expect(listAt(table, 'columnDefinitions').map((one) => [stringAt(one, 'name'), at(one, 'priority')])).toEqual([
      ['Name', 0],
      ['Size', 0],
      ['Mode', 0],
      ['Wide', 1],
    ])
    expect(at(listAt(table, 'rows')[0], 'cells')).toEqual(['shown', 4, 'fast', 'x'])
  })
})

describe('API conformance: definitions', () => {
  const plain = (name: string, served: boolean, storage: boolean): { readonly [field: string]: Json } => ({
    name,
    served,
    storage,
    schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
  })

  it('serve a version only while it is served, and objects in all that are', async () => {
    const thing = await server.install({
      kind: 'Thing',
      versions: [plain('v1', true, true), plain('v2', false, false)],
    })
    const at1 = server.path(`${thing.group}/v1`, thing.plural)
    const at2 = server.path(`${thing.group}/v2`, thing.plural)
    const made = await expectStatus(
      server.send('POST', at1, { apiVersion: `${thing.group}/v1`, kind: 'Thing', metadata: { name: 'a' }, x: 1 }),
      201,
    )
    const before = await server.send('GET', `${at2}/a`)

    await expectStatus(
      server.merge(thing.path, { spec: { versions: [plain('v1', true, true), plain('v2', true, false)] } }),
      200,
    )
    const after = await server.until('v2 is served', async () => {
      const answer = await server.send('GET', `${at2}/a`)
      return answer.status === 200 ? answer : undefined
    })
    await expectStatus(
      server.merge(thing.path, { spec: { versions: [plain('v1', false, true), plain('v2', true, false)] } }),
      200,
    )
    await server.until('v1 is served no longer', async () => (await server.send('GET', `${at1}/a`)).status === 404)

    expect(before.status).toBe(404)
    expect([stringAt(after.body, 'apiVersion'), at(after.body, 'x'), uidOf(after.body)]).toEqual([
      `${thing.group}/v2`,
      1,
      uidOf(made),
    ])
    expect((await server.send('GET', `${at2}/a`)).status).toBe(200)
  })

  it('take their objects along when they are deleted', async () => {
    const thing = await server.install({ kind: 'Passing', versions: [plain('v1', true, true)] })
    const path = server.path(`${thing.group}/v1`, thing.plural)
    await expectStatus(
      server.send('POST', path, { apiVersion: `${thing.group}/v1`, kind: 'Passing', metadata: { name: 'a' } }),
      201,
    )

    expect((await server.send('DELETE', thing.path)).status).toBe(200)
    await server.until('the kind is gone', async () => (await server.send('GET', path)).status === 404)
    await server.until('the definition is gone', async () => (await server.send('GET', thing.path)).status === 404)
    await expectStatus(server.send('GET', '/apis'), 200)
  })

  it('are refused where they make no sense', async () => {
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
    const names = { kind: 'Odd', plural: 'odds', singular: 'odd', listKind: 'OddList' }
    const definition = (name: string, versions: Json): Json => ({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name },
      spec: { group: 'odd.example.com', scope: 'Namespaced', names, versions },
    })

    const told = [
      await server.send('POST', definitions, definition('wrong.odd.example.com', [plain('v1', true, true)])),
      await server.send('POST', definitions, definition('odds.odd.example.com', [plain('v1', true, false)])),
      await server.send(
        'POST',
        definitions,
        definition('odds.odd.example.com', [{ name: 'v1', served: true, storage: true }]),
      ),
    ].map(refusal)

    expect(told.map(([status]) => status)).toEqual([422, 422, 422])
    expect(told[0]?.[2]).toContain(
      'metadata.name: Invalid value: "wrong.odd.example.com": must be spec.names.plural+"."+spec.group',
    )
    expect(told[1]?.[2]).toContain('must have exactly one version marked as storage version')
    expect(told[2]?.[2]).toContain('schema')
  })
})
