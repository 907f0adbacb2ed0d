import { type Json, type JsonObject, at, isObject } from '../lib/json.ts'
import type { KubeObject } from '../lib/kube-object.ts'

/** Who wrote the generated workloads before Serin did. */
export const formerManager = 'flagger'

/** Names the roll-outs that Flagger forced; taking it away would restart every pod. */
const keptAnnotation = 'f:flagger-id'

/**
 * The JSON patch that makes us the manager of the pod template that a former manager wrote, so that the next apply also
 * removes what it no longer names; an apply alone would leave, say, an environment variable behind for ever. Metadata
 * stays with the former manager. Undefined when there is nothing to take over. `live` needs all of its `managedFields`.
 */
export function takeOverPatch(live: KubeObject, fieldManager: string): Json | undefined {
  const { managedFields = [], resourceVersion } = live.metadata
  if (managedFields.some((entry) => isAppliedBy(entry, fieldManager))) return undefined
  const index = managedFields.findIndex((entry) => hasTemplateOf(entry, formerManager))
  const former = managedFields[index]
  const fields = at(former, 'fieldsV1')
  const template = at(fields, 'f:spec', 'f:template')
  if (former === undefined || resourceVersion === undefined || !isObject(fields) || !isObject(template))
    return undefined
  const spec = at(fields, 'f:spec')
  const taken = { 'f:spec': { 'f:template': withoutKept(template) } }
  const left = { ...fields, 'f:spec': { ...(isObject(spec) ? spec : {}), 'f:template': onlyKept(template) } }
  const entries: JsonObject[] = managedFields.map((entry, place) =>
    place === index ? { ...former, fieldsV1: left } : entry,
  )
  entries.push({ ...former, manager: fieldManager, operation: 'Apply', fieldsV1: taken })
  return [
    { op: 'replace', path: '/metadata/managedFields', value: entries },
    { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
  ]
}

/** Whether `takeOverPatch` may have something to do, as far as the entries that a cache keeps tell. */
export function mayBeTakenOver(live: KubeObject, fieldManager: string): boolean {
  const { managedFields = [] } = live.metadata
  return (
    managedFields.some((entry) => hasTemplateOf(entry, formerManager)) &&
    !managedFields.some((entry) => isAppliedBy(entry, fieldManager))
  )
}

function isAppliedBy(entry: JsonObject, manager: string): boolean {
  return entry['manager'] === manager && entry['operation'] === 'Apply' && (entry['subresource'] ?? '') === ''
}

function hasTemplateOf(entry: JsonObject, manager: string): boolean {
  return (
    entry['manager'] === manager &&
    entry['operation'] === 'Update' &&
    (entry['subresource'] ?? '') === '' &&
    at(entry, 'fieldsV1', 'f:spec', 'f:template') !== undefined
  )
}

function withoutKept(template: JsonObject): JsonObject {
  const metadata = at(template, 'f:metadata')
  const annotations = at(metadata, 'f:annotations')
  if (!isObject(metadata) || !isObject(annotations)) return template
  return {
    ...template,
    'f:metadata': { ...metadata, 'f:annotations': { ...annotations, [keptAnnotation]: undefined } },
  }
}

function onlyKept(template: JsonObject): JsonObject | undefined {
  return at(template, 'f:metadata', 'f:annotations', keptAnnotation) === undefined
    ? undefined
    : { 'f:metadata': { 'f:annotations': { [keptAnnotation]: {} } } }
}
