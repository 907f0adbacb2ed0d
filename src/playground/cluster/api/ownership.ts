import type { JsonObject } from '../../../lib/json.ts'
import { at } from '../../../lib/json.ts'
import { draft, draftObject, equalJson, isDoc, isList } from '../document.ts'
import type { Doc } from '../document.ts'
import { collectFields, TypedError } from '../fields/collect.ts'
import { compareFields } from '../fields/compare.ts'
import { emptySet, union, withoutMember, without } from '../fields/field-set.ts'
import type { FieldSet } from '../fields/field-set.ts'
import { afterApply, afterUpdate, findConflict, readManagers, sameManagers, sameWriter } from '../fields/managers.ts'
import type { Manager, Writer } from '../fields/managers.ts'
import { mergeApplied } from '../fields/merge.ts'
import { pruneFields } from '../fields/prune.ts'
import type { Kind } from '../kinds/kind.ts'
import type { StoredObject } from '../store.ts'
import { internal } from './failure.ts'
import { emptyObject, metadataOf, ownable } from './served.ts'

/** Who owns an object after an update. `base` is who owned it before, as the request may have rewritten it. */
export function ownersAfterUpdate(
  live: StoredObject | undefined,
  next: Doc,
  kind: Kind,
  base: readonly Manager[],
  writer: Writer,
  time: string | undefined,
): readonly Manager[] {
  // An object that nobody tracked from its start is not tracked later either, until somebody applies.
  if (live !== undefined && base.length === 0) return []
  const before = live === undefined ? emptyObject(kind) : ownable(live)
  const comparison = compareFields(before, ownable(next), kind.schema)
  return afterUpdate(base, comparison, writer, withoutIdentity, time)
}

/** The base of ownership for an update: what the request says, if it says anything else than the live object. */
export function requestedManagers(live: StoredObject | undefined, raw: JsonObject): readonly Manager[] {
  const given = at(raw, 'metadata', 'managedFields')
  if (!isList(given)) return readManagers(live === undefined ? undefined : at(live, 'metadata', 'managedFields'))
  return readManagers(given)
}

/** What an apply makes of an object: the merged object, still without defaults, and its owners. */
export interface Applied {
  readonly merged: Doc
  readonly managers: readonly Manager[]
}

/** Applies a configuration: merges, takes out what the manager no longer names, and refuses to change what others own. */
export function applyConfiguration(
  live: StoredObject | undefined,
  config: JsonObject,
  kind: Kind,
  writer: Writer,
  options: { readonly force: boolean; readonly time: string; readonly name: string },
): Applied {
  const before: JsonObject = live === undefined ? emptyObject(kind) : ownable(live)
  const fields = ignored(typedFields(config, kind, options.name), kind, writer)
  const known = live === undefined ? [] : readManagers(at(live, 'metadata', 'managedFields'))
  const existing = live !== undefined && known.length === 0 ? beforeFirstApply(live, kind) : known
  const last = existing.find((manager) => sameWriter(manager, writer))
  const others = existing.filter((manager) => manager !== last)
  const result = mergeApplied(before, ownable(config), kind.schema)
  const whole: Doc = isDoc(result) ? result : {}
  const everybody = [...others.map((manager) => manager.fields), fields].reduce(union, emptySet)
  if (last !== undefined) pruneFields(whole, kind.schema, last.fields, everybody)
  // The real server compares before it takes back what the subresource may not write: that counts as a change.
  const changed = !equalJson(before, whole)
  const merged = restricted(before, whole, kind, writer)
  const comparison = compareFields(before, merged, kind.schema)
  if (!options.force) {
    const conflict = findConflict(others, comparison, writer)
    if (conflict !== undefined) throw conflict
  }
  const own: Manager = { ...writer, time: changed ? options.time : last?.time, fields }
  const managers = afterApply([...others, own], comparison, writer)
  return { merged, managers: live !== undefined && !changed && sameManagers(managers, known) ? known : managers }
}

function typedFields(config: JsonObject, kind: Kind, name: string): FieldSet {
  try {
    return withoutIdentity(collectFields(config, kind.schema))
  } catch (error) {
    if (!(error instanceof TypedError)) throw error
    throw internal(
      `failed to create typed patch object (/${name}; ${kind.group}/${kind.version}, Kind=${kind.kind}): ${error.message}`,
    )
  }
}

function beforeFirstApply(live: StoredObject, kind: Kind): readonly Manager[] {
  const { added, modified } = compareFields(emptyObject(kind), ownable(live), kind.schema)
  const fields = withoutIdentity(union(added, modified))
  return [{ manager: 'before-first-apply', operation: 'Update', apiVersion: live.apiVersion, fields }]
}

function withoutIdentity(fields: FieldSet): FieldSet {
  const bare = without(fields, [['apiVersion'], ['kind'], ...identity.map((name) => ['metadata', name])])
  return withoutMember(bare, 'metadata')
}

const identity = [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'generation',
  'managedFields',
  'resourceVersion',
]

function ignored(fields: FieldSet, kind: Kind, writer: Writer): FieldSet {
  if (writer.subresource === 'status') {
    return without(
      fields,
      [...fields.children.keys()].filter((key) => key !== 'f:status').map((key) => [key.slice(2)]),
    )
  }
  return kind.hasStatus ? without(fields, [['status']]) : fields
}

// Only that part of an object changes which the resource or subresource writes.
function restricted(before: JsonObject, whole: Doc, kind: Kind, writer: Writer): Doc {
  if (writer.subresource === 'status') return { ...draftObject(before), status: whole['status'] }
  if (kind.hasStatus) whole['status'] = before['status'] === undefined ? undefined : draft(before['status'])
  return whole
}

/** Sets the name and namespace of a document that was made from a configuration. */
export function identify(doc: Doc, name: string, namespace: string | undefined): void {
  const metadata = metadataOf(doc)
  metadata['name'] = name
  if (namespace !== undefined) metadata['namespace'] = namespace
}
