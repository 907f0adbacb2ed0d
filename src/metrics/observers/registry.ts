import { contour, gloo, knative, kuma } from './envoy.ts'
import { apisix, nginx, skipper, traefik } from './ingress.ts'
import { istio, istioGateway, linkerd, osm } from './mesh.ts'
import type { Observer } from './observer.ts'
import { appMesh, pods } from './pods.ts'

/** By the provider's name without its version; more than one where several data planes serve the same routes. */
const observers: Readonly<Record<string, readonly Observer[]>> = {
  apisix: [apisix],
  appmesh: [appMesh],
  contour: [contour],
  gatewayapi: [pods, istioGateway, linkerd, contour],
  gloo: [gloo],
  istio: [istio],
  knative: [knative],
  kubernetes: [pods],
  kuma: [kuma],
  linkerd: [linkerd],
  nginx: [nginx],
  osm: [osm],
  skipper: [skipper],
  smi: [istio],
  traefik: [traefik],
}

/**
 * Where the requests of a traffic provider are counted, the one to ask first in front; none for a provider without built-in
 * queries. What follows the colon of a name (`gatewayapi:v1`, `smi:v1alpha1:istio`) makes no difference.
 */
export function observersOf(provider: string): readonly Observer[] {
  const family = provider.split(':')[0] ?? provider
  return (Object.hasOwn(observers, family) ? observers[family] : undefined) ?? []
}

/** The providers with built-in queries, without versions, in order. */
export function observedProviders(): readonly string[] {
  return Object.keys(observers)
}
