import { type Json, type JsonObject, canonicalJson, isObject } from '../lib/json.ts'

/**
 * The smallest JSON merge patch (RFC 7396) that turns `from` into `to`: changed members, null for those that go, lists
 * whole. Undefined when they are equal. Nulls in `to` cannot be expressed and count as absent.
 */
export function mergePatch(from: JsonObject, to: JsonObject): JsonObject | undefined {
  const patch: Record<string, Json> = {}
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const before = own(from, key)
    const after = own(to, key)
    if (after === undefined) {
      if (before !== undefined) patch[key] = null
    } else if (isObject(before) && isObject(after)) {
      const inner = mergePatch(before, after)
      if (inner !== undefined) patch[key] = inner
    } else if (before === undefined || canonicalJson(before) !== canonicalJson(after)) patch[key] = after
  }
  return Object.keys(patch).length === 0 ? undefined : patch
}

/** A member of the object itself: data may have keys such as `valueOf`, which every object inherits. */
function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? (object[key] ?? undefined) : undefined
}
