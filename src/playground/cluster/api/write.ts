import type { JsonObject } from '../../../lib/json.ts'
import { at, isObject, stringAt } from '../../../lib/json.ts'
import { draft, equalJson, isList } from '../document.ts'
import type { Doc } from '../document.ts'
import { sameManagers, readManagers, writeManagers } from '../fields/managers.ts'
import type { Manager, Writer } from '../fields/managers.ts'
import { apiVersionOf } from '../kinds/kind.ts'
import type { Kind } from '../kinds/kind.ts'
import { customCauses } from '../schema/custom-causes.ts'
import type { StoredObject } from '../store.ts'
import { checkType, decodeFailure, fieldWarnings, normalise } from './body.ts'
import type { Body } from './body.ts'
import { forbidden, wrong } from './causes.ts'
import type { ApiContext, Reply } from './context.ts'
import { alreadyExists, badRequest, conflict, internal, invalid, notFound, staleWrite, terminating } from './failure.ts'
import type { Cause, Subject } from './failure.ts'
import { metadataCauses } from './metadata-causes.ts'
import type { WriteOptions } from './options.ts'
import { ownersAfterUpdate, requestedManagers } from './ownership.ts'
import { metadataOf, serve, unserve } from './served.ts'

/** Where a request points: a kind, and the names in the path. */
export interface Target {
  readonly kind: Kind
  readonly namespace: string | undefined
  readonly name: string
  readonly subresource?: string | undefined
}

/** How errors name the resource at a path: by its plural. */
export function resourceSubject(target: Target): Subject {
  return { name: target.name, group: target.kind.group, kind: target.kind.plural }
}

function kindSubject(kind: Kind, name: string): Subject {
  return { name, group: kind.group === 'events.k8s.io' ? '' : kind.group, kind: kind.kind }
}

/** The live object that a request points at, in its version's form, and the stored one. */
export function find(context: ApiContext, target: Target): StoredObject {
  const stored = context.store.get(target.kind.storeKey, target.namespace, target.name)
  if (stored === undefined) throw notFound(resourceSubject(target))
  return stored
}

/** POST: creates an object. */
export function create(
  context: ApiContext,
  kind: Kind,
  namespace: string | undefined,
  body: Body,
  options: WriteOptions,
): Reply {
  const raw = body.value
  checkType(raw, kind, context.registry)
  checkNamespace(raw, namespace)
  if ((stringAt(raw, 'metadata', 'resourceVersion') ?? '') !== '') {
    throw internal('resourceVersion should not be set on objects to be created')
  }
  const { doc, warnings } = read(withoutServerFields(raw, kind), kind, body.duplicates, options)
  const metadata = metadataOf(doc)
  if (namespace !== undefined) metadata['namespace'] = namespace
  const prefix = stringAt(metadata, 'generateName')
  if (metadata['name'] === undefined && prefix !== undefined) {
    metadata['name'] = `${prefix}${context.newSuffix()}`
    kind.defaults?.(doc)
  }
  const name = stringAt(metadata, 'name') ?? ''
  checkNamespaceState(context, { kind, namespace, name })
  const time = context.timestamp()
  const writer: Writer = { manager: options.manager, operation: 'Update', apiVersion: apiVersionOf(kind) }
  const managers = ownersAfterUpdate(undefined, doc, kind, [], writer, time)
  return { ...insert(context, { kind, namespace, name }, doc, managers, options), warnings }
}

/** Stores a new object whose owners are known: identity, validation, and no second of the same name. */
export function insert(
  context: ApiContext,
  target: Target,
  doc: Doc,
  managers: readonly Manager[],
  options: WriteOptions,
): Reply {
  const { kind } = target
  const metadata = metadataOf(doc)
  metadata['uid'] = context.newUid()
  metadata['creationTimestamp'] = context.timestamp()
  delete metadata['resourceVersion']
  if (kind.hasGeneration) metadata['generation'] = 1
  setManagers(metadata, managers)
  kind.prepare?.(doc, undefined, context)
  const stored = unserve(doc, kind)
  validate(doc, undefined, target)
  const existing = context.store.get(kind.storeKey, target.namespace, target.name)
  if (existing !== undefined) {
    const deleted = existing.metadata.deletionTimestamp !== undefined
    throw alreadyExists(resourceSubject(target), deleted ? 'object is being deleted: ' : '')
  }
  if (options.dryRun) return { status: 201, body: doc }
  return { status: 201, body: serve(context.store.put(kind.storeKey, stored), kind) }
}

