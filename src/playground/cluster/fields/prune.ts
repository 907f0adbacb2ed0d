import { isObject } from '../../../lib/json.ts'

import type { Doc, Draft } from '../document.ts'
import { anything, fieldSchema } from '../schema/schema.ts'
import type { Schema } from '../schema/schema.ts'
import { elementOf } from './element.ts'
import type { FieldSet } from './field-set.ts'

/**
 * Takes out what a manager applied last time, no longer names, and nobody else owns. `last` is what it owned before,
 * `owned` what all managers own now; the value is changed in place.
 */
export function pruneFields(value: Draft, schema: Schema, last: FieldSet, owned: FieldSet): void {
  if (isObject(value) && schema.atomic !== true) {
    const doc: Doc = value
    for (const [element, below] of last.children) {
      if (!element.startsWith('f:')) continue
      const key = element.slice(2)
      const member = doc[key]
      if (member === undefined) continue
      const others = owned.children.get(element)
      if (others === undefined) delete doc[key]
      else pruneFields(member, fieldSchema(schema, key) ?? anything, below, others)
    }
  } else if (Array.isArray(value) && schema.list !== undefined) pruneList(value, schema, last, owned)
}

function pruneList(value: Draft[], schema: Schema, last: FieldSet, owned: FieldSet): void {
  for (let index = value.length - 1; index >= 0; index -= 1) {
    const item = value[index]
    if (item === undefined) continue
    const element = elementOf(item, schema)
    const below = element === undefined ? undefined : last.children.get(element)
    if (element === undefined || below === undefined) continue
    const others = owned.children.get(element)
    if (others === undefined) value.splice(index, 1)
    else pruneFields(item, schema.items ?? anything, below, others)
  }
}
