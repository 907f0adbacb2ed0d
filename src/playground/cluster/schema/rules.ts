import type { Json, JsonObject } from '../../../lib/json.ts'
import { isObject, stringAt } from '../../../lib/json.ts'
import type { Cause } from '../api/failure.ts'
import { isList } from '../document.ts'
import { CelError, evaluateCel } from './cel.ts'
import { fieldSchema } from './schema.ts'
import type { Schema } from './schema.ts'

const withRules = new WeakMap<Schema, boolean>()

/** True when the schema, or one below it, has validation rules in CEL. */
export function hasRules(schema: Schema): boolean {
  const known = withRules.get(schema)
  if (known !== undefined) return known
  const found =
    isList(schema.rules?.['x-kubernetes-validations']) ||
    [...(schema.properties?.values() ?? []), schema.values, schema.items].some(
      (below) => below !== undefined && hasRules(below),
    )
  withRules.set(schema, found)
  return found
}

/** What the CEL rules of a schema say about a value; rules on `oldSelf` need the value that it replaces. */
export function ruleCauses(value: Json, before: Json | undefined, schema: Schema, path: string): readonly Cause[] {
  if (!hasRules(schema)) return []
  const rules = schema.rules?.['x-kubernetes-validations']
  const own = (isList(rules) ? rules : []).flatMap((rule) =>
    isObject(rule) ? checkRule(value, before, rule, path) : [],
  )
  return [
    ...own,
    ...membersOf(value).flatMap(([key, member]) => {
      const below = typeof key === 'number' ? schema.items : fieldSchema(schema, key)
      const place = typeof key === 'number' ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`
      const old = typeof key === 'string' && isObject(before) ? before[key] : undefined
      return below === undefined ? [] : ruleCauses(member, old, below, place)
    }),
  ]
}

function membersOf(value: Json): readonly (readonly [string | number, Json])[] {
  if (isList(value)) return value.map((item, index) => [index, item] as const)
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([key, member]) => (member === undefined ? [] : [[key, member] as const]))
}

function checkRule(value: Json, before: Json | undefined, rule: JsonObject, path: string): readonly Cause[] {
  const expression = stringAt(rule, 'rule') ?? 'true'
  const usesOld = /\boldSelf\b/.test(expression)
  if (usesOld && before === undefined) return []
  try {
    if (evaluateCel(expression, { self: value, ...(before === undefined ? {} : { oldSelf: before }) }) !== false)
      return []
  } catch (error) {
    // A rule beyond what is understood here does not stop an object: the real server checks it.
    if (error instanceof CelError) return []
    throw error
  }
  const message = stringAt(rule, 'message') ?? `failed rule: ${expression}`
  const shown = isObject(value) || isList(value) ? '' : `${JSON.stringify(value)}: `
  return [{ reason: 'FieldValueInvalid', message: `Invalid value: ${shown}${message}`, field: path }]
}
