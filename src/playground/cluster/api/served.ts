import type { JsonObject } from '../../../lib/json.ts'
import { isDoc } from '../document.ts'
import type { Doc } from '../document.ts'
import { apiVersionOf } from '../kinds/kind.ts'
import type { Kind } from '../kinds/kind.ts'
import { decodeBuiltIn } from '../schema/decode.ts'
import { asStored } from '../store.ts'
import type { StoredObject } from '../store.ts'

const converted = new WeakMap<StoredObject, Map<string, StoredObject>>()

/** A stored object in the form of one version. */
export function serve(stored: StoredObject, kind: Kind): StoredObject {
  const version = apiVersionOf(kind)
  if (stored.apiVersion === version) return stored
  const known = converted.get(stored)?.get(version)
  if (known !== undefined) return known
  const form: JsonObject = kind.convert?.fromStored(stored) ?? stored
  const served = asStored({ ...form, apiVersion: version, kind: kind.kind })
  const versions = converted.get(stored) ?? new Map<string, StoredObject>()
  converted.set(stored, versions.set(version, served))
  return served
}

/** An object of one version in the stored form. */
export function unserve(served: Doc, kind: Kind): Doc {
  if (kind.convert === undefined) return served
  return { ...kind.convert.toStored(served), apiVersion: kind.convert.storedVersion }
}

const empties = new Map<Kind, Doc>()

/** What an object of a kind is before anything was set: the parts that are always there. */
export function emptyObject(kind: Kind): Doc {
  const known = empties.get(kind)
  if (known !== undefined) return known
  const made = kind.custom ? {} : decodeBuiltIn({}, kind.schema, [])
  made['metadata'] = {}
  empties.set(kind, made)
  return made
}

const owned = ['labels', 'annotations', 'finalizers', 'ownerReferences', 'generateName']

/** An object reduced to what can be owned: no identity and nothing that the server writes. */
export function ownable(object: JsonObject): Doc {
  const metadata = object['metadata']
  const kept: Doc = {}
  const result: Doc = { ...asDoc(object), metadata: kept }
  delete result['apiVersion']
  delete result['kind']
  const given = asDoc(metadata)
  for (const key of owned) if (given[key] !== undefined) kept[key] = given[key]
  return result
}

// Reading only: a frozen object is passed on without being copied.
function asDoc(value: unknown): Doc {
  return isDocLike(value) ? value : {}
}

function isDocLike(value: unknown): value is Doc {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The metadata of a document under construction. */
export function metadataOf(doc: Doc): Doc {
  const found = doc['metadata']
  if (isDoc(found)) return found
  const made: Doc = {}
  doc['metadata'] = made
  return made
}
