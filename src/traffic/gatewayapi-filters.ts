import { at, isObject, stringAt, type Json, type JsonObject } from '../lib/json.ts'
import { Problem } from '../lib/problem.ts'
import type { Canary } from '../resources/canary.ts'
import { durationMs } from '../resources/duration.ts'
import { placeIn, serviceNames } from './names.ts'
import type { TrafficSplit } from './split.ts'
import { listAt } from './weights.ts'

/**
 * The filters of a rule, in the order of Flagger: request headers, response headers, rewrite, permanent mirrors, the
 * mirror to the canary while the split asks for it, CORS.
 */
export function filters(canary: Canary, split: TrafficSplit): readonly JsonObject[] {
  const service: JsonObject = canary.spec.service
  return [
    ...headerFilter('RequestHeaderModifier', 'requestHeaderModifier', at(service, 'headers', 'request')),
    ...headerFilter('ResponseHeaderModifier', 'responseHeaderModifier', at(service, 'headers', 'response')),
    ...rewriteFilter(canary),
    ...listAt(service, 'mirror').map((each) => mirrorFilter(withoutCoreGroup(objectAt(each, 'backendRef')))),
    ...(split.mirrored ? [mirrorFilter(canaryRef(canary))] : []),
    ...corsFilter(canary),
  ]
}

function headerFilter(type: string, field: string, from: Json | undefined): readonly JsonObject[] {
  const set = pairs(at(from, 'set'))
  const add = pairs(at(from, 'add'))
  const remove = listAt(from, 'remove')
  if (set.length + add.length + remove.length === 0) return []
  const modifier = {
    ...(set.length > 0 && { set }),
    ...(add.length > 0 && { add }),
    ...(remove.length > 0 && { remove }),
  }
  return [{ type, [field]: modifier }]
}

function pairs(map: Json | undefined): readonly JsonObject[] {
  return Object.entries(isObject(map) ? map : {})
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => ({ name, value }))
}

function rewriteFilter(canary: Canary): readonly JsonObject[] {
  const service: JsonObject = canary.spec.service
  const hostname = stringAt(service, 'rewrite', 'authority')
  const uri = stringAt(service, 'rewrite', 'uri')
  if (hostname === undefined && uri === undefined) return []
  const isPrefix = stringAt(service, 'rewrite', 'type') === 'ReplacePrefixMatch'
  if (isPrefix && uri !== undefined && !matchesOnePrefix(listAt(service, 'match'))) throw withoutPrefix(canary)
  const path = isPrefix
    ? { type: 'ReplacePrefixMatch', replacePrefixMatch: uri }
    : { type: 'ReplaceFullPath', replaceFullPath: uri }
  const urlRewrite = { ...(hostname !== undefined && { hostname }), ...(uri !== undefined && { path }) }
  return [{ type: 'URLRewrite', urlRewrite }]
}

/** No match, and one without a path, is the prefix `/`. */
function matchesOnePrefix(matches: readonly Json[]): boolean {
  const uri = at(matches, 0, 'uri')
  const isOther = stringAt(uri, 'exact') !== undefined || stringAt(uri, 'regex') !== undefined
  return matches.length <= 1 && !isOther
}

function withoutPrefix(canary: Canary): Problem {
  return new Problem({
    kind: 'stalled',
    code: 'TRAFFIC_REWRITE_UNSUPPORTED',
    message: 'the Gateway API replaces a prefix only where exactly one match is by the prefix of the path',
    place: placeIn(canary, 'spec.service.rewrite.type'),
    hint: 'give one match with uri.prefix, or replace the full path',
  })
}

function mirrorFilter(backendRef: JsonObject): JsonObject {
  return { type: 'RequestMirror', requestMirror: { backendRef } }
}

/** The core group is implied; named by an empty text it would be refused by Kubernetes before 1.21. */
function withoutCoreGroup({ group, ...ref }: JsonObject): JsonObject {
  return group === undefined || group === '' ? ref : { group, ...ref }
}

function canaryRef(canary: Canary): JsonObject {
  return { kind: 'Service', name: serviceNames(canary).canary, port: canary.spec.service.port }
}

function corsFilter(canary: Canary): readonly JsonObject[] {
  const policy = at(canary.spec.service, 'corsPolicy')
  if (!isObject(policy)) return []
  const allowOrigins = [...listAt(policy, 'allowOrigin'), ...exactOrigins(canary, listAt(policy, 'allowOrigins'))]
  const maxAge = stringAt(policy, 'maxAge')
  const maxAgeMs = maxAge === undefined ? undefined : durationMs(maxAge)
  const cors = {
    ...(allowOrigins.length > 0 && { allowOrigins }),
    ...lists(policy, ['allowMethods', 'allowHeaders', 'exposeHeaders']),
    ...(maxAgeMs !== undefined && { maxAge: Math.trunc(maxAgeMs / 1000) }),
    ...(typeof policy['allowCredentials'] === 'boolean' && { allowCredentials: policy['allowCredentials'] }),
  }
  return Object.keys(cors).length === 0 ? [] : [{ type: 'CORS', cors }]
}

function exactOrigins(canary: Canary, origins: readonly Json[]): readonly string[] {
  return origins.map((origin, index) => {
    const exact = stringAt(origin, 'exact')
    if (exact !== undefined) return exact
    throw new Problem({
      kind: 'stalled',
      code: 'TRAFFIC_CORS_UNSUPPORTED',
      message: 'the Gateway API takes origins as they are, no patterns',
      place: placeIn(canary, `spec.service.corsPolicy.allowOrigins[${index}]`),
      hint: 'list the origins with "exact"',
    })
  })
}

function lists(from: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(keys.filter((key) => listAt(from, key).length > 0).map((key) => [key, from[key]]))
}

function objectAt(value: Json, key: string): JsonObject {
  const found = at(value, key)
  return isObject(found) ? found : {}
}
