import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { at, isObject, numberAt, stringAt, type Json, type JsonObject } from '../../src/lib/json.ts'
import type { KubeObject } from '../../src/lib/kube-object.ts'

const folder = join(process.env['SERIN_SHARED'] ?? join(import.meta.dirname, '../../../shared'), 'crds')

/** Why the published CRDs cannot be used here; undefined when they are there. */
export const missing = existsSync(folder)
  ? undefined
  : `no published CRDs in ${folder} (SERIN_SHARED names their folder)`
if (missing !== undefined) console.warn(`skipped: ${missing}`)

/** What a published CRD says against an object: a list of `path: complaint`, empty when it would take it. */
export function complaints(file: string, object: KubeObject): readonly string[] {
  const schema = schemaOf(file, object)
  return schema === undefined ? [`no schema for ${object.apiVersion} ${object.kind}`] : schemaComplaints(schema, object)
}

/** What a schema says against an object, unknown fields included. */
export function schemaComplaints(schema: JsonObject, object: KubeObject): readonly string[] {
  return check(schema, object as Json, '')
}

const parsed = new Map<string, readonly unknown[]>()

function crdsOf(file: string): readonly unknown[] {
  const known = parsed.get(file)
  if (known !== undefined) return known
  const crds = parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document): unknown => document.toJS())
  parsed.set(file, crds)
  return crds
}

function schemaOf(file: string, object: KubeObject): JsonObject | undefined {
  for (const crd of crdsOf(file)) {
    const versions = at(crd, 'spec', 'versions')
    const group = stringAt(crd, 'spec', 'group')
    if (stringAt(crd, 'spec', 'names', 'kind') !== object.kind || !Array.isArray(versions)) continue
    const version = versions.find((each) => `${group}/${stringAt(each, 'name')}` === object.apiVersion)
    const schema = at(version, 'schema', 'openAPIV3Schema')
    if (isObject(schema)) return schema
  }
  return undefined
}

function check(schema: JsonObject, value: Json | undefined, path: string): readonly string[] {
  if (value === undefined) return []
  return [
    ...typeComplaint(schema, value, path),
    ...scalarComplaints(schema, value, path),
    ...(Array.isArray(value) ? listComplaints(schema, value, path) : []),
    ...(isObject(value) ? objectComplaints(schema, value, path) : []),
    ...combined(schema, value, path),
  ]
}

function typeComplaint(schema: JsonObject, value: Json, path: string): readonly string[] {
  const type = stringAt(schema, 'type')
  if (type === undefined || schema['x-kubernetes-int-or-string'] === true) return []
  const actual = Array.isArray(value) ? 'array' : isObject(value) ? 'object' : typeof value
  const matches = type === 'integer' ? Number.isInteger(value) : actual === type
  return matches ? [] : [`${path}: is ${actual}, not ${type}`]
}

function scalarComplaints(schema: JsonObject, value: Json, path: string): readonly string[] {
  const found: string[] = []
  const allowed = schema['enum']
  if (Array.isArray(allowed) && !allowed.includes(value))
    found.push(`${path}: ${JSON.stringify(value)} is not in the enum`)
  const pattern = stringAt(schema, 'pattern')
  if (pattern !== undefined && typeof value === 'string' && !new RegExp(pattern).test(value)) {
    found.push(`${path}: "${value}" does not match ${pattern}`)
  }
  if (typeof value === 'string') {
    if (value.length < (numberAt(schema, 'minLength') ?? 0)) found.push(`${path}: too short`)
    if (value.length > (numberAt(schema, 'maxLength') ?? Infinity)) found.push(`${path}: too long`)
  }
  if (typeof value === 'number') {
    if (value < (numberAt(schema, 'minimum') ?? -Infinity)) found.push(`${path}: ${value} is too small`)
    if (value > (numberAt(schema, 'maximum') ?? Infinity)) found.push(`${path}: ${value} is too large`)
  }
  return found
}

function listComplaints(schema: JsonObject, value: readonly Json[], path: string): readonly string[] {
  const found: string[] = []
  if (value.length < (numberAt(schema, 'minItems') ?? 0)) found.push(`${path}: too few items`)
  if (value.length > (numberAt(schema, 'maxItems') ?? Infinity)) found.push(`${path}: too many items`)
  const items = schema['items']
  return isObject(items)
    ? [...found, ...value.flatMap((item, index) => check(items, item, `${path}[${index}]`))]
    : found
}

function objectComplaints(schema: JsonObject, value: JsonObject, path: string): readonly string[] {
  const properties = isObject(schema['properties']) ? schema['properties'] : undefined
  const additional = schema['additionalProperties']
  const isOpen =
    schema['x-kubernetes-preserve-unknown-fields'] === true ||
    additional === true ||
    path === '.metadata' ||
    path === '' ||
    properties === undefined
  const required = Array.isArray(schema['required']) ? (schema['required'] as readonly string[]) : []
  const found = required.filter((key) => value[key] === undefined).map((key) => `${path}: "${key}" is required`)
  for (const [key, member] of Object.entries(value)) {
    const inner = properties?.[key] ?? (isObject(additional) ? additional : undefined)
    if (isObject(inner)) found.push(...check(inner, member, `${path}.${key}`))
    else if (member !== undefined && !isOpen) found.push(`${path}: unknown field "${key}"`)
  }
  return found
}

function combined(schema: JsonObject, value: Json, path: string): readonly string[] {
  const passes = (each: Json): boolean => isObject(each) && holds(each, value, path)
  const found: string[] = []
  const oneOf = schema['oneOf']
  if (Array.isArray(oneOf) && oneOf.filter(passes).length !== 1) found.push(`${path}: not exactly one of oneOf`)
  const anyOf = schema['anyOf']
  if (Array.isArray(anyOf) && !anyOf.some(passes)) found.push(`${path}: none of anyOf`)
  const allOf = schema['allOf']
  if (Array.isArray(allOf) && !allOf.every(passes)) found.push(`${path}: not all of allOf`)
  return found
}

/** Inside oneOf, anyOf, allOf and not, a structural schema only narrows: fields it does not name are fine. */
function holds(schema: JsonObject, value: Json, path: string): boolean {
  const negated = schema['not']
  if (isObject(negated) && holds(negated, value, path)) return false
  return check({ 'x-kubernetes-preserve-unknown-fields': true, ...schema }, value, path).length === 0
}
