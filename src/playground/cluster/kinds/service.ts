import { at, isObject, stringAt } from '../../../lib/json.ts'
import type { Json, JsonObject } from '../../../lib/json.ts'
import type { KubeObject } from '../../../lib/kube-object.ts'
import { duplicate, required, unsupported, wrong } from '../api/causes.ts'
import type { Cause } from '../api/failure.ts'
import { isLabel, labelRule } from '../api/names.ts'
import { child, draft, equalJson, isList } from '../document.ts'
import type { Doc } from '../document.ts'
import {
  anything,
  flag,
  integer,
  intOrText,
  keyed,
  list,
  optionalFlag,
  optionalInteger,
  optionalText,
  part,
  record,
  text,
  textMap,
} from '../schema/schema.ts'
import { topLevel } from './core.ts'
import { builtIn } from './kind.ts'
import type { Kind, Preparation } from './kind.ts'
import { docs, fallback } from './pod-defaults.ts'
import { conditions } from './pod-spec.ts'

const spec = part({
  ports: keyed(
    ['port', 'protocol'],
    record({
      name: text,
      protocol: text,
      appProtocol: optionalText,
      port: { type: 'integer', blank: 0 },
      targetPort: intOrText,
      nodePort: integer,
    }),
    { keyDefaults: { protocol: 'TCP' } },
  ),
  selector: { ...textMap, atomic: true },
  clusterIP: text,
  clusterIPs: list(text),
  type: text,
  externalIPs: list(text),
  sessionAffinity: text,
  loadBalancerIP: text,
  loadBalancerSourceRanges: list(text),
  externalName: text,
  externalTrafficPolicy: text,
  healthCheckNodePort: integer,
  publishNotReadyAddresses: flag,
  sessionAffinityConfig: anything,
  ipFamilies: list(text),
  ipFamilyPolicy: optionalText,
  allocateLoadBalancerNodePorts: optionalFlag,
  loadBalancerClass: optionalText,
  internalTrafficPolicy: optionalText,
  trafficDistribution: optionalText,
  minReadySeconds: optionalInteger,
})

function defaults(object: Doc): void {
  const spec = child(object, 'spec')
  fallback(spec, 'sessionAffinity', 'None')
  fallback(spec, 'type', 'ClusterIP')
  for (const port of docs(spec, 'ports')) {
    fallback(port, 'protocol', 'TCP')
    const target = port['targetPort']
    if (target === undefined || target === 0 || target === '') port['targetPort'] = port['port'] ?? 0
  }
  if (spec['type'] !== 'ExternalName') fallback(spec, 'internalTrafficPolicy', 'Cluster')
  if (spec['type'] === 'LoadBalancer' || spec['type'] === 'NodePort') fallback(spec, 'externalTrafficPolicy', 'Cluster')
}

function prepare(object: Doc, live: KubeObject | undefined, preparation: Preparation): void {
  const spec = child(object, 'spec')
  child(child(object, 'status'), 'loadBalancer')
  if (spec['type'] === 'ExternalName') return
  const before = at(live, 'spec')
  if (isObject(before)) {
    for (const key of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) {
      const kept = before[key]
      if (spec[key] === undefined && kept !== undefined) spec[key] = draft(kept)
    }
    if (stringAt(spec, 'clusterIP') !== stringAt(before, 'clusterIP')) spec['clusterIPs'] = [spec['clusterIP'] ?? '']
  }
  spec['clusterIP'] ??= preparation.allocateIp()
  spec['clusterIPs'] ??= [spec['clusterIP']]
  fallback(spec, 'ipFamilies', ['IPv4'])
  fallback(spec, 'ipFamilyPolicy', 'SingleStack')
}

function portCauses(port: JsonObject, index: number, many: boolean): readonly Cause[] {
  const field = `spec.ports[${index}]`
  const name = stringAt(port, 'name')
  const range = 'must be between 1 and 65535, inclusive'
  const outside = (value: Json | undefined): boolean => typeof value === 'number' && (value < 1 || value > 65535)
  return [
    ...(name === undefined && many ? [required(`${field}.name`)] : []),
    ...(name !== undefined && !isLabel(name) ? [wrong(`${field}.name`, name, labelRule)] : []),
    ...(outside(port['port']) ? [wrong(`${field}.port`, port['port'], range)] : []),
    ...(['TCP', 'UDP', 'SCTP'].includes(stringAt(port, 'protocol') ?? 'TCP')
      ? []
      : [unsupported(`${field}.protocol`, port['protocol'], ['SCTP', 'TCP', 'UDP'])]),
    ...(outside(port['targetPort']) ? [wrong(`${field}.targetPort`, port['targetPort'], range)] : []),
  ]
}

function duplicateCauses(ports: readonly JsonObject[]): readonly Cause[] {
  const name = (port: JsonObject): string | undefined => stringAt(port, 'name')
  const place = (port: JsonObject): JsonObject => ({
    port: port['port'],
    protocol: stringAt(port, 'protocol') ?? 'TCP',
  })
  return ports.flatMap((port, index) => {
    const before = ports.slice(0, index)
    const named = name(port)
    const isNamed = named !== undefined && before.some((other) => name(other) === named)
    const isThere = before.some((other) => equalJson(place(other), place(port)))
    return [
      ...(isNamed ? [duplicate(`spec.ports[${index}].name`, named)] : []),
      ...(isThere ? [duplicate(`spec.ports[${index}]`, draft(place(port)))] : []),
    ]
  })
}

function validate(object: JsonObject, live: KubeObject | undefined): readonly Cause[] {
  const ports = at(object, 'spec', 'ports')
  const type = stringAt(object, 'spec', 'type') ?? ''
  const list = isList(ports) ? ports.filter((port) => isObject(port)) : []
  const address = at(object, 'spec', 'clusterIP')
  const before = at(live, 'spec', 'clusterIP')
  return [
    ...(list.length === 0 && type !== 'ExternalName' && address !== 'None' ? [required('spec.ports')] : []),
    ...list.flatMap((port, index) => portCauses(port, index, list.length > 1)),
    ...duplicateCauses(list),
    ...(['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'].includes(type)
      ? []
      : [unsupported('spec.type', type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'])]),
    ...(type === 'ExternalName' && stringAt(object, 'spec', 'externalName') === undefined
      ? [required('spec.externalName')]
      : []),
    ...(before !== undefined && before !== address
      ? [wrong('spec.clusterIPs[0]', at(object, 'spec', 'clusterIPs'), 'may not change once set')]
      : []),
  ]
}

/** Service: the server gives it a cluster IP. */
export const serviceKind: Kind = builtIn({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  shortNames: ['svc'],
  categories: ['all'],
  nameRule: 'service',
  hasStatus: true,
  returnsDeleted: true,
  selectable: { 'spec.clusterIP': ['spec', 'clusterIP'], 'spec.type': ['spec', 'type'] },
  schema: topLevel({ spec, status: part({ loadBalancer: part({ ingress: list(anything) }), conditions }) }),
  defaults,
  prepare,
  validate,
})
