import { type Json, type JsonObject, at, canonicalJson, isObject } from '../lib/json.ts'
import type { KubeObject } from '../lib/kube-object.ts'

/**
 * Whether applying `wanted` would change nothing: the live object holds all of it, and its `managedFields` say that we
 * applied exactly these fields. A `false` may be wrong where the server writes values in another form (`1000m` as `1`);
 * a `true` never is.
 */
export function isApplied(live: KubeObject, wanted: KubeObject, fieldManager: string): boolean {
  const entry = live.metadata.managedFields?.find(
    (one) =>
      one['manager'] === fieldManager &&
      one['operation'] === 'Apply' &&
      (one['subresource'] ?? '') === '' &&
      one['apiVersion'] === wanted.apiVersion,
  )
  const fields = entry?.['fieldsV1']
  return isObject(fields) && coversObject(fields, live, applicable(wanted))
}

/** Whether our last apply named the field at a path of map keys. */
export function hasAppliedField(live: KubeObject, fieldManager: string, ...path: readonly string[]): boolean {
  const entry = live.metadata.managedFields?.find(
    (one) => one['manager'] === fieldManager && one['operation'] === 'Apply' && (one['subresource'] ?? '') === '',
  )
  return at(entry, 'fieldsV1', ...path.map((key) => `f:${key}`)) !== undefined
}

/** What of an object an apply says: without its identity, which no manager owns, and what is never applied. */
function applicable(wanted: KubeObject): JsonObject {
  const { labels, annotations, finalizers, ownerReferences } = wanted.metadata
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...rest } = wanted
  const metadata = Object.fromEntries(
    Object.entries({ labels, annotations, finalizers, ownerReferences }).filter(([, value]) => value !== undefined),
  )
  return (Object.keys(metadata).length === 0 ? rest : { ...rest, metadata }) as JsonObject
}

/** Every field of `wanted` is ours and live; every field that is ours is wanted. */
function coversObject(fields: JsonObject, live: unknown, wanted: JsonObject): boolean {
  if (!isObject(live)) return false
  const keys = Object.keys(wanted).filter((key) => wanted[key] !== undefined && wanted[key] !== null)
  const owned = Object.keys(fields).filter((key) => key !== '.')
  if (owned.some((key) => !key.startsWith('f:') || !keys.includes(key.slice(2)))) return false
  return keys.every((key) => covers(fields[`f:${key}`], live[key], wanted[key] ?? null))
}

function covers(fields: Json | undefined, live: Json | undefined, wanted: Json): boolean {
  // The server keeps no empty maps and lists where a field allows it; of an empty keyed list it does not even note the owner.
  if (live === undefined && isEmpty(wanted)) return fields !== undefined || Array.isArray(wanted)
  if (!isObject(fields) || live === undefined) return false
  const inner = Object.keys(fields).filter((key) => key !== '.')
  // A leaf: a scalar, or a map or list that has one owner as a whole.
  if (inner.length === 0) return containsValue(live, wanted)
  if (isObject(wanted)) return coversObject(fields, live, wanted)
  if (!Array.isArray(wanted) || !Array.isArray(live)) return false
  if (inner.length !== wanted.length) return false
  return inner[0]?.startsWith('v:') === true
    ? wanted.every(
        (item: Json) => `v:${canonicalJson(item)}` in fields && live.some((other: Json) => isEqual(other, item)),
      )
    : wanted.every((item: Json) => coversItem(fields, live, item))
}

function coversItem(fields: JsonObject, live: readonly Json[], item: Json): boolean {
  if (!isObject(item)) return false
  for (const [key, itemFields] of Object.entries(fields)) {
    if (!key.startsWith('k:') || !isObject(itemFields)) continue
    const identity: unknown = JSON.parse(key.slice(2))
    if (!isObject(identity) || !hasIdentity(item, identity)) continue
    const match = live.find((other) => isObject(other) && hasIdentity(other, identity))
    // The keys of an item are listed only when they were given; a default such as `protocol: TCP` may be.
    return covers(itemFields, match, item)
  }
  return false
}

function hasIdentity(item: JsonObject, identity: JsonObject): boolean {
  return Object.entries(identity).every(([key, value]) => {
    const own = item[key]
    return own === undefined ? key === 'protocol' && value === 'TCP' : isEqual(own, value ?? null)
  })
}

/** The live value is the wanted one, but for defaults that the server added to objects. */
function containsValue(live: Json | undefined, wanted: Json | undefined): boolean {
  if (isObject(wanted)) {
    return isObject(live) && Object.entries(wanted).every(([key, value]) => containsValue(live[key], value))
  }
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(live) &&
      live.length === wanted.length &&
      wanted.every((item: Json, index) => containsValue(live[index], item))
    )
  }
  return isEqual(live ?? null, wanted ?? null)
}

function isEqual(one: Json, other: Json): boolean {
  return one === other || canonicalJson(one) === canonicalJson(other)
}

function isEmpty(value: Json): boolean {
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0
}
