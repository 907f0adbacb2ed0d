import type { Json, JsonObject } from '../../../lib/json.ts'

/**
 * What the server knows about one field of a kind: its type, how lists merge, and how an empty value is written. Kinds
 * that are built in declare it in TypeScript; a custom resource's comes from its definition.
 */
export interface Schema {
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'any' | 'int-or-string'
  readonly format?: 'time' | 'micro-time' | 'bytes' | 'quantity'
  /** The declared fields of an object. */
  readonly properties?: ReadonlyMap<string, Schema>
  /** Of a map: the schema of every value. */
  readonly values?: Schema
  /** Of an object: undeclared fields are kept as they are. */
  readonly open?: boolean
  readonly items?: Schema
  /** How Apply merges a list; a list without is atomic. */
  readonly list?: 'set' | 'map'
  /** The fields that name an element of a `map` list. */
  readonly keys?: readonly string[]
  /** Values of key fields that are left out, for example protocol TCP. */
  readonly keyDefaults?: JsonObject
  /** Of an object: one owner for the whole, no ownership below it. */
  readonly atomic?: boolean
  /** How a strategic merge patch merges a list: by this field, or as a set. Lists without are replaced. */
  readonly strategic?: { readonly key: string } | 'set'
  /** Built-in kinds: zero is a value and is written, as Go does for pointers. */
  readonly pointer?: boolean
  /** Built-in kinds: what is written when the field is absent. */
  readonly blank?: Json
  /** Custom resources: null is a value. */
  readonly nullable?: boolean
  readonly default?: Json
  /** Custom resources: the rules as they stand in the definition. */
  readonly rules?: JsonObject
}

/** An untyped value: objects merge by key, lists are atomic. */
export const anything: Schema = { type: 'any', open: true }

/** The schema of an object's field, or undefined when it declares none and keeps none. */
export function fieldSchema(schema: Schema, key: string): Schema | undefined {
  return schema.properties?.get(key) ?? schema.values ?? (schema.open === true ? anything : undefined)
}

export const text: Schema = { type: 'string' }
export const integer: Schema = { type: 'integer' }
export const flag: Schema = { type: 'boolean' }
export const optionalText: Schema = { type: 'string', pointer: true }
export const optionalInteger: Schema = { type: 'integer', pointer: true }
export const optionalFlag: Schema = { type: 'boolean', pointer: true }
export const intOrText: Schema = { type: 'int-or-string', pointer: true }
export const time: Schema = { type: 'string', format: 'time' }
export const microTime: Schema = { type: 'string', format: 'micro-time' }
export const quantities: Schema = { type: 'object', values: { type: 'string', format: 'quantity', pointer: true } }
export const textMap: Schema = { type: 'object', values: { type: 'string', pointer: true } }

type Options = Omit<Schema, 'type' | 'properties' | 'items'>

/** An object with declared fields. */
export function record(fields: Readonly<Record<string, Schema>>, options: Options = {}): Schema {
  return { type: 'object', properties: new Map(Object.entries(fields)), ...options }
}

/** A struct that Go writes even when it is empty. */
export function part(fields: Readonly<Record<string, Schema>>, options: Options = {}): Schema {
  return record(fields, { blank: {}, ...options })
}

/** A list with one owner for the whole. */
export function list(items: Schema, options: Options = {}): Schema {
  return { type: 'array', items, ...options }
}

/** A list whose elements are named by some of their fields; the first also keys strategic merge patches. */
export function keyed(keys: readonly [string, ...string[]], items: Schema, options: Options = {}): Schema {
  return { type: 'array', items, list: 'map', keys, strategic: { key: keys[0] }, ...options }
}
