import type { Json, JsonObject } from '../../../lib/json.ts'
import { isObject } from '../../../lib/json.ts'
import { draft, isList } from '../document.ts'
import type { Doc, Draft } from '../document.ts'
import { canonicalQuantity } from './quantity.ts'
import { fieldSchema } from './schema.ts'
import type { Schema } from './schema.ts'

/** A body that does not fit the kind; the message is the decoder's. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
}

/**
 * Reads an object of a built-in kind as Go does: fields that the kind does not declare go to `unknown` (their paths),
 * nulls and zero values are dropped, and parts that are always written appear. The result shares nothing with the input.
 */
export function decodeBuiltIn(value: JsonObject, schema: Schema, unknown: string[]): Doc {
  return decodeObject(value, schema, '', unknown)
}

function decode(value: Json, schema: Schema, path: string, unknown: string[]): Draft {
  switch (schema.type) {
    case 'any':
      return draft(value)
    case 'object':
      if (!isObject(value)) throw mismatch(value, path, 'object')
      return decodeObject(value, schema, path, unknown)
    case 'array':
      if (!isList(value)) throw mismatch(value, path, 'array')
      return value.map((item, index) => decodeItem(item, schema.items, `${path}[${index}]`, unknown))
    case 'string':
      if (typeof value === 'number' && schema.format === 'quantity') return String(value)
      if (typeof value !== 'string') throw mismatch(value, path, 'string')
      return decodeText(value, schema)
    case 'integer':
      if (!isInt32(value)) throw mismatch(value, path, 'int32')
      return value
    case 'number':
      if (typeof value !== 'number') throw mismatch(value, path, 'float64')
      return value
    case 'boolean':
      if (typeof value !== 'boolean') throw mismatch(value, path, 'bool')
      return value
    case 'int-or-string':
      if (typeof value !== 'number' && typeof value !== 'string') throw mismatch(value, path, 'intstr.IntOrString')
      return value
  }
}

function isInt32(value: Json): value is number {
  return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 2 ** 31
}

function decodeItem(item: Json, schema: Schema | undefined, path: string, unknown: string[]): Draft {
  if (schema === undefined) return draft(item)
  if (item === null) return schema.type === 'object' ? decodeObject({}, schema, path, unknown) : null
  return decode(item, schema, path, unknown)
}

function decodeObject(value: JsonObject, schema: Schema, path: string, unknown: string[]): Doc {
  const result: Doc = {}
  for (const key of Object.keys(value)) {
    const member = value[key]
    if (member === undefined) continue
    const field = fieldSchema(schema, key)
    const place = path === '' ? key : `${path}.${key}`
    if (field === undefined) unknown.push(place)
    else if (member !== null) {
      const decoded = decode(member, field, place, unknown)
      if (field.pointer === true || !isZero(decoded, field)) result[key] = decoded
    }
  }
  if (schema.properties !== undefined) fillBlanks(result, schema.properties)
  return result
}

function fillBlanks(result: Doc, properties: ReadonlyMap<string, Schema>): void {
  for (const [key, field] of properties) {
    if (field.blank === undefined || result[key] !== undefined) continue
    result[key] = isObject(field.blank) ? decodeObject(field.blank, field, key, []) : draft(field.blank)
  }
}

function isZero(value: Draft, schema: Schema): boolean {
  if (value === '' || value === 0 || value === false) return true
  if (isList(value)) return value.length === 0
  return schema.values !== undefined && isObject(value) && Object.keys(value).length === 0
}

function decodeText(value: string, schema: Schema): string {
  switch (schema.format ?? 'plain') {
    case 'bytes':
      checkBase64(value)
      return value
    case 'quantity': {
      const quantity = canonicalQuantity(value)
      if (quantity === undefined) {
        throw new DecodeError(
          `quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`,
        )
      }
      return quantity
    }
    case 'micro-time':
      if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d)$/.test(value)) {
        throw new DecodeError(`parsing time "${value}" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "${value}"`)
      }
      return value
    case 'time':
      if (Number.isNaN(Date.parse(value))) {
        throw new DecodeError(`parsing time "${value}" as "2006-01-02T15:04:05Z07:00": cannot parse "${value}"`)
      }
      return value
    case 'plain':
      return value
  }
}

function checkBase64(value: string): void {
  const text = value.replaceAll(/[\r\n]/g, '')
  const odd = /[^A-Za-z0-9+/]/.exec(text.replace(/={1,2}$/, ''))
  if (odd !== null) throw new DecodeError(`illegal base64 data at input byte ${odd.index}`)
  if (text.length % 4 !== 0)
    throw new DecodeError(`illegal base64 data at input byte ${text.length - (text.length % 4)}`)
}

function mismatch(value: Json, path: string, wanted: string): DecodeError {
  const found = isList(value) ? 'array' : value === null ? 'null' : typeof value === 'boolean' ? 'bool' : typeof value
  return new DecodeError(`json: cannot unmarshal ${found} into Go struct field ${path} of type ${wanted}`)
}