/** PUT, and the end of every PATCH but Apply: replaces an object, or its status. */
export function replace(
  context: ApiContext,
  target: Target,
  body: Body,
  options: WriteOptions,
  isPatch = false,
): Reply {
  const { kind } = target
  const raw = body.value
  if (!isPatch) checkType(raw, kind, context.registry)
  checkName(raw, target.name)
  checkNamespace(raw, target.namespace)
  const stored = find(context, target)
  checkVersion(stored, raw, target)
  const live = serve(stored, kind)
  const { doc, warnings } = read(replacement(live, raw, target), kind, body.duplicates, options)
  const writer: Writer = {
    manager: options.manager,
    operation: 'Update',
    apiVersion: apiVersionOf(kind),
    subresource: target.subresource,
  }
  const time = target.subresource === 'scale' ? undefined : context.timestamp()
  const managers = ownersAfterUpdate(live, doc, kind, requestedManagers(live, raw), writer, time)
  return { ...store(context, target, stored, doc, managers, options), warnings }
}

/** Stores the new state of an object whose owners are known. Nothing is written when nothing changed. */
export function store(
  context: ApiContext,
  target: Target,
  stored: StoredObject,
  doc: Doc,
  managers: readonly Manager[],
  options: WriteOptions,
): Reply {
  const { kind } = target
  const live = serve(stored, kind)
  keepServerFields(doc, live)
  const metadata = metadataOf(doc)
  kind.prepare?.(doc, live, context)
  if (kind.hasGeneration && target.subresource !== 'status' && !sameSpec(doc, live, kind)) {
    metadata['generation'] = (live.metadata.generation ?? 0) + 1
  }
  validate(doc, live, target)
  const known = readManagers(at(live, 'metadata', 'managedFields'))
  const unchanged = sameButManagers(doc, live)
  setManagers(metadata, unchanged && sameManagers(managers, known) ? known : managers)
  if (unchanged && equalJson(metadata['managedFields'], at(live, 'metadata', 'managedFields')))
    return { status: 200, body: live }
  if (options.dryRun) return { status: 200, body: doc }
  if (live.metadata.deletionTimestamp !== undefined && !hasFinalizers(doc)) {
    context.store.remove(kind.storeKey, stored)
    return { status: 200, body: doc }
  }
  const next = unserve(doc, kind)
  if (kind.convert !== undefined && stored.status !== undefined) next['status'] = draft(stored.status)
  return { status: 200, body: serve(context.store.put(kind.storeKey, next), kind) }
}

