import { at, isObject, stringAt, type Json, type JsonObject } from '../lib/json.ts'
import type { KubeObject } from '../lib/kube-object.ts'
import { Problem } from '../lib/problem.ts'
import type { Canary } from '../resources/canary.ts'
import { istioCors, istioMatches } from './istio-match.ts'
import { routeMetadata } from './metadata.ts'
import { isHostOf, placeIn, serviceNames } from './names.ts'
import type { TrafficProvider } from './provider.ts'
import type { TrafficSplit } from './split.ts'
import { listAt, splitOf, weightOf, type WeightedDestination } from './weights.ts'

const apiVersion = 'networking.istio.io/v1beta1'

/**
 * Istio: a VirtualService named like the apex Service, and a DestinationRule for each of the two Services behind it.
 * `appProtocol: tcp` gives TCP routes. Spec: https://istio.io/latest/docs/reference/config/networking/virtual-service/
 */
export const istio: TrafficProvider = {
  name: 'istio',
  kinds: [
    { apiVersion, kind: 'VirtualService' },
    { apiVersion, kind: 'DestinationRule' },
  ],
  objects: (canary, split) => {
    const names = serviceNames(canary)
    // The rules come first: a route must never name a host whose policy (mTLS, pools) is not there yet.
    return [
      destinationRule(canary, names.primary),
      destinationRule(canary, names.canary),
      virtualService(canary, split),
    ]
  },
  read: (canary, live) => {
    const route = liveRoute(canary, live)
    if (route === undefined) return undefined
    const rules = isTcp(canary) ? listAt(route.spec, 'tcp') : listAt(route.spec, 'http')
    for (const rule of rules) {
      const split = splitOf(destinationsOf(canary, rule), at(rule, 'mirror') !== undefined)
      if (split !== undefined) return split
    }
    return undefined
  },
  // Istio reports no acceptance: a VirtualService that its webhook admitted is pushed to the proxies in a moment.
  pending: (canary, live) =>
    liveRoute(canary, live) === undefined
      ? `VirtualService/${serviceNames(canary).apex}.${canary.metadata.namespace} does not exist yet`
      : undefined,
}

function liveRoute(canary: Canary, live: readonly KubeObject[]): KubeObject | undefined {
  const { apex } = serviceNames(canary)
  return live.find(
    (object) =>
      object.kind === 'VirtualService' &&
      object.metadata.name === apex &&
      object.metadata.namespace === canary.metadata.namespace,
  )
}

function destinationRule(canary: Canary, host: string): KubeObject {
  const service: JsonObject = canary.spec.service
  const trafficPolicy = service['trafficPolicy']
  return {
    apiVersion,
    kind: 'DestinationRule',
    metadata: routeMetadata(canary, host),
    spec: { host, ...(trafficPolicy !== undefined && { trafficPolicy }) },
  }
}

function virtualService(canary: Canary, split: TrafficSplit): KubeObject {
  const rules = isTcp(canary) ? { tcp: tcpRules(canary, split) } : { http: httpRules(canary, split) }
  return {
    apiVersion,
    kind: 'VirtualService',
    metadata: routeMetadata(canary, serviceNames(canary).apex),
    spec: { ...entry(canary), ...rules },
  }
}

/** Hosts and gateways. A delegate VirtualService has neither: its root owns them. */
function entry(canary: Canary): JsonObject {
  const { apex } = serviceNames(canary)
  const { hosts = [], gateways = [] } = canary.spec.service
  if (isDelegate(canary)) {
    if (hosts.length === 0 && gateways.length === 0) return {}
    throw new Problem({
      kind: 'stalled',
      code: 'TRAFFIC_DELEGATE_HAS_HOSTS',
      message: 'a delegate VirtualService has no hosts and no gateways',
      place: placeIn(canary, 'spec.service.delegation'),
      hint: 'remove "hosts" and "gateways", or "delegation"',
    })
  }
  const covered = hosts.includes(apex) || hosts.includes('*')
  return { hosts: covered ? hosts : [...hosts, apex], gateways: gateways.length === 0 ? ['mesh'] : gateways }
}

/** One rule today; A/B testing and session affinity put theirs before it. */
function httpRules(canary: Canary, split: TrafficSplit): readonly JsonObject[] {
  const service: JsonObject = canary.spec.service
  const match = istioMatches(listAt(service, 'match'))
  const authority = stringAt(service, 'rewrite', 'authority')
  const uri = stringAt(service, 'rewrite', 'uri')
  const rewrite = { ...(authority !== undefined && { authority }), ...(uri !== undefined && { uri }) }
  return [
    {
      ...(match.length > 0 && { match }),
      ...(Object.keys(rewrite).length > 0 && { rewrite }),
      ...copied(service, ['timeout', 'retries']),
      ...(isObject(service['corsPolicy']) && { corsPolicy: istioCors(service['corsPolicy']) }),
      ...copied(service, ['headers']),
      route: weighted(canary, split),
      ...(split.mirrored && mirror(canary)),
    },
  ]
}

function tcpRules(canary: Canary, split: TrafficSplit): readonly JsonObject[] {
  if (split.mirrored) {
    throw new Problem({
      kind: 'stalled',
      code: 'TRAFFIC_MIRROR_UNSUPPORTED',
      message: 'TCP connections cannot be mirrored',
      place: placeIn(canary, 'spec.analysis.mirror'),
      hint: 'remove "mirror", or "appProtocol: tcp"',
    })
  }
  const match = listAt(canary.spec.service, 'match')
    .filter(isObject)
    .map((each) => copied(each, ['port', 'gateways', 'sourceLabels', 'sourceNamespace']))
    .filter((each) => Object.keys(each).length > 0)
  return [{ ...(match.length > 0 && { match }), route: weighted(canary, split) }]
}

function weighted(canary: Canary, split: TrafficSplit): readonly JsonObject[] {
  const names = serviceNames(canary)
  return [
    { destination: destination(canary, names.primary), weight: split.primary },
    { destination: destination(canary, names.canary), weight: split.canary },
  ]
}

/** A Service with several ports needs the port named, unless the proxies of the mesh know it from the connection. */
function destination(canary: Canary, host: string): JsonObject {
  const { gateways = [], port, portDiscovery } = canary.spec.service
  const outside = isDelegate(canary) || (gateways[0] ?? 'mesh') !== 'mesh'
  return { host, ...(portDiscovery === true && outside && { port: { number: port } }) }
}

function mirror(canary: Canary): JsonObject {
  const percent = at(canary.spec.analysis, 'mirrorWeight')
  return {
    mirror: destination(canary, serviceNames(canary).canary),
    ...(typeof percent === 'number' && percent > 0 && { mirrorPercentage: { value: percent } }),
  }
}

function destinationsOf(canary: Canary, rule: Json): readonly WeightedDestination[] {
  const names = serviceNames(canary)
  return listAt(rule, 'route').flatMap((each): readonly WeightedDestination[] => {
    const host = stringAt(each, 'destination', 'host') ?? ''
    if (isHostOf(host, names.primary, canary.metadata.namespace)) return [{ to: 'primary', weight: weightOf(each) }]
    if (isHostOf(host, names.canary, canary.metadata.namespace)) return [{ to: 'canary', weight: weightOf(each) }]
    return []
  })
}

function copied(from: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]))
}

function isTcp(canary: Canary): boolean {
  return canary.spec.service.appProtocol?.toLowerCase() === 'tcp'
}

function isDelegate(canary: Canary): boolean {
  return at(canary.spec.service, 'delegation') === true
}
