import { at, isObject, numberAt, stringAt, type Json } from '../../lib/json.ts'
import type { KubeObject } from '../../lib/kube-object.ts'
import type { ClusterView } from './cluster-view.ts'

/** A Service and its share of something, from 0 to 1. */
export interface Share {
  readonly service: string
  readonly namespace: string
  readonly share: number
}

/** Where the requests of one host's clients go. */
export interface Entry {
  /** `namespace/name` of the route, or of the Service when it has none. */
  readonly host: string
  readonly destinations: readonly Share[]
  /** Copies; clients do not see what becomes of them. */
  readonly mirrors: readonly Share[]
}

const istioVersions = ['v1', 'v1beta1', 'v1alpha3'].map((version) => `networking.istio.io/${version}`)
const gatewayVersions = ['v1', 'v1beta1'].map((version) => `gateway.networking.k8s.io/${version}`)

/**
 * The hosts that clients call, as the written routes say: each VirtualService, each HTTPRoute, and each Service with a
 * selector that no route stands for and that is not the `-primary` or `-canary` of another. Clients send plain GET requests for `/`, so the first rule
 * that takes such a request is theirs.
 */
export function entriesOf(cluster: ClusterView): readonly Entry[] {
  const routed = [
    ...unique(istioVersions.flatMap((version) => cluster.list(version, 'VirtualService'))).map(istioEntry),
    ...unique(gatewayVersions.flatMap((version) => cluster.list(version, 'HTTPRoute'))).map(gatewayEntry),
  ]
  const services = cluster.list('v1', 'Service').filter((service) => isObject(at(service.spec, 'selector')))
  const names = new Set(services.map(hostOf))
  const taken = new Set(routed.map((entry) => entry.host))
  const plain = services
    .filter((service) => !taken.has(hostOf(service)) && !isGenerated(hostOf(service), names))
    .map((service): Entry => {
      const destination = { service: service.metadata.name, namespace: service.metadata.namespace ?? '', share: 1 }
      return { host: hostOf(service), destinations: [destination], mirrors: [] }
    })
  return [...routed, ...plain]
}

function isGenerated(host: string, names: ReadonlySet<string>): boolean {
  const apex = host.replace(/-(?:primary|canary)$/, '')
  return apex !== host && names.has(apex)
}

function hostOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`
}

/** One object may be listed in several versions. */
function unique(objects: readonly KubeObject[]): readonly KubeObject[] {
  return [...new Map(objects.toReversed().map((object) => [hostOf(object), object])).values()].toReversed()
}

function istioEntry(route: KubeObject): Entry {
  const namespace = route.metadata.namespace ?? ''
  const rule = list(route.spec, 'http').find(takesPlainRequest) ?? list(route.spec, 'tcp')[0]
  const destinations = list(rule, 'route').map((each) => ({
    ...serviceOf(stringAt(each, 'destination', 'host') ?? '', namespace),
    weight: numberAt(each, 'weight'),
  }))
  const mirror = stringAt(rule, 'mirror', 'host')
  const share = (numberAt(rule, 'mirrorPercentage', 'value') ?? 100) / 100
  return {
    host: hostOf(route),
    // A single destination needs no weight; among several, one without a weight gets nothing.
    destinations: shares(destinations, destinations.length === 1 ? 100 : 0),
    mirrors: mirror === undefined ? [] : [{ ...serviceOf(mirror, namespace), share }],
  }
}

function gatewayEntry(route: KubeObject): Entry {
  const namespace = route.metadata.namespace ?? ''
  const rule = list(route.spec, 'rules').find(hasPlainMatch)
  const backends = list(rule, 'backendRefs').map((each) => ({
    ...backendOf(each, namespace),
    weight: numberAt(each, 'weight'),
  }))
  const mirrors = list(rule, 'filters')
    .filter((filter) => stringAt(filter, 'type') === 'RequestMirror')
    .map((filter) => ({ ...backendOf(at(filter, 'requestMirror', 'backendRef'), namespace), share: 1 }))
  return { host: hostOf(route), destinations: shares(backends, 1), mirrors }
}

function backendOf(ref: Json | undefined, namespace: string): { service: string; namespace: string } {
  return { service: stringAt(ref, 'name') ?? '', namespace: stringAt(ref, 'namespace') ?? namespace }
}

/** `name`, `name.namespace` or `name.namespace.svc.cluster.local`. */
function serviceOf(host: string, namespace: string): { service: string; namespace: string } {
  const [service = '', other] = host.split('.')
  return { service, namespace: other ?? namespace }
}

function shares(
  weighted: readonly { service: string; namespace: string; weight: number | undefined }[],
  weightWhenAbsent: number,
): readonly Share[] {
  const total = weighted.reduce((sum, each) => sum + (each.weight ?? weightWhenAbsent), 0)
  return total <= 0
    ? []
    : weighted.map(({ service, namespace, weight }) => ({
        service,
        namespace,
        share: (weight ?? weightWhenAbsent) / total,
      }))
}

/** Istio: no match at all, or one that asks for nothing but a path that `/` has. */
function takesPlainRequest(rule: Json): boolean {
  const matches = list(rule, 'match')
  return matches.length === 0 || matches.some((match) => isPlain(match, ['uri', 'name', 'gateways', 'port'], plainUri))
}

function hasPlainMatch(rule: Json): boolean {
  const matches = list(rule, 'matches')
  return matches.length === 0 || matches.some((match) => isPlain(match, ['path', 'method'], plainPath))
}

function isPlain(match: Json, allowed: readonly string[], takes: (match: Json) => boolean): boolean {
  return isObject(match) && Object.keys(match).every((key) => allowed.includes(key)) && takes(match)
}

function plainUri(match: Json): boolean {
  const prefix = stringAt(match, 'uri', 'prefix')
  const exact = stringAt(match, 'uri', 'exact')
  return (
    at(match, 'uri') === undefined ||
    prefix === '/' ||
    prefix === '' ||
    exact === '/' ||
    at(match, 'uri', 'regex') !== undefined
  )
}

function plainPath(match: Json): boolean {
  const method = stringAt(match, 'method') ?? 'GET'
  const path = stringAt(match, 'path', 'value') ?? '/'
  return method === 'GET' && (path === '/' || stringAt(match, 'path', 'type') === 'RegularExpression')
}

function list(value: unknown, ...path: readonly string[]): readonly Json[] {
  const found = at(value, ...path)
  return Array.isArray(found) ? (found as readonly Json[]) : []
}