function read(
  raw: JsonObject,
  kind: Kind,
  duplicates: readonly string[],
  options: WriteOptions,
): { doc: Doc; warnings: readonly string[] } {
  const unknown: string[] = []
  try {
    const doc = normalise(raw, kind, unknown)
    const refuse = (message: string): Error => {
      return badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${message}`)
    }
    return { doc, warnings: fieldWarnings(unknown, duplicates, options.fieldValidation, refuse) }
  } catch (error) {
    throw decodeFailure(error, raw, kind)
  }
}

function withoutServerFields(raw: JsonObject, kind: Kind): JsonObject {
  const { managedFields: _managed, uid: _uid, generation: _generation, ...metadata } = metadataIn(raw)
  const { status, ...rest } = raw
  return { ...rest, metadata, ...(kind.hasStatus || status === undefined ? {} : { status }) }
}

// The part of the body that the resource or subresource writes, on top of what is live.
function replacement(live: StoredObject, raw: JsonObject, target: Target): JsonObject {
  const { managedFields: _managed, ...metadata } = metadataIn(raw)
  if (target.subresource === 'status') {
    const { managedFields: _live, ...kept } = metadataIn(live)
    return { ...live, metadata: kept, status: raw['status'] }
  }
  return { ...raw, metadata, ...(target.kind.hasStatus ? { status: live.status } : {}) }
}

const serverFields = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'resourceVersion',
  'name',
  'namespace',
  'selfLink',
] as const

function keepServerFields(doc: Doc, live: StoredObject): void {
  const metadata = metadataOf(doc)
  const kept = metadataIn(live)
  for (const field of serverFields) {
    const value = kept[field]
    if (value === undefined) delete metadata[field]
    else metadata[field] = draft(value)
  }
}

function metadataIn(object: JsonObject): JsonObject {
  const metadata = object['metadata']
  return isObject(metadata) ? metadata : {}
}

function setManagers(metadata: Doc, managers: readonly Manager[]): void {
  const written = writeManagers(managers)
  if (written === undefined) delete metadata['managedFields']
  else metadata['managedFields'] = written
}

function sameSpec(doc: Doc, live: StoredObject, kind: Kind): boolean {
  if (!kind.custom) return equalJson(doc['spec'], live.spec)
  const content = (object: JsonObject): JsonObject => ({ ...object, metadata: undefined, status: undefined })
  return equalJson(content(doc), content(live)) && (kind.hasStatus || equalJson(doc['status'], live.status))
}

function sameButManagers(doc: Doc, live: StoredObject): boolean {
  const bare = (object: JsonObject): JsonObject => {
    return { ...object, metadata: { ...metadataIn(object), managedFields: undefined } }
  }
  return equalJson(bare(doc), bare(live))
}

function hasFinalizers(doc: Doc): boolean {
  const finalizers = at(doc, 'metadata', 'finalizers')
  const inside = doc['kind'] === 'Namespace' ? at(doc, 'spec', 'finalizers') : undefined
  return (isList(finalizers) && finalizers.length > 0) || (isList(inside) && inside.length > 0)
}

function validate(doc: Doc, live: StoredObject | undefined, target: Target): void {
  const { kind } = target
  const causes: readonly Cause[] = [
    ...metadataCauses(doc, kind),
    ...(live === undefined ? [] : finalizerCauses(doc, live)),
    ...(target.subresource === 'status' ? (kind.validateStatus?.(doc) ?? []) : (kind.validate?.(doc, live) ?? [])),
    ...(kind.custom ? customCauses(doc, live, kind) : []),
  ]
  if (causes.length > 0) throw invalid(kindSubject(kind, stringAt(doc, 'metadata', 'name') ?? ''), causes)
}

function finalizerCauses(doc: Doc, live: StoredObject): readonly Cause[] {
  if (live.metadata.deletionTimestamp === undefined) return []
  const before = live.metadata.finalizers ?? []
  const after = at(doc, 'metadata', 'finalizers')
  const added = (isList(after) ? after : []).filter((one) => typeof one === 'string' && !before.includes(one))
  if (added.length === 0) return []
  const list = added.map((one) => JSON.stringify(one)).join(', ')
  const cause = forbidden(
    'metadata.finalizers',
    `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
  )
  return [cause, cause]
}

function checkName(raw: JsonObject, name: string): void {
  const given = stringAt(raw, 'metadata', 'name')
  if (given === name) return
  if (given === undefined || given === '') throw badRequest('the name of the object (name: Required value) is missing')
  throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`)
}

/** Refuses a body whose namespace is not that of the path. */
export function checkNamespace(raw: JsonObject, namespace: string | undefined): void {
  const given = stringAt(raw, 'metadata', 'namespace') ?? ''
  if (given !== '' && given !== (namespace ?? '')) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
}

/** Refuses to create in a namespace that is missing or going away. */
export function checkNamespaceState(context: ApiContext, target: Target): void {
  if (target.namespace === undefined) return
  const namespace = context.store.get('namespaces', undefined, target.namespace)
  if (namespace === undefined) throw notFound({ name: target.namespace, kind: 'namespaces' })
  if (namespace.metadata.deletionTimestamp !== undefined) throw terminating(resourceSubject(target), target.namespace)
}

/** Refuses a stale or foreign write. */
export function checkVersion(live: StoredObject, raw: JsonObject, target: Target): void {
  const version = stringAt(raw, 'metadata', 'resourceVersion') ?? ''
  if (version !== '' && !/^\d+$/.test(version))
    throw internal(`strconv.ParseUint: parsing "${version}": invalid syntax`)
  const uid = stringAt(raw, 'metadata', 'uid') ?? ''
  if (uid !== '' && uid !== live.metadata.uid) {
    const key = `/registry/${target.kind.plural}/${target.namespace ?? ''}/${target.name}`
    throw conflict(
      resourceSubject(target),
      `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata.uid}`,
    )
  }
  if (version === '' && target.kind.custom) {
    throw invalid(resourceSubject(target), [wrong('metadata.resourceVersion', 0, 'must be specified for an update')])
  }
  if (version !== '' && version !== live.metadata.resourceVersion) throw staleWrite(resourceSubject(target))
}
