import type { Json, JsonObject } from '../../../lib/json.ts'
import { at, isObject, numberAt, stringAt } from '../../../lib/json.ts'
import { isList, plain } from '../document.ts'
import type { Column, Kind } from '../kinds/kind.ts'

const ageDescription =
  'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata'

function column(name: string, cell: (object: JsonObject) => Json, description = '', priority = 0): Column {
  return { name, type: 'string', cell, description, priority }
}

function whole(name: string, cell: (object: JsonObject) => number): Column {
  return { name, type: 'integer', cell, description: '', priority: 0 }
}

const createdAt = column('Age', (object) => stringAt(object, 'metadata', 'creationTimestamp') ?? null, ageDescription)

function count(object: JsonObject, ...path: readonly string[]): number {
  return numberAt(object, ...path) ?? 0
}

function size(...paths: readonly (readonly string[])[]): (object: JsonObject) => number {
  return (object) =>
    paths.reduce((sum, path) => {
      const value = at(object, ...path)
      return sum + (isObject(value) ? Object.keys(value).length : 0)
    }, 0)
}

function selectorText(...path: readonly string[]): (object: JsonObject) => string {
  return (object) => {
    const labels = at(object, ...path)
    const pairs = Object.entries(isObject(labels) ? labels : {}).map(([key, value]) => `${key}=${plain(value)}`)
    return pairs.length === 0 ? '<none>' : pairs.join(',')
  }
}

function images(field: 'name' | 'image'): (object: JsonObject) => string {
  return (object) => {
    const containers = at(object, 'spec', 'template', 'spec', 'containers')
    return (isList(containers) ? containers : []).map((container) => stringAt(container, field) ?? '').join(',')
  }
}

const podDetails = [
  column('Containers', images('name'), '', 1),
  column('Images', images('image'), '', 1),
  column('Selector', selectorText('spec', 'selector', 'matchLabels'), '', 1),
]

function podStatus(object: JsonObject): string {
  if (stringAt(object, 'metadata', 'deletionTimestamp') !== undefined) return 'Terminating'
  const statuses = at(object, 'status', 'containerStatuses')
  const waiting = (isList(statuses) ? statuses : []).map((status) => stringAt(status, 'state', 'waiting', 'reason'))
  return waiting.find((reason) => reason !== undefined) ?? stringAt(object, 'status', 'phase') ?? 'Unknown'
}

function podReady(object: JsonObject): string {
  const statuses = at(object, 'status', 'containerStatuses')
  const containers = at(object, 'spec', 'containers')
  const ready = (isList(statuses) ? statuses : []).filter((status) => at(status, 'ready') === true).length
  return `${ready}/${isList(containers) ? containers.length : 0}`
}

function ports(object: JsonObject): string {
  const list = at(object, 'spec', 'ports')
  const texts = (isList(list) ? list : []).map((port) => `${numberAt(port, 'port')}/${stringAt(port, 'protocol')}`)
  return texts.length === 0 ? '<none>' : texts.join(',')
}

function hosts(object: JsonObject): string {
  const rules = at(object, 'spec', 'rules')
  return (isList(rules) ? rules : []).map((rule) => stringAt(rule, 'host') ?? '*').join(',')
}

function eventObject(object: JsonObject): string {
  const involved = at(object, 'involvedObject') ?? at(object, 'regarding')
  return `${(stringAt(involved, 'kind') ?? '').toLowerCase()}/${stringAt(involved, 'name') ?? ''}`
}

function lastSeen(object: JsonObject): Json {
  const fields = ['lastTimestamp', 'deprecatedLastTimestamp', 'eventTime']
  return fields.map((field) => stringAt(object, field)).find((time) => time !== undefined) ?? null
}

function conditionText(object: JsonObject): string {
  const conditions = at(object, 'status', 'conditions')
  const ready = (isList(conditions) ? conditions : []).find((condition) => stringAt(condition, 'type') === 'Ready')
  return stringAt(ready, 'status') === 'True' ? 'Ready' : 'NotReady'
}

