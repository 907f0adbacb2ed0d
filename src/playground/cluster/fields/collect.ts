import type { Json } from '../../../lib/json.ts'
import { isObject } from '../../../lib/json.ts'
import { isList, plain } from '../document.ts'
import { fieldSchema } from '../schema/schema.ts'
import type { Schema } from '../schema/schema.ts'
import { elementOf } from './element.ts'
import { newSet, showPath } from './field-set.ts'
import type { FieldSet, FieldSetDraft } from './field-set.ts'

/** An applied configuration that does not fit the schema; the message names the field. */
export class TypedError extends Error {
  override readonly name = 'TypedError'
}

/**
 * The fields that an applied configuration names, and a check that each of them exists and has the right type
 * (structured-merge-diff's typed conversion).
 */
export function collectFields(value: Json, schema: Schema): FieldSet {
  const set = newSet()
  walk(value, schema, [], set)
  return set
}

function walk(value: Json, schema: Schema, path: string[], set: FieldSetDraft): void {
  if (value === null) return mark(set)
  switch (schema.type) {
    case 'any':
      if (isObject(value)) walkObject(value, schema, path, set)
      else mark(set)
      return
    case 'object':
      if (!isObject(value)) throw new TypedError(`${showPath(path)}: expected map, got &{${show(value)}}`)
      if (schema.atomic === true) return mark(set)
      walkObject(value, schema, path, set)
      return
    case 'array':
      if (!isList(value)) throw new TypedError(`${showPath(path)}: expected list, got &{${show(value)}}`)
      if (schema.list === undefined) return mark(set)
      walkList(value, schema, path, set)
      return
    case 'integer':
    case 'number':
      if (typeof value !== 'number') {
        throw new TypedError(`${showPath(path)}: expected numeric (int or float), got ${nameOf(value)}`)
      }
      return mark(set)
    case 'boolean':
      if (typeof value !== 'boolean') throw new TypedError(`${showPath(path)}: expected boolean, got ${nameOf(value)}`)
      return mark(set)
    case 'string':
      if (typeof value !== 'string' && schema.format !== 'quantity') {
        throw new TypedError(`${showPath(path)}: expected string, got ${nameOf(value)}`)
      }
      return mark(set)
    case 'int-or-string':
      return mark(set)
  }
}

function walkObject(
  value: { readonly [key: string]: Json | undefined },
  schema: Schema,
  path: string[],
  set: FieldSetDraft,
): void {
  for (const key of Object.keys(value)) {
    const member = value[key]
    if (member === undefined) continue
    const field = fieldSchema(schema, key)
    path.push(`f:${key}`)
    if (field === undefined) throw new TypedError(`${showPath(path)}: field not declared in schema`)
    const below = newSet()
    walk(member, field, path, below)
    if (isObject(member) && Object.keys(member).length === 0) mark(below)
    set.children.set(`f:${key}`, below)
    path.pop()
  }
}

function walkList(value: readonly Json[], schema: Schema, path: string[], set: FieldSetDraft): void {
  for (const [index, item] of value.entries()) {
    const element = elementOf(item, schema)
    if (element === undefined) {
      const keys = schema.keys?.join(', ') ?? ''
      throw new TypedError(
        `${showPath(path)}: element ${index}: associative list with keys has an element that omits key field "${keys}" (and doesn't have default value)`,
      )
    }
    if (set.children.has(element)) {
      throw new TypedError(`${showPath(path)}: duplicate entries for key ${showPath([element])}`)
    }
    path.push(element)
    const below = newSet()
    if (schema.items !== undefined) walk(item, schema.items, path, below)
    mark(below)
    set.children.set(element, below)
    path.pop()
  }
}

function mark(set: FieldSetDraft): void {
  set.self = true
}

function show(value: Json): string {
  return isList(value) ? '[]' : plain(value)
}

function nameOf(value: Json): string {
  if (isList(value)) return 'list'
  return typeof value === 'object' ? 'map' : typeof value
}
