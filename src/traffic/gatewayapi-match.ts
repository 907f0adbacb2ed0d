import { isObject, stringAt, type Json, type JsonObject } from '../lib/json.ts'
import { Problem } from '../lib/problem.ts'
import type { Canary } from '../resources/canary.ts'
import { placeIn } from './names.ts'

/**
 * `service.match` as matches of an HTTPRoute rule; none is the path prefix `/`. A condition that the Gateway API cannot
 * express is a Problem (`stalled`): leaving it out would send requests here that the owner excluded.
 */
export function gatewayMatches(canary: Canary, matches: readonly Json[]): readonly JsonObject[] {
  if (matches.length === 0) return [{ path: { type: 'PathPrefix', value: '/' } }]
  return matches.map((match, index) => gatewayMatch(canary, match, `spec.service.match[${index}]`))
}

function gatewayMatch(canary: Canary, match: Json, place: string): JsonObject {
  const path = pathOf(canary, match, place)
  const result: Record<string, Json> = {}
  if (path !== undefined) result['path'] = path
  for (const [key, value] of Object.entries(isObject(match) ? match : {})) {
    if (value === undefined || key === 'name' || key === 'uri') continue
    if (key === 'method') result['method'] = methodOf(canary, value, `${place}.method`)
    else if (key === 'headers') result['headers'] = namedOf(canary, value, `${place}.headers`)
    else if (key === 'queryParams') result['queryParams'] = namedOf(canary, value, `${place}.queryParams`)
    else throw unsupported(canary, `${place}.${key}`, 'such a condition')
  }
  return result
}

function pathOf(canary: Canary, match: Json, place: string): JsonObject | undefined {
  if (!isObject(match) || match['uri'] === undefined) return undefined
  const regex = stringAt(match, 'uri', 'regex')
  if (regex !== undefined) return { type: 'RegularExpression', value: regex }
  const exact = stringAt(match, 'uri', 'exact')
  if (exact !== undefined) return { type: 'Exact', value: exact }
  const prefix = stringAt(match, 'uri', 'prefix')
  if (prefix !== undefined) return { type: 'PathPrefix', value: prefix }
  throw unsupported(canary, `${place}.uri`, 'anything but "exact", "prefix" and "regex" here')
}

function methodOf(canary: Canary, value: Json, place: string): string {
  const exact = stringAt(value, 'exact')
  if (exact === undefined) throw unsupported(canary, place, 'anything but "exact" here')
  return exact
}

function namedOf(canary: Canary, value: Json, place: string): readonly JsonObject[] {
  const entries = Object.entries(isObject(value) ? value : {})
  return entries
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, condition]) => {
      const exact = stringAt(condition, 'exact')
      if (exact !== undefined) return { name, type: 'Exact', value: exact }
      const regex = stringAt(condition, 'regex')
      if (regex !== undefined) return { name, type: 'RegularExpression', value: regex }
      throw unsupported(canary, `${place}.${name}`, 'anything but "exact" and "regex" here')
    })
}

function unsupported(canary: Canary, field: string, what: string): Problem {
  return new Problem({
    kind: 'stalled',
    code: 'TRAFFIC_MATCH_UNSUPPORTED',
    message: `the Gateway API cannot express ${what}`,
    place: placeIn(canary, field),
    hint: 'remove it, or write it as "exact" or "regex"',
  })
}