const tables: Readonly<Record<string, readonly Column[]>> = {
  configmaps: [column('Data', size(['data'], ['binaryData'])), createdAt],
  secrets: [column('Type', (object) => stringAt(object, 'type') ?? ''), column('Data', size(['data'])), createdAt],
  namespaces: [column('Status', (object) => stringAt(object, 'status', 'phase') ?? ''), createdAt],
  nodes: [column('Status', conditionText), createdAt],
  pods: [
    column('Ready', podReady),
    column('Status', podStatus),
    column('Restarts', () => 0),
    createdAt,
    column('IP', (object) => stringAt(object, 'status', 'podIP') ?? '<none>', '', 1),
    column('Node', (object) => stringAt(object, 'spec', 'nodeName') ?? '<none>', '', 1),
  ],
  services: [
    column('Type', (object) => stringAt(object, 'spec', 'type') ?? ''),
    column('Cluster-IP', (object) => stringAt(object, 'spec', 'clusterIP') ?? '<none>'),
    column('External-IP', (object) => stringAt(object, 'spec', 'externalName') ?? '<none>'),
    column('Port(s)', ports),
    createdAt,
    column('Selector', selectorText('spec', 'selector'), '', 1),
  ],
  'deployments.apps': [
    column(
      'Ready',
      (object) => `${count(object, 'status', 'readyReplicas')}/${count(object, 'spec', 'replicas')}`,
      'Number of the pod with ready state',
    ),
    column(
      'Up-to-date',
      (object) => count(object, 'status', 'updatedReplicas'),
      'Total number of non-terminating pods targeted by this deployment that have the desired template spec.',
    ),
    column(
      'Available',
      (object) => count(object, 'status', 'availableReplicas'),
      'Total number of available non-terminating pods (ready for at least minReadySeconds) targeted by this deployment.',
    ),
    createdAt,
    ...podDetails,
  ],
  'replicasets.apps': [
    whole('Desired', (object) => count(object, 'spec', 'replicas')),
    whole('Current', (object) => count(object, 'status', 'replicas')),
    whole('Ready', (object) => count(object, 'status', 'readyReplicas')),
    createdAt,
    ...podDetails,
  ],
  'daemonsets.apps': [
    whole('Desired', (object) => count(object, 'status', 'desiredNumberScheduled')),
    whole('Current', (object) => count(object, 'status', 'currentNumberScheduled')),
    whole('Ready', (object) => count(object, 'status', 'numberReady')),
    createdAt,
  ],
  'horizontalpodautoscalers.autoscaling': [
    column(
      'Reference',
      (object) =>
        `${stringAt(object, 'spec', 'scaleTargetRef', 'kind')}/${stringAt(object, 'spec', 'scaleTargetRef', 'name')}`,
    ),
    whole('MinPods', (object) => count(object, 'spec', 'minReplicas')),
    whole('MaxPods', (object) => count(object, 'spec', 'maxReplicas')),
    whole('Replicas', (object) => count(object, 'status', 'currentReplicas')),
    createdAt,
  ],
  'ingresses.networking.k8s.io': [
    column('Class', (object) => stringAt(object, 'spec', 'ingressClassName') ?? '<none>'),
    column('Hosts', hosts),
    createdAt,
  ],
  'leases.coordination.k8s.io': [
    column('Holder', (object) => stringAt(object, 'spec', 'holderIdentity') ?? ''),
    createdAt,
  ],
  events: [
    column('Last Seen', lastSeen),
    column('Type', (object) => stringAt(object, 'type') ?? ''),
    column('Reason', (object) => stringAt(object, 'reason') ?? ''),
    column('Object', eventObject),
    column('Message', (object) => stringAt(object, 'message') ?? stringAt(object, 'note') ?? ''),
    { ...column('Name', (object) => stringAt(object, 'metadata', 'name') ?? '', '', 1), format: 'name' },
  ],
  'customresourcedefinitions.apiextensions.k8s.io': [
    column('Created At', (object) => stringAt(object, 'metadata', 'creationTimestamp') ?? ''),
  ],
}

/** The columns of a built-in kind, without its name. */
export function builtInColumns(kind: Kind): readonly Column[] {
  return tables[kind.storeKey] ?? [createdAt]
}
