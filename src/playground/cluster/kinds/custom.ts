import type { Json, JsonObject } from '../../../lib/json.ts'
import { at, isObject, stringAt } from '../../../lib/json.ts'
import { required, wrong } from '../api/causes.ts'
import type { Cause } from '../api/failure.ts'
import { child, isList } from '../document.ts'
import type { Doc } from '../document.ts'
import { anything, flag, list, optionalFlag, optionalText, part, record, text } from '../schema/schema.ts'
import { compileStructural } from '../schema/structural.ts'
import { topLevel } from './core.ts'
import { readPath } from './json-path.ts'
import { builtIn } from './kind.ts'
import type { Column, Kind, ScalePaths } from './kind.ts'
import { conditions } from './pod-spec.ts'

const names = part({
  plural: text,
  singular: text,
  shortNames: list(text),
  kind: text,
  listKind: text,
  categories: list(text),
})

const versions = list(
  record({
    name: text,
    served: { ...flag, pointer: true },
    storage: { ...flag, pointer: true },
    deprecated: flag,
    deprecationWarning: optionalText,
    schema: record({ openAPIV3Schema: anything }),
    subresources: record({ status: anything, scale: anything }),
    additionalPrinterColumns: list(anything),
    selectableFields: list(anything),
  }),
  { blank: null },
)

/** CustomResourceDefinition of apiextensions.k8s.io/v1. */
export const definitionKind: Kind = builtIn({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  hasStatus: true,
  hasGeneration: true,
  schema: topLevel({
    spec: part({
      group: text,
      names,
      scope: text,
      versions,
      conversion: anything,
      preserveUnknownFields: optionalFlag,
    }),
    status: part({ conditions, acceptedNames: names, storedVersions: list(text) }),
  }),
  defaults: (object) => {
    const spec = child(object, 'spec')
    const given = child(spec, 'names')
    const kind = given['kind']
    if (typeof kind === 'string') {
      given['singular'] ??= kind.toLowerCase()
      given['listKind'] ??= `${kind}List`
    }
    spec['conversion'] ??= { strategy: 'None' }
    delete spec['preserveUnknownFields']
  },
  prepare: accept,
  validate: definitionCauses,
})

// Names are accepted at once, so that the kind is served when the answer to its creation arrives.
function accept(object: Doc): void {
  const spec = child(object, 'spec')
  const status = child(object, 'status')
  const stored = versionsOf(object).find((version) => version['storage'] === true)
  status['acceptedNames'] = { ...child(spec, 'names') }
  status['storedVersions'] ??= [stringAt(stored, 'name') ?? '']
  const since = stringAt(object, 'metadata', 'creationTimestamp') ?? ''
  const condition = (type: string, reason: string, message: string): Doc => {
    return { type, status: 'True', lastTransitionTime: since, reason, message }
  }
  status['conditions'] ??= [
    condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
    condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
  ]
}

function versionsOf(definition: JsonObject): readonly JsonObject[] {
  const found = at(definition, 'spec', 'versions')
  return (isList(found) ? found : []).filter((version) => isObject(version))
}

function definitionCauses(object: JsonObject): readonly Cause[] {
  const name = stringAt(object, 'metadata', 'name') ?? ''
  const all = versionsOf(object)
  const storage = all.filter((version) => version['storage'] === true)
  return [
    ...(name === `${stringAt(object, 'spec', 'names', 'plural')}.${stringAt(object, 'spec', 'group')}`
      ? []
      : [wrong('metadata.name', name, 'must be spec.names.plural+"."+spec.group')]),
    ...(storage.length === 1
      ? []
      : [
          wrong('spec.versions', all, 'must have exactly one version marked as storage version'),
          wrong(
            'status.storedVersions',
            all.slice(0, 1).map((version) => version['name'] ?? null),
            `must have the storage version ${stringAt(all.at(-1), 'name')}`,
          ),
        ]),
    ...all.flatMap((version, index) => {
      const schema = at(version, 'schema', 'openAPIV3Schema')
      if (!isObject(schema)) return [required(`spec.versions[${index}].schema.openAPIV3Schema`)]
      return structuralCauses(schema, 'spec.validation.openAPIV3Schema')
    }),
  ]
}

