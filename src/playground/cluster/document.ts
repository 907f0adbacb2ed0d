import type { Json, JsonObject } from '../../lib/json.ts'

/** JSON that is still being built. It becomes read-only when the store freezes it. */
export type Draft = null | boolean | number | string | Draft[] | Doc

/** A JSON object that is still being built. */
export interface Doc {
  [key: string]: Draft | undefined
}

/** True for an object under construction, false for null, arrays and scalars. */
export function isDoc(value: Draft | undefined): value is Doc {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A deep copy that may be changed. Members that are undefined are left out. */
export function draft(value: Json): Draft {
  if (typeof value !== 'object' || value === null) return value
  if (isList(value)) return value.map(draft)
  return draftObject(value)
}

/** A deep copy of an object that may be changed. */
export function draftObject(value: JsonObject): Doc {
  const copy: Doc = {}
  for (const key of Object.keys(value)) {
    const member = value[key]
    if (member !== undefined) copy[key] = draft(member)
  }
  return copy
}

/** The object at a key; it is made when there is none. */
export function child(parent: Doc, key: string): Doc {
  const found = parent[key]
  if (isDoc(found)) return found
  const made: Doc = {}
  parent[key] = made
  return made
}

/** True for a JSON list; narrows where `Array.isArray` would widen to any. */
export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

/** Freezes a document for good and returns it. Parts that are frozen already are not walked again. */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const member of Object.values(value)) freeze(member)
  return Object.freeze(value)
}

/** True when both hold the same data; the order of keys does not count, a member that is undefined counts as absent. */
export function equalJson(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  if (isList(left)) {
    if (!isList(right) || left.length !== right.length) return false
    return left.every((item, index) => equalJson(item, right[index]))
  }
  return !isList(right) && equalObjects(left, right)
}

function equalObjects(left: JsonObject, right: JsonObject): boolean {
  let count = 0
  for (const key in left) {
    if (left[key] === undefined) continue
    count += 1
    if (!equalJson(left[key], right[key])) return false
  }
  for (const key in right) if (right[key] !== undefined) count -= 1
  return count === 0
}

/** A value as text for messages: scalars as they are, the rest as JSON. */
export function plain(value: Json | undefined): string {
  if (typeof value === 'string') return value
  return value === undefined ? '' : JSON.stringify(value)
}
