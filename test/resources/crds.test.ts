import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { generatedFiles } from '../../scripts/generate/files.ts'
import { at, isObject, type Json, type JsonObject } from '../../src/lib/json.ts'
import { readPath } from '../../src/playground/cluster/kinds/json-path.ts'
import { crds } from '../../src/resources/crds.ts'
import { readDocuments } from '../../src/yaml/read.ts'

const schemaOf = (kind: string): Json => {
  const crd = crds().find(({ spec }) => at(spec, 'names', 'kind') === kind)
  return at(crd, 'spec', 'versions', 0, 'schema', 'openAPIV3Schema') ?? null
}

/** What breaks the rules that Kubernetes has for structural schemas. */
function unstructural(node: Json, path: string, isJunctor: boolean): string[] {
  if (!isObject(node)) return [`${path} is no schema`]
  const faults: string[] = []
  const forbidden = ['$ref', '$schema', 'const', 'definitions', 'patternProperties', 'propertyNames', 'deprecated']
  for (const key of forbidden) if (key in node) faults.push(`${path} has ${key}`)
  if ('properties' in node && 'additionalProperties' in node) faults.push(`${path} has both kinds of properties`)
  if (isJunctor) {
    for (const key of ['type', 'description', 'default', 'additionalProperties', 'nullable']) {
      if (key in node) faults.push(`${path} has ${key} inside a junctor`)
    }
  } else if (node['x-kubernetes-int-or-string'] !== true && typeof node['type'] !== 'string') {
    faults.push(`${path} has no type`)
  }
  if (node['type'] === 'array' && !('items' in node)) faults.push(`${path} has no items`)
  for (const key of ['anyOf', 'oneOf', 'allOf']) {
    const branches = node[key]
    if (Array.isArray(branches)) {
      branches.forEach((branch: Json, nth) => faults.push(...unstructural(branch, `${path}.${key}[${nth}]`, true)))
    }
  }
  const { properties, items, additionalProperties } = node
  for (const [key, child] of isObject(properties) ? Object.entries(properties) : []) {
    faults.push(...unstructural(child ?? null, `${path}.${key}`, isJunctor))
  }
  if (items !== undefined) faults.push(...unstructural(items, `${path}[]`, isJunctor))
  if (additionalProperties !== undefined) faults.push(...unstructural(additionalProperties, `${path}{}`, isJunctor))
  return faults
}

/** The fields without a description; of those that all objects have, Kubernetes knows its own. */
function unexplained(node: Json, path: string): string[] {
  if (!isObject(node)) return []
  const { properties, items, additionalProperties, description } = node
  const isExplained = description !== undefined || /(\[\]|\{\}|^\w+\.(apiVersion|kind|metadata))$/.test(path)
  return [
    ...(isExplained ? [] : [path]),
    ...(isObject(properties) ? Object.entries(properties) : []).flatMap(([key, child]) =>
      unexplained(child ?? null, `${path}.${key}`),
    ),
    ...unexplained(items ?? null, `${path}[]`),
    ...unexplained(additionalProperties ?? null, `${path}{}`),
  ]
}

/** The fields of a manifest that a schema would prune. */
function pruned(value: Json, schema: Json | undefined, path: string): string[] {
  if (Array.isArray(value))
    return value.flatMap((item: Json, nth) => pruned(item, at(schema, 'items'), `${path}[${nth}]`))
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([key, child]) => {
    const below = at(schema, 'properties', key) ?? at(schema, 'additionalProperties')
    return below === undefined ? [`${path}.${key}`] : pruned(child ?? null, below, `${path}.${key}`)
  })
}

