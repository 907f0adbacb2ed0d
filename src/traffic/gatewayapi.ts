import { at, isObject, stringAt, type Json, type JsonObject } from '../lib/json.ts'
import type { KubeObject } from '../lib/kube-object.ts'
import { Problem } from '../lib/problem.ts'
import type { Canary } from '../resources/canary.ts'
import { filters } from './gatewayapi-filters.ts'
import { gatewayMatches } from './gatewayapi-match.ts'
import { gatewayPending } from './gatewayapi-pending.ts'
import { routeMetadata } from './metadata.ts'
import { placeIn, serviceNames } from './names.ts'
import type { TrafficProvider } from './provider.ts'
import type { TrafficSplit } from './split.ts'
import { listAt, splitOf, weightOf, type WeightedDestination } from './weights.ts'

const apiVersion = 'gateway.networking.k8s.io/v1'

/**
 * Gateway API: one HTTPRoute named like the apex Service, on the gateways of `service.gatewayRefs`; a gatewayRef of kind
 * Service is a mesh (Linkerd). Spec: https://gateway-api.sigs.k8s.io/reference/spec/
 */
export const gatewayApi: TrafficProvider = {
  name: 'gatewayapi:v1',
  kinds: [{ apiVersion, kind: 'HTTPRoute' }],
  objects: (canary, split) => [httpRoute(canary, split)],
  read: (canary, live) => {
    const route = liveRoute(canary, live)
    if (route === undefined) return undefined
    for (const rule of listAt(route.spec, 'rules')) {
      const split = splitOf(destinationsOf(canary, rule), mirrorsToCanary(canary, rule))
      if (split !== undefined) return split
    }
    return undefined
  },
  pending: (canary, live) => {
    const route = liveRoute(canary, live)
    const name = `HTTPRoute/${serviceNames(canary).apex}.${canary.metadata.namespace}`
    return route === undefined ? `${name} does not exist yet` : gatewayPending(name, route)
  },
}

function liveRoute(canary: Canary, live: readonly KubeObject[]): KubeObject | undefined {
  const { apex } = serviceNames(canary)
  return live.find(
    (object) =>
      object.kind === 'HTTPRoute' &&
      object.metadata.name === apex &&
      object.metadata.namespace === canary.metadata.namespace,
  )
}

function httpRoute(canary: Canary, split: TrafficSplit): KubeObject {
  const { hosts = [] } = canary.spec.service
  // A route without hostnames serves all hosts; the API refuses a bare "*".
  const hostnames = hosts.includes('*') ? [] : hosts
  return {
    apiVersion,
    kind: 'HTTPRoute',
    metadata: routeMetadata(canary, serviceNames(canary).apex),
    spec: { parentRefs: parentRefs(canary), ...(hostnames.length > 0 && { hostnames }), rules: rules(canary, split) },
  }
}

function parentRefs(canary: Canary): readonly JsonObject[] {
  const refs = listAt(canary.spec.service, 'gatewayRefs').filter(isObject)
  if (refs.length === 0) {
    throw new Problem({
      kind: 'stalled',
      code: 'TRAFFIC_GATEWAY_MISSING',
      message: 'the provider "gatewayapi:v1" needs at least one gateway',
      place: placeIn(canary, 'spec.service.gatewayRefs'),
      hint: 'name the Gateway that clients come through',
    })
  }
  return refs.map((ref) => ({ group: 'gateway.networking.k8s.io', kind: 'Gateway', ...ref }))
}

/** One rule today; A/B testing and session affinity put theirs before it. */
function rules(canary: Canary, split: TrafficSplit): readonly JsonObject[] {
  const list = filters(canary, split)
  const request = canary.spec.service.timeout
  const backendRequest = canary.spec.service.backendTimeout
  const timeouts = {
    ...(request !== undefined && { request }),
    ...(backendRequest !== undefined && { backendRequest }),
  }
  return [
    {
      matches: gatewayMatches(canary, listAt(canary.spec.service, 'match')),
      ...(list.length > 0 && { filters: list }),
      backendRefs: [
        backendRef(canary, serviceNames(canary).primary, split.primary),
        backendRef(canary, serviceNames(canary).canary, split.canary),
      ],
      ...(Object.keys(timeouts).length > 0 && { timeouts }),
    },
  ]
}

/** Without the group: the core one is implied, and Kubernetes before 1.21 takes the empty text that names it for null. */
function backendRef(canary: Canary, name: string, weight: number): JsonObject {
  return { kind: 'Service', name, port: canary.spec.service.port, weight }
}

function destinationsOf(canary: Canary, rule: Json): readonly WeightedDestination[] {
  const names = serviceNames(canary)
  return listAt(rule, 'backendRefs').flatMap((ref): readonly WeightedDestination[] => {
    // A weight that is left out counts as 1 in this API, not as 0.
    const weight = weightOf(ref) ?? 1
    const name = localService(canary, ref)
    if (name === names.primary) return [{ to: 'primary', weight }]
    if (name === names.canary) return [{ to: 'canary', weight }]
    return []
  })
}

function mirrorsToCanary(canary: Canary, rule: Json): boolean {
  const permanent = listAt(canary.spec.service, 'mirror').map((each) => localService(canary, at(each, 'backendRef')))
  const name = serviceNames(canary).canary
  return (
    !permanent.includes(name) &&
    listAt(rule, 'filters').some((filter) => localService(canary, at(filter, 'requestMirror', 'backendRef')) === name)
  )
}

function localService(canary: Canary, ref: unknown): string | undefined {
  const namespace = stringAt(ref, 'namespace') ?? canary.metadata.namespace
  const isService = (stringAt(ref, 'kind') ?? 'Service') === 'Service' && (stringAt(ref, 'group') ?? '') === ''
  return isService && namespace === canary.metadata.namespace ? stringAt(ref, 'name') : undefined
}
