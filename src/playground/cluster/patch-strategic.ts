import type { Json, JsonObject } from '../../lib/json.ts'
import { isObject } from '../../lib/json.ts'
import { draft, equalJson, isDoc, isList, plain } from './document.ts'
import type { Doc, Draft } from './document.ts'
import { anything, fieldSchema } from './schema/schema.ts'
import type { Schema } from './schema/schema.ts'

/** A strategic merge patch that can't be applied; the message is the server's. */
export class StrategicError extends Error {
  override readonly name = 'StrategicError'
}

const directive = /^\$(patch|retainKeys|setElementOrder\/|deleteFromPrimitiveList\/)/

/**
 * Applies a strategic merge patch to a document, which is changed in place: lists with a merge key merge by it, other
 * lists are replaced; `$patch`, `$retainKeys`, `$setElementOrder` and `$deleteFromPrimitiveList` are understood.
 */
export function applyStrategicPatch(target: Doc, patch: JsonObject, schema: Schema): void {
  if (patch['$patch'] === 'replace' || patch['$patch'] === 'delete') {
    for (const key of Object.keys(target)) delete target[key]
    if (patch['$patch'] === 'delete') return
  }
  retain(target, patch['$retainKeys'])
  for (const key of Object.keys(patch)) {
    const value = patch[key]
    if (value === undefined || directive.test(key)) continue
    if (value === null) delete target[key]
    else applyField(target, key, value, patch, fieldSchema(schema, key) ?? anything)
  }
  for (const key of Object.keys(patch)) applyListDirective(target, key, patch[key], schema)
}

function applyField(target: Doc, key: string, value: Json, patch: JsonObject, field: Schema): void {
  const before = target[key]
  if (isObject(value)) {
    const next: Doc = isDoc(before) ? before : {}
    applyStrategicPatch(next, value, field)
    if (value['$patch'] === 'delete') delete target[key]
    else target[key] = next
  } else if (isList(value) && field.strategic !== undefined) {
    const list = Array.isArray(before) ? before : []
    const order = patch[`$setElementOrder/${key}`]
    target[key] =
      field.strategic === 'set' ? mergeSet(list, value) : mergeKeyed(list, value, field, field.strategic.key, order)
  } else target[key] = draft(value)
}

function retain(target: Doc, keys: Json | undefined): void {
  if (!isList(keys)) return
  for (const key of Object.keys(target)) if (!keys.includes(key)) delete target[key]
}

function applyListDirective(target: Doc, key: string, value: Json | undefined, schema: Schema): void {
  const match = /^\$(setElementOrder|deleteFromPrimitiveList)\/(.+)$/.exec(key)
  const name = match?.[2]
  const list = name === undefined ? undefined : target[name]
  if (name === undefined || !Array.isArray(list) || !isList(value)) return
  const strategic = fieldSchema(schema, name)?.strategic
  if (match?.[1] === 'deleteFromPrimitiveList') {
    target[name] = list.filter((item) => !value.some((gone) => equalJson(item, gone)))
  } else if (strategic !== undefined)
    target[name] = inPatchOrder(list, list, value, strategic === 'set' ? undefined : strategic.key)
}

function mergeSet(list: readonly Draft[], patch: readonly Json[]): Draft[] {
  const added = patch.filter((item) => !list.some((known) => equalJson(known, item)))
  return [...list, ...added.map(draft)]
}

function mergeKeyed(
  list: readonly Draft[],
  patch: readonly Json[],
  field: Schema,
  key: string,
  order: Json | undefined,
): Draft[] {
  const merged = [...list]
  const fresh: Draft[] = []
  if (patch.some((item) => isObject(item) && item['$patch'] === 'replace')) merged.length = 0
  for (const item of patch) {
    if (!isObject(item) || item['$patch'] === 'replace') continue
    const name = item[key]
    if (name === undefined) throw new StrategicError(`map: ${goMap(item)} does not contain declared merge key: ${key}`)
    const index = merged.findIndex((known) => isDoc(known) && equalJson(known[key], name))
    const known = merged[index]
    if (item['$patch'] === 'delete') {
      if (index >= 0) merged.splice(index, 1)
    } else if (isDoc(known)) applyStrategicPatch(known, item, field.items ?? anything)
    else {
      const made: Doc = {}
      applyStrategicPatch(made, item, field.items ?? anything)
      fresh.push(made)
    }
  }
  return inPatchOrder([...merged, ...fresh], list, isList(order) ? order : patch, key)
}

// What the patch names stands in the patch's order; the rest keeps its place before what followed it on the server.
function inPatchOrder(
  merged: readonly Draft[],
  server: readonly Json[],
  patch: readonly Json[],
  key?: string,
): Draft[] {
  const nameOf = (item: Json): Json | undefined => (key === undefined ? item : isObject(item) ? item[key] : undefined)
  const indexIn = (items: readonly Json[], item: Json): number => {
    return items.findIndex((other) => equalJson(nameOf(other), nameOf(item)))
  }
  const named = merged
    .filter((item) => indexIn(patch, item) >= 0)
    .toSorted((left, right) => indexIn(patch, left) - indexIn(patch, right))
  const others = merged.filter((item) => indexIn(patch, item) < 0)
  const result: Draft[] = []
  for (const item of named) {
    const place = indexIn(server, item)
    while (place >= 0 && others[0] !== undefined && indexIn(server, others[0]) < place)
      result.push(...others.splice(0, 1))
    result.push(item)
  }
  return [...result, ...others]
}

function goMap(item: JsonObject): string {
  return `map[${Object.keys(item)
    .toSorted()
    .map((key) => `${key}:${plain(item[key])}`)
    .join(' ')}]`
}