function structuralCauses(schema: JsonObject, field: string): readonly Cause[] {
  const typed = stringAt(schema, 'type') !== undefined || schema['x-kubernetes-int-or-string'] === true
  const free = schema['x-kubernetes-preserve-unknown-fields'] === true
  const fields = schema['properties']
  const items = schema['items']
  const values = schema['additionalProperties']
  return [
    ...(typed || free ? [] : [required(`${field}.type`, 'must not be empty for specified object fields')]),
    ...Object.entries(isObject(fields) ? fields : {}).flatMap(([name, below]) =>
      isObject(below) ? structuralCauses(below, `${field}.properties[${name}]`) : [],
    ),
    ...(isObject(items) ? structuralCauses(items, `${field}.items`) : []),
    ...(isObject(values) ? structuralCauses(values, `${field}.additionalProperties`) : []),
  ]
}

/** The kinds, one per served version, that a definition brings; the stored version's apiVersion is not special. */
export function kindsOf(definition: JsonObject): readonly Kind[] {
  const group = stringAt(definition, 'spec', 'group') ?? ''
  const given = at(definition, 'spec', 'names')
  const plural = stringAt(given, 'plural') ?? ''
  return versionsOf(definition)
    .filter((version) => version['served'] === true)
    .toSorted((left, right) => compareVersions(stringAt(left, 'name') ?? '', stringAt(right, 'name') ?? ''))
    .map((version): Kind => {
      const schema = at(version, 'schema', 'openAPIV3Schema')
      const scale = at(version, 'subresources', 'scale')
      const kind = stringAt(given, 'kind') ?? ''
      return {
        group,
        version: stringAt(version, 'name') ?? '',
        kind,
        listKind: stringAt(given, 'listKind') ?? `${kind}List`,
        plural,
        singular: stringAt(given, 'singular') ?? kind.toLowerCase(),
        shortNames: texts(at(given, 'shortNames')),
        categories: texts(at(given, 'categories')),
        namespaced: stringAt(definition, 'spec', 'scope') === 'Namespaced',
        custom: true,
        schema: compileStructural(isObject(schema) ? schema : { type: 'object' }),
        storeKey: `${plural}.${group}`,
        hasStatus: at(version, 'subresources', 'status') !== undefined,
        ...(isObject(scale) ? { scale: scalePaths(scale) } : {}),
        hasGeneration: true,
        nameRule: 'subdomain',
        columns: columnsOf(version),
      }
    })
}

function texts(value: Json | undefined): readonly string[] {
  return (isList(value) ? value : []).filter((item) => typeof item === 'string')
}

function pathOf(value: Json | undefined): readonly string[] {
  return typeof value === 'string' ? value.split('.').filter((part) => part !== '') : []
}

function scalePaths(scale: JsonObject): ScalePaths {
  const selector = pathOf(scale['labelSelectorPath'])
  return {
    specReplicas: pathOf(scale['specReplicasPath']),
    statusReplicas: pathOf(scale['statusReplicasPath']),
    selector,
  }
}

function columnsOf(version: JsonObject): readonly Column[] {
  const given = version['additionalPrinterColumns']
  const columns = (isList(given) ? given : []).map((column): Column => {
    const path = stringAt(column, 'jsonPath') ?? ''
    const type = stringAt(column, 'type')
    const priority = at(column, 'priority')
    return {
      name: stringAt(column, 'name') ?? '',
      type: type === 'integer' || type === 'number' || type === 'boolean' || type === 'date' ? type : 'string',
      format: stringAt(column, 'format') ?? '',
      description: stringAt(column, 'description') ?? `Custom resource definition column (in JSONPath format): ${path}`,
      priority: typeof priority === 'number' ? priority : 0,
      cell: (object) => readPath(object, path) ?? null,
    }
  })
  return columns.length > 0 ? columns : [ageColumn]
}

const ageColumn: Column = {
  name: 'Age',
  type: 'date',
  description: 'Custom resource definition column (in JSONPath format): .metadata.creationTimestamp',
  cell: (object) => stringAt(object, 'metadata', 'creationTimestamp') ?? null,
}

/** Kubernetes' order of versions, newest and most stable first: v2, v1, v2beta1, v1beta2, v1alpha1, others by name. */
export function compareVersions(left: string, right: string): number {
  const a = rank(left)
  const b = rank(right)
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0
    if (value !== other) return other - value
  }
  return left < right ? -1 : Number(left > right)
}

function rank(version: string): readonly number[] {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version)
  if (match === null) return [0, 0, 0]
  const [, major = '0', stage, minor = '0'] = match
  return [stage === undefined ? 3 : stage === 'beta' ? 2 : 1, Number(major), Number(minor)]
}
