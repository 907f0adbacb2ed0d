import { isObject, type Json, type JsonObject } from '../lib/json.ts'

/**
 * Match conditions as Istio takes them: as written, but `suffix`, which Istio's StringMatch lacks, becomes the regular
 * expression that means the same (Istio's must match the whole value).
 */
export function istioMatches(matches: readonly Json[]): readonly JsonObject[] {
  return matches.filter(isObject).map((match) => mapValues(match, translate))
}

/** A CORS policy as Istio takes it: as written, but for the patterns of origins, see `istioMatches`. */
export function istioCors(policy: JsonObject): JsonObject {
  const origins = policy['allowOrigins']
  return Array.isArray(origins) ? { ...policy, allowOrigins: origins.map((one: Json) => translate(one, 1)) } : policy
}

function translate(value: Json, depth = 0): Json {
  if (!isObject(value)) return value
  const suffix = value['suffix']
  if (typeof suffix === 'string' && Object.keys(value).length === 1) return { regex: `.*${escapeRegex(suffix)}` }
  return depth > 0 ? value : mapValues(value, (inner) => translate(inner, depth + 1))
}

function mapValues(object: JsonObject, change: (value: Json) => Json): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [key, value === undefined ? undefined : change(value)]),
  )
}

function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
