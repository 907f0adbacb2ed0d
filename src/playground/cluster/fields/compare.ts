import type { Json, JsonObject } from '../../../lib/json.ts'
import { isObject } from '../../../lib/json.ts'
import { equalJson, isList } from '../document.ts'
import { fieldSchema, anything } from '../schema/schema.ts'
import type { Schema } from '../schema/schema.ts'
import { elements } from './element.ts'
import { newSet } from './field-set.ts'
import type { FieldSet, FieldSetDraft } from './field-set.ts'

/** Which fields differ between two states of one object. */
export interface Comparison {
  readonly added: FieldSet
  readonly modified: FieldSet
  readonly removed: FieldSet
}

interface Walk {
  readonly added: FieldSetDraft
  readonly modified: FieldSetDraft
  readonly removed: FieldSetDraft
}

/** Compares two states field by field, with the granularity of ownership: atomic lists and objects count as one field. */
export function compareFields(before: Json, after: Json, schema: Schema): Comparison {
  const walk: Walk = { added: newSet(), modified: newSet(), removed: newSet() }
  compare(before, after, schema, [], walk)
  return walk
}

function compare(before: Json | undefined, after: Json | undefined, schema: Schema, path: string[], walk: Walk): void {
  if (before === after) return
  if (before === undefined) insert(walk.added, path)
  else if (after === undefined) insert(walk.removed, path)
  if (!descend(before, after, schema, path, walk) && before !== undefined && after !== undefined) {
    if (!equalJson(before, after)) insert(walk.modified, path)
  }
}

/** Goes into objects and lists that merge; false for whatever counts as one field. */
function descend(
  before: Json | undefined,
  after: Json | undefined,
  schema: Schema,
  path: string[],
  walk: Walk,
): boolean {
  const some = after ?? before
  if (isObject(some)) return !(schema.atomic === true) && descendObject(before, after, schema, path, walk)
  if (isList(some) && schema.list !== undefined) return descendList(before, after, schema, path, walk)
  return false
}

function descendObject(
  before: Json | undefined,
  after: Json | undefined,
  schema: Schema,
  path: string[],
  walk: Walk,
): boolean {
  const left = objectOrNothing(before)
  const right = objectOrNothing(after)
  if (left === undefined || right === undefined) return false
  for (const key of Object.keys(left)) {
    if (left[key] === undefined) continue
    path.push(`f:${key}`)
    compare(left[key], right[key], fieldSchema(schema, key) ?? anything, path, walk)
    path.pop()
  }
  for (const key of Object.keys(right)) {
    if (right[key] === undefined || left[key] !== undefined) continue
    path.push(`f:${key}`)
    compare(undefined, right[key], fieldSchema(schema, key) ?? anything, path, walk)
    path.pop()
  }
  return Object.keys(left).length > 0 || Object.keys(right).length > 0
}

function descendList(
  before: Json | undefined,
  after: Json | undefined,
  schema: Schema,
  path: string[],
  walk: Walk,
): boolean {
  if ((!isList(before) && (before ?? null) !== null) || (!isList(after) && (after ?? null) !== null)) return false
  const left = elements(isList(before) ? before : [], schema)
  const right = elements(isList(after) ? after : [], schema)
  const items = schema.items ?? anything
  for (const element of new Set([...left.keys(), ...right.keys()])) {
    path.push(element)
    compare(left.get(element), right.get(element), items, path, walk)
    path.pop()
  }
  return left.size > 0 || right.size > 0
}

function objectOrNothing(value: Json | undefined): JsonObject | undefined {
  if (value === undefined || value === null) return {}
  return isObject(value) ? value : undefined
}

function insert(set: FieldSetDraft, path: readonly string[]): void {
  let here = set
  for (const element of path) {
    let below = here.children.get(element)
    if (below === undefined) {
      below = newSet()
      here.children.set(element, below)
    }
    here = below
  }
  here.self = true
}
