import type { Json } from '../../../lib/json.ts'
import { canonicalJson, isObject } from '../../../lib/json.ts'
import type { Doc } from '../document.ts'
import { draft } from '../document.ts'
import type { Schema } from '../schema/schema.ts'

/**
 * How managedFields names an element of a list that merges: `k:{"name":"app"}` or `v:"value"`. Undefined when a key field
 * is missing and has no default.
 */
export function elementOf(item: Json, schema: Schema): string | undefined {
  if (schema.list === 'set') return `v:${JSON.stringify(item)}`
  const keys: Doc = {}
  for (const key of schema.keys ?? []) {
    const value = (isObject(item) ? item[key] : undefined) ?? schema.keyDefaults?.[key]
    if (value === undefined) return undefined
    keys[key] = draft(value)
  }
  return `k:${canonicalJson(keys)}`
}

/** The elements of a list by name, in order; of equal names the first counts. Elements without a name are left out. */
export function elements(items: readonly Json[], schema: Schema): Map<string, Json> {
  const found = new Map<string, Json>()
  for (const item of items) {
    const element = elementOf(item, schema)
    if (element !== undefined && !found.has(element)) found.set(element, item)
  }
  return found
}
