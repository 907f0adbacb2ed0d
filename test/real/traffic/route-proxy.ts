import type { ClusterCache } from '../../../src/cluster/cache.ts'
import type { Client } from '../../../src/cluster/client.ts'
import { at, isObject, numberAt, stringAt, type Json } from '../../../src/lib/json.ts'
import { refOf, type KubeObject } from '../../../src/lib/kube-object.ts'
import type { Haproxy, Weights } from './haproxy.ts'
import type { WeightChange } from './split.ts'

/** The objects that a proxy can follow. */
export type RouteKind = 'VirtualService' | 'HTTPRoute'

export const ROUTE_VERSIONS: Readonly<Record<RouteKind, string>> = {
  VirtualService: 'networking.istio.io/v1beta1',
  HTTPRoute: 'gateway.networking.k8s.io/v1',
}

export interface RouteProxyOptions {
  readonly client: Client
  /** Watches the route's kind in its namespace. */
  readonly cache: ClusterCache
  readonly kind: RouteKind
  readonly namespace: string
  /** Of the route; the Services behind it are `<name>-primary` and `<name>-canary`. */
  readonly name: string
  readonly proxy: Pick<Haproxy, 'weights' | 'setWeights'>
}

/** What a mesh's control plane does: a proxy divides requests as the route object in the cluster says. */
export interface RouteProxy {
  /** Each new division, with when the proxy took it. */
  readonly changes: readonly WeightChange[]
  /** What went wrong on the way to the proxy; empty when nothing did. */
  readonly problems: readonly string[]
  /** Resolves when everything that was seen is done. */
  settled(): Promise<void>
}

/**
 * Follows the route by a watch, one change after the other. Of an HTTPRoute it reports, as a gateway's controller does, that it
 * was accepted and which generation it has seen: Serin waits for that.
 */
export function followRoute({ client, cache, kind, namespace, name, proxy }: RouteProxyOptions): RouteProxy {
  const ref = { apiVersion: ROUTE_VERSIONS[kind], kind, namespace, name }
  const changes: WeightChange[] = []
  const problems: string[] = []
  const follow = async (): Promise<void> => {
    const route = cache.get(ref)
    const wanted = route === undefined ? undefined : weightsOf(route, name)
    if (route === undefined || wanted === undefined) return
    if (wanted.primary !== proxy.weights.primary || wanted.canary !== proxy.weights.canary) {
      const beforeMs = Date.now()
      await proxy.setWeights(wanted)
      changes.push({ beforeMs, afterMs: Date.now(), canary: wanted.canary })
    }
    if (kind === 'HTTPRoute') await accept(client, route)
  }
  const tell = (error: unknown): void => void problems.push(error instanceof Error ? error.message : String(error))
  let last = follow().catch(tell)
  cache.onChange((changed) => {
    if (changed.kind === kind && changed.name === name) last = last.then(follow).catch(tell)
  })
  return { changes, problems, settled: () => last }
}

/** The weights of a route's first rule; undefined for one that leads elsewhere. Throws where they are no whole. */
export function weightsOf(route: KubeObject, name: string): Weights | undefined {
  const destinations = route.kind === 'HTTPRoute' ? gatewayDestinations(route) : istioDestinations(route)
  const weightOf = (side: string): number | undefined => destinations.get(`${name}-${side}`)
  const [primary, canary] = [weightOf('primary'), weightOf('canary')]
  if (primary === undefined || canary === undefined) return undefined
  if (primary + canary !== 100) throw new Error(`${route.kind}/${name} has the weights ${primary} and ${canary}`)
  return { primary, canary }
}

function istioDestinations(route: KubeObject): ReadonlyMap<string, number> {
  const hosts = listOf(at(route, 'spec', 'http', 0, 'route'))
  return new Map(hosts.map((one) => [stringAt(one, 'destination', 'host') ?? '', numberAt(one, 'weight') ?? 0]))
}

function gatewayDestinations(route: KubeObject): ReadonlyMap<string, number> {
  const refs = listOf(at(route, 'spec', 'rules', 0, 'backendRefs'))
  return new Map(refs.map((one) => [stringAt(one, 'name') ?? '', numberAt(one, 'weight') ?? 1]))
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value : []
}

const FIELD_MANAGER = 'route-proxy'

/** Says on each parent that this generation is accepted, unless that is said already. */
async function accept(client: Client, route: KubeObject): Promise<void> {
  const observedGeneration = route.metadata.generation ?? 0
  const reported = listOf(at(route, 'status', 'parents')).map((parent) =>
    numberAt(parent, 'conditions', 0, 'observedGeneration'),
  )
  if (reported.length > 0 && reported.every((generation) => generation === observedGeneration)) return
  const condition = (type: string, reason: string) => ({
    type,
    reason,
    status: 'True',
    message: 'the proxy divides requests as this generation says',
    observedGeneration,
    lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
  })
  const parents = listOf(at(route, 'spec', 'parentRefs')).filter(isObject)
  const status = parents.map((parentRef) => ({
    parentRef,
    controllerName: 'test.example.com/route-proxy',
    conditions: [condition('Accepted', 'Accepted'), condition('ResolvedRefs', 'ResolvedRefs')],
  }))
  const body = { status: { parents: status } }
  await client.patch(refOf(route), { type: 'merge', body, fieldManager: FIELD_MANAGER, subresource: 'status' })
}
