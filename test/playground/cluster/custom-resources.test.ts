import { describe, expect, it } from 'vitest'
import { at } from '../../../src/lib/json.ts'
import type { Json } from '../../../src/lib/json.ts'
import { merge, world } from './support.ts'
import type { World } from './support.ts'

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const widgets = '/apis/example.com/v1/namespaces/default/widgets'

const definition: Json = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
        },
        additionalPrinterColumns: [{ name: 'Size', type: 'string', jsonPath: '.spec.size' }],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: {
              spec: {
                type: 'object',
                required: ['size'],
                properties: {
                  size: { type: 'string', enum: ['small', 'large'] },
                  replicas: { type: 'integer', minimum: 0, default: 1 },
                  port: { 'x-kubernetes-int-or-string': true },
                  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                  fixed: {
                    type: 'string',
                    'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'fixed' }],
                  },
                },
              },
              status: { type: 'object', properties: { phase: { type: 'string' }, replicas: { type: 'integer' } } },
            },
          },
        },
      },
    ],
  },
}

async function withWidgets(): Promise<World> {
  const made = world()
  const installed = await made.send('POST', definitions, definition)
  expect(installed.status).toBe(201)
  return made
}

function widget(name: string, spec: Json): Json {
  return { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name }, spec }
}

describe('playground/cluster: custom resources', () => {
  it('serves a kind as soon as its definition is there', async () => {
    const { send, cluster } = await withWidgets()

    const created = await send(
      'POST',
      widgets,
      widget('w', { size: 'small', port: 'http', free: { any: [1] }, odd: 1 }),
    )

    expect(created.status).toBe(201)
    expect(at(created.body, 'spec')).toEqual({ size: 'small', replicas: 1, port: 'http', free: { any: [1] } })
    expect(cluster.list('example.com/v1', 'Widget', 'default')).toEqual([created.body])
  })

  it('says what its schema does not allow', async () => {
    const { send } = await withWidgets()

    const refused = await send('POST', widgets, widget('w', { size: 'huge', replicas: -1 }))

    expect(refused.status).toBe(422)
    expect(at(refused.body, 'details', 'causes')).toContainEqual({
      reason: 'FieldValueNotSupported',
      message: 'Unsupported value: "huge": supported values: "small", "large"',
      field: 'spec.size',
    })
  })

  it('checks rules about the former value', async () => {
    const { send } = await withWidgets()
    await send('POST', widgets, widget('w', { size: 'small', fixed: 'x' }))

    const refused = await send('PATCH', `${widgets}/w`, { spec: { fixed: 'y' } }, merge)

    expect(at(refused.body, 'message')).toContain('spec.fixed: Invalid value: "y": fixed')
  })

  it('writes status and spec apart from each other', async () => {
    const { send } = await withWidgets()
    await send('POST', widgets, { ...Object(widget('w', { size: 'small' })), status: { phase: 'Early' } })

    const status = await send(
      'PATCH',
      `${widgets}/w/status`,
      { spec: { size: 'large' }, status: { phase: 'Ready' } },
      merge,
    )
    const spec = await send('PATCH', `${widgets}/w`, { spec: { size: 'large' }, status: { phase: 'Main' } }, merge)

    expect(status.body).toMatchObject({
      metadata: { generation: 1 },
      spec: { size: 'small' },
      status: { phase: 'Ready' },
    })
    expect(spec.body).toMatchObject({
      metadata: { generation: 2 },
      spec: { size: 'large' },
      status: { phase: 'Ready' },
    })
  })

  it('shows the columns of the definition in a table', async () => {
    const { send, cluster } = await withWidgets()
    await send('POST', widgets, widget('w', { size: 'small' }))

    const table = cluster.serve({
      method: 'GET',
      path: widgets,
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    })

    expect(at(table.body, 'columnDefinitions', 1, 'name')).toBe('Size')
    expect(at(table.body, 'rows', 0, 'cells')).toEqual(['w', 'small'])
  })

  it('takes the objects away with their definition', async () => {
    const { send, clock } = await withWidgets()
    await send('POST', widgets, widget('w', { size: 'small' }))

    await send('DELETE', `${definitions}/widgets.example.com`)
    await clock.run(1000)

    expect((await send('GET', widgets)).status).toBe(404)
  })
})
