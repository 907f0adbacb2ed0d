import type { Json, JsonObject } from '../../../lib/json.ts'
import { at, isObject, stringAt } from '../../../lib/json.ts'
import { draftObject, isList } from '../document.ts'
import { apiVersionOf } from '../kinds/kind.ts'
import type { Writer } from '../fields/managers.ts'
import { applyJsonPatch, PatchError } from '../patch-json.ts'
import { applyMergePatch } from '../patch-merge.ts'
import { applyStrategicPatch, StrategicError } from '../patch-strategic.ts'
import { DecodeError } from '../schema/decode.ts'
import type { StoredObject } from '../store.ts'
import { messageOf, mediaType, normalise, readJson, readYaml } from './body.ts'
import { wrong } from './causes.ts'
import type { ApiContext, Reply, ServerRequest } from './context.ts'
import {
  ApiFailure,
  badRequest,
  internal,
  invalid,
  invalidPatch,
  notFound,
  patchRefused,
  staleWrite,
  unsupportedMediaType,
} from './failure.ts'
import { writeOptions } from './options.ts'
import type { WriteOptions } from './options.ts'
import { applyConfiguration, identify } from './ownership.ts'
import { serve } from './served.ts'
import { checkNamespace, checkNamespaceState, find, insert, replace, resourceSubject, store } from './write.ts'
import type { Target } from './write.ts'

const patchTypes = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml']
const strategicType = 'application/strategic-merge-patch+json'

/** PATCH of an object or its status, in any of the four media types. */
export function patch(context: ApiContext, target: Target, request: ServerRequest, query: URLSearchParams): Reply {
  const type = mediaType(request)
  if (type !== strategicType && !patchTypes.includes(type)) throw unsupportedMediaType()
  if (type === strategicType && target.kind.custom) throw unsupportedMediaType(patchTypes)
  const isApply = type === 'application/apply-patch+yaml'
  const options = writeOptions(request, query, 'PatchOptions', isApply)
  if (isApply) return apply(context, target, readApplied(request), options)
  const live = serve(find(context, target), target.kind)
  const value = patched(live, readPatch(request), type, target)
  try {
    return replace(context, target, { value, duplicates: [] }, options, true)
  } catch (error) {
    throw unreadable(error, value)
  }
}

// A result that can't be decoded is the fault of the patch, and answered as such.
function unreadable(error: unknown, value: JsonObject): unknown {
  const isDecoding = error instanceof ApiFailure && error.status === 400
  const message = isDecoding ? stringAt(error.body, 'message') : undefined
  const text = message?.match(/cannot be handled as a \w+: (.*)$/s)?.[1]
  return text === undefined ? error : invalidPatch(`${JSON.stringify(JSON.stringify(value))}: ${text}`)
}

function readPatch(request: ServerRequest): Json {
  if (request.body !== undefined) return request.body
  try {
    return readJson(request.text ?? '')
  } catch (error) {
    throw badRequest(`error decoding patch: ${messageOf(error)}`)
  }
}

/** What a patch in one of the three older forms makes of an object. */
export function patched(live: JsonObject, change: Json, type: string, target: Target): JsonObject {
  const value = draftObject(live)
  if (type === 'application/json-patch+json') {
    if (!isList(change)) {
      throw badRequest(
        'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
      )
    }
    try {
      applyJsonPatch(value, change)
    } catch (error) {
      throw error instanceof PatchError ? patchRefused() : error
    }
    return value
  }
  if (!isObject(change))
    throw badRequest('error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}')
  try {
    if (type === strategicType) applyStrategicPatch(value, change, target.kind.schema)
    else applyMergePatch(value, change)
  } catch (error) {
    throw error instanceof StrategicError ? internal(error.message) : error
  }
  return value
}

function readApplied(request: ServerRequest): JsonObject {
  let value: Json
  try {
    value = request.body ?? readYaml(request.text ?? '')
  } catch (error) {
    throw badRequest(`error decoding YAML: error converting YAML to JSON: yaml: ${messageOf(error)}`)
  }
  if (!isObject(value)) throw badRequest('error decoding YAML: json: cannot unmarshal into map[string]interface {}')
  return value
}

function apply(context: ApiContext, target: Target, config: JsonObject, options: WriteOptions): Reply {
  const { kind, namespace, name } = target
  checkConfiguration(config, target)
  const stored = context.store.get(kind.storeKey, namespace, name)
  if (stored === undefined && target.subresource !== undefined) throw notFound(resourceSubject(target))
  const live = stored === undefined ? undefined : serve(stored, kind)
  const version = stringAt(config, 'metadata', 'resourceVersion') ?? ''
  if (live !== undefined && version !== '' && version !== live.metadata.resourceVersion)
    throw staleWrite(resourceSubject(target))
  const uid = stringAt(config, 'metadata', 'uid') ?? ''
  if (live !== undefined && uid !== '' && uid !== live.metadata.uid) {
    const cause = wrong('metadata.uid', uid, 'field is immutable')
    throw invalid({ name, group: kind.group, kind: kind.kind }, [cause, cause])
  }
  const writer: Writer = {
    manager: options.manager,
    operation: 'Apply',
    apiVersion: apiVersionOf(kind),
    subresource: target.subresource,
  }
  const text = JSON.stringify([writer, config])
  if (stored !== undefined && live !== undefined && applied.get(stored)?.has(text) === true)
    return { status: 200, body: live }
  const place = { force: options.force, time: context.timestamp(), name }
  const { merged, managers } = applyConfiguration(live, config, kind, writer, place)
  identify(merged, name, namespace)
  const doc = readMerged(merged, target)
  if (stored === undefined) {
    checkNamespaceState(context, target)
    identify(doc, name, namespace)
  }
  const reply =
    stored === undefined
      ? insert(context, target, doc, managers, options)
      : store(context, target, stored, doc, managers, options)
  remember(context.store.get(kind.storeKey, namespace, name), text, options)
  return reply
}

// To apply the same again to what came of it changes nothing, whatever the time: that is most of what reconcilers send.
const applied = new WeakMap<StoredObject, Set<string>>()

function remember(result: StoredObject | undefined, text: string, options: WriteOptions): void {
  if (result === undefined || options.dryRun) return
  applied.set(result, (applied.get(result) ?? new Set<string>()).add(text))
}

function readMerged(merged: JsonObject, target: Target): ReturnType<typeof normalise> {
  try {
    return normalise(merged, target.kind, [])
  } catch (error) {
    throw error instanceof DecodeError ? invalidPatch(`"": ${error.message}`) : error
  }
}

function checkConfiguration(config: JsonObject, target: Target): void {
  const { kind } = target
  const version = stringAt(config, 'apiVersion') ?? ''
  const given = stringAt(config, 'kind') ?? ''
  if (version !== apiVersionOf(kind) || given !== kind.kind) {
    const slash = version.indexOf('/')
    const group = slash < 0 ? '' : version.slice(0, slash)
    throw badRequest(`invalid object type: ${group}/${version.slice(slash + 1)}, Kind=${given}`)
  }
  const name = stringAt(config, 'metadata', 'name') ?? target.name
  if (name !== target.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${target.name})`)
  }
  checkNamespace(config, target.namespace)
  const managed = at(config, 'metadata', 'managedFields')
  if (isList(managed) && managed.length > 0) throw badRequest('metadata.managedFields must be nil')
}
