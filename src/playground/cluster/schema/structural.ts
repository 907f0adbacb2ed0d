import type { Json, JsonObject } from '../../../lib/json.ts'
import { at, isObject, stringAt } from '../../../lib/json.ts'
import { draft, isList } from '../document.ts'
import type { Doc, Draft } from '../document.ts'
import { decodeBuiltIn } from './decode.ts'
import { customObjectMeta } from '../kinds/metadata.ts'
import { anything, fieldSchema, text } from './schema.ts'
import type { Schema } from './schema.ts'

/** Compiles the `openAPIV3Schema` of a custom resource version. */
export function compileStructural(openApi: JsonObject): Schema {
  const root = compile(openApi)
  const properties = new Map(root.properties)
  properties.set('apiVersion', text)
  properties.set('kind', text)
  properties.set('metadata', customObjectMeta)
  return { ...root, properties }
}

function compile(rules: JsonObject): Schema {
  const items = rules['items']
  const values = rules['additionalProperties']
  const fields = rules['properties']
  const fallback = rules['default']
  return {
    type: typeOf(rules),
    rules,
    ...(rules['nullable'] === true ? { nullable: true } : {}),
    ...(rules['x-kubernetes-preserve-unknown-fields'] === true ? { open: true } : {}),
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(isObject(items) ? { items: compile(items) } : {}),
    ...(isObject(values) ? { values: compile(values) } : values === true ? { values: anything } : {}),
    ...(isObject(fields) ? { properties: compileFields(fields) } : {}),
    ...(rules['x-kubernetes-embedded-resource'] === true ? { open: true } : {}),
    ...merging(rules),
  }
}

function compileFields(fields: JsonObject): ReadonlyMap<string, Schema> {
  const compiled = new Map<string, Schema>()
  for (const [name, field] of Object.entries(fields)) if (isObject(field)) compiled.set(name, compile(field))
  return compiled
}

function typeOf(rules: JsonObject): Schema['type'] {
  if (rules['x-kubernetes-int-or-string'] === true) return 'int-or-string'
  const type = stringAt(rules, 'type') ?? 'any'
  switch (type) {
    case 'object':
    case 'array':
    case 'string':
    case 'integer':
    case 'number':
    case 'boolean':
      return type
    default:
      return 'any'
  }
}

function merging(rules: JsonObject): Partial<Schema> {
  const kind = stringAt(rules, 'x-kubernetes-list-type')
  if (kind === 'set') return { list: 'set' }
  if (kind === 'map') return { list: 'map', keys: keysOf(rules), keyDefaults: keyDefaults(rules) }
  return stringAt(rules, 'x-kubernetes-map-type') === 'atomic' ? { atomic: true } : {}
}

function keysOf(rules: JsonObject): readonly string[] {
  const keys = rules['x-kubernetes-list-map-keys']
  return (isList(keys) ? keys : []).filter((key) => typeof key === 'string')
}

function keyDefaults(rules: JsonObject): JsonObject {
  const defaults: Doc = {}
  for (const key of keysOf(rules)) {
    const value = at(rules, 'items', 'properties', key, 'default')
    if (value !== undefined) defaults[key] = draft(value)
  }
  return defaults
}

/**
 * Reads a custom object: fields that the schema does not declare are dropped and named in `unknown`, nulls where the
 * schema takes none are dropped, defaults are filled in. Types stay unchecked; that is for the validation.
 */
export function decodeCustom(value: JsonObject, schema: Schema, unknown: string[]): Doc {
  const { metadata, ...rest } = value
  const strange: string[] = []
  const decoded = decodeObject(rest, schema, '', unknown)
  decoded['metadata'] = decodeBuiltIn(isObject(metadata) ? metadata : {}, customObjectMeta, strange)
  unknown.push(...strange.map((field) => `metadata.${field}`))
  unknown.sort()
  return decoded
}

function decode(value: Json, schema: Schema, path: string, unknown: string[]): Draft {
  if (isObject(value) && schema.type !== 'array') return decodeObject(value, schema, path, unknown)
  if (isList(value) && schema.items !== undefined) {
    const items = schema.items
    return value.map((item, index) => decode(item, items, `${path}[${index}]`, unknown))
  }
  return draft(value)
}

function decodeObject(value: JsonObject, schema: Schema, path: string, unknown: string[]): Doc {
  if (schema.type === 'any' && schema.properties === undefined) return defaulted(copy(value), schema)
  const result: Doc = {}
  for (const key of Object.keys(value)) {
    const member = value[key]
    if (member === undefined) continue
    const place = path === '' ? key : `${path}.${key}`
    const field = fieldSchema(schema, key)
    if (field === undefined) unknown.push(place)
    else if (member !== null || field.nullable === true || field === anything) {
      result[key] = decode(member, field, place, unknown)
    }
  }
  return defaulted(result, schema)
}

function copy(value: JsonObject): Doc {
  const copied = draft(value)
  return isObject(copied) ? copied : {}
}

function defaulted(result: Doc, schema: Schema): Doc {
  for (const [key, field] of schema.properties ?? []) {
    if (field.default !== undefined && result[key] === undefined) {
      result[key] = decode(field.default, field, key, [])
    }
  }
  return result
}
