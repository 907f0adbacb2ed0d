import { stringAt } from '../../../lib/json.ts'
import type { JsonObject } from '../../../lib/json.ts'
import { required, wrong } from '../api/causes.ts'
import type { Cause } from '../api/failure.ts'
import { keyProblem } from '../api/names.ts'
import { draftObject } from '../document.ts'
import type { Doc } from '../document.ts'
import { integer, part, record, text, time } from '../schema/schema.ts'
import type { Schema } from '../schema/schema.ts'
import { topLevel } from './core.ts'
import { builtIn } from './kind.ts'
import type { Kind } from './kind.ts'
import { eventTime } from './pod-spec.ts'

const reference: Schema = part(
  { kind: text, namespace: text, name: text, uid: text, apiVersion: text, resourceVersion: text, fieldPath: text },
  { atomic: true },
)
const related: Schema = record(Object.fromEntries(reference.properties ?? []), { atomic: true })
const source: Schema = part({ component: text, host: text })
const nullTime: Schema = { ...time, blank: null }
const series = record({ count: integer, lastObservedTime: eventTime })

function coreCauses(object: JsonObject): readonly Cause[] {
  const namespace = stringAt(object, 'metadata', 'namespace')
  const involved = stringAt(object, 'involvedObject', 'namespace')
  const cluster = involved === undefined && (namespace === 'default' || namespace === 'kube-system')
  return involved === namespace || cluster
    ? []
    : [wrong('involvedObject.namespace', involved ?? '', 'does not match event.namespace')]
}

const core = builtIn({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  nameRule: 'subdomain',
  selectable: {
    'involvedObject.kind': ['involvedObject', 'kind'],
    'involvedObject.namespace': ['involvedObject', 'namespace'],
    'involvedObject.name': ['involvedObject', 'name'],
    'involvedObject.uid': ['involvedObject', 'uid'],
    'involvedObject.apiVersion': ['involvedObject', 'apiVersion'],
    'involvedObject.resourceVersion': ['involvedObject', 'resourceVersion'],
    'involvedObject.fieldPath': ['involvedObject', 'fieldPath'],
    reason: ['reason'],
    reportingComponent: ['reportingComponent'],
    source: ['source', 'component'],
    type: ['type'],
  },
  schema: topLevel({
    involvedObject: reference,
    reason: text,
    message: text,
    source,
    firstTimestamp: nullTime,
    lastTimestamp: nullTime,
    count: integer,
    type: text,
    eventTime,
    series,
    action: text,
    related,
    reportingComponent: { ...text, blank: '' },
    reportingInstance: { ...text, blank: '' },
  }),
  validate: coreCauses,
})

function newCauses(object: JsonObject): readonly Cause[] {
  const field = (name: string): string => stringAt(object, name) ?? ''
  const controller = field('reportingController')
  const empty =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
  const trouble = keyProblem(controller)
  const type = field('type')
  return [
    ...(stringAt(object, 'eventTime') === undefined ? [required('eventTime')] : []),
    ...(controller === '' ? [required('reportingController')] : []),
    ...(trouble === undefined ? [] : [wrong('reportingController', controller, trouble)]),
    ...(controller === '' ? [wrong('reportingController', controller, empty)] : []),
    ...(field('reportingInstance') === '' ? [required('reportingInstance')] : []),
    ...(field('action') === '' ? [required('action')] : []),
    ...(field('reason') === '' ? [required('reason')] : []),
    ...(type === 'Normal' || type === 'Warning' ? [] : [wrong('type', type, `has invalid value: ${type}`)]),
  ]
}

const pairs: readonly (readonly [core: string, events: string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
]

function rename(object: JsonObject, names: ReadonlyMap<string, string>): Doc {
  const copy = draftObject(object)
  const renamed: Doc = {}
  for (const [key, value] of Object.entries(copy)) renamed[names.get(key) ?? key] = value
  return renamed
}

const toEvents = new Map(pairs)
const toCore = new Map(pairs.map(([from, to]) => [to, from] as const))

const events = builtIn({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  storeKey: 'events',
  schema: topLevel({
    eventTime,
    series,
    reportingController: text,
    reportingInstance: text,
    action: text,
    reason: text,
    regarding: reference,
    related,
    note: text,
    type: text,
    deprecatedSource: source,
    deprecatedFirstTimestamp: nullTime,
    deprecatedLastTimestamp: nullTime,
    deprecatedCount: integer,
  }),
  validate: newCauses,
  convert: {
    storedVersion: 'v1',
    fromStored: (stored) => {
      const served = rename(stored, toEvents)
      for (const name of ['reportingController', 'reportingInstance']) if (served[name] === '') delete served[name]
      return served
    },
    toStored: (served) => {
      const stored = rename(served, toCore)
      stored['reportingComponent'] ??= ''
      stored['reportingInstance'] ??= ''
      return stored
    },
  },
})

/** Events in both forms; they are stored in the core form. */
export const eventKinds: readonly Kind[] = [core, events]