describe('resources/crds', () => {
  it('makes structural schemas', () => {
    expect(crds().map(({ metadata }) => metadata.name)).toEqual([
      'canaries.flagger.app',
      'metrictemplates.flagger.app',
      'alertproviders.flagger.app',
    ])
    for (const kind of ['Canary', 'MetricTemplate', 'AlertProvider']) {
      expect(unstructural(schemaOf(kind), kind, false)).toEqual([])
    }
  })

  it('stores v1beta1 with a status subresource, in the category all', () => {
    for (const crd of crds()) {
      expect(at(crd, 'spec', 'versions', 0)).toMatchObject({
        name: 'v1beta1',
        served: true,
        storage: true,
        subresources: { status: {} },
      })
      expect(at(crd, 'spec', 'names', 'categories')).toEqual(['all'])
    }
  })

  it('serves the older versions of Canary with the same fields and columns, so that none is lost on the way', () => {
    const [newest, ...older] = at(crds()[0], 'spec', 'versions') as JsonObject[]

    expect(older.map((version) => version['name'])).toEqual(['v1alpha3', 'v1alpha2', 'v1alpha1'])
    for (const { deprecated, deprecationWarning, ...version } of older) {
      expect(deprecated).toBe(true)
      expect(deprecationWarning).toContain('use flagger.app/v1beta1')
      expect(version).toEqual({ ...newest, name: version['name'], storage: false })
    }
    for (const crd of crds().slice(1)) expect(at(crd, 'spec', 'versions')).toHaveLength(1)
  })

  it('fits into the annotation that kubectl apply keeps', () => {
    for (const crd of crds()) expect(JSON.stringify(crd).length).toBeLessThan(200_000)
  })

  it('has nothing that kubectl refuses on Kubernetes 1.20', () => {
    expect(JSON.stringify(crds())).not.toMatch(/"(x-kubernetes-validations|default)":/)
  })

  it.each(['Canary', 'MetricTemplate', 'AlertProvider'])('explains every field of %s', (kind) => {
    expect(unexplained(schemaOf(kind), kind)).toEqual([])
  })

  it('prints the columns that users of kubectl get canaries know', () => {
    const columns = at(crds()[0], 'spec', 'versions', 0, 'additionalPrinterColumns') as {
      name: string
      priority?: number
    }[]

    expect(columns.filter(({ priority }) => priority === undefined).map(({ name }) => name)).toEqual([
      'Status',
      'Weight',
      'LastTransitionTime',
    ])
    expect(columns).toHaveLength(10)
  })

  it.each([
    ['v1alpha1', { StepWeight: 10, MaxWeight: 50 }],
    ['v1alpha3', { Interval: '10s', StepWeight: 10, MaxWeight: 50 }],
    ['v1beta1', { Interval: '1m', StepWeight: 5, MaxWeight: 50 }],
  ])('shows the analysis of what was applied as %s', (version, cells) => {
    const text = readFileSync(new URL(`../fixtures/canaries/${version}.yaml`, import.meta.url), 'utf8')
    const canary = readDocuments(text, '').documents[0]?.value ?? null
    const columns = at(crds()[0], 'spec', 'versions', 0, 'additionalPrinterColumns') as {
      name: string
      jsonPath: string
    }[]

    const shown = columns.map(({ name, jsonPath }) => [name, readPath(canary, jsonPath)] as const)

    expect(Object.fromEntries(shown.filter(([, value]) => value !== undefined))).toEqual(cells)
  })

  it('keeps every field of a full Canary', () => {
    const text = readFileSync(new URL('../fixtures/canaries/v1beta1.yaml', import.meta.url), 'utf8')
    const spec = at(readDocuments(text, '').documents[0]?.value, 'spec') ?? null

    expect(pruned(spec, at(schemaOf('Canary'), 'properties', 'spec'), 'spec')).toEqual([])
  })

  it('takes a number or a name for the target port and whole percentages for weights', () => {
    const spec = at(schemaOf('Canary'), 'properties', 'spec')

    expect(at(spec, 'properties', 'service', 'properties', 'targetPort')).toMatchObject({
      'x-kubernetes-int-or-string': true,
    })
    expect(at(spec, 'properties', 'analysis', 'properties', 'maxWeight')).toMatchObject({
      type: 'integer',
      minimum: 0,
      maximum: 100,
    })
    expect(at(spec, 'properties', 'analysis', 'properties', 'interval')).toMatchObject({ pattern: '^[0-9]+(m|s)' })
    expect(at(spec, 'required')).toEqual(['targetRef', 'service'])
  })
})

describe('generated files', () => {
  it('are what npm run generate writes now', async () => {
    for (const [path, text] of await generatedFiles()) {
      expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'), `${path}: npm run generate`).toBe(text)
    }
  })
})
