import type { ClusterView } from './cluster-view.ts'
import { backendsOf, type Backend } from './pods.ts'
import { entriesOf, type Share } from './routes.ts'

/** A steady stream of requests from one host's clients to one pod, or to a Service without a ready pod. */
export interface Stream {
  /** The same for the same host, Service, pod and purpose. */
  readonly key: string
  readonly host: string
  readonly service: string
  readonly namespace: string
  readonly backend: Backend | undefined
  readonly perSecond: number
  readonly mirrored: boolean
}

/**
 * The streams that routes, Services and pods make of `perSecond` requests a second to each host. One of 0 requests is a
 * stream too: its pods go on showing their metrics.
 */
export function planOf(cluster: ClusterView, perSecond: number): readonly Stream[] {
  return entriesOf(cluster).flatMap(({ host, destinations, mirrors }) => [
    ...destinations.flatMap((destination) => streamsOf(cluster, host, destination, perSecond, false)),
    ...mirrors.flatMap((mirror) => streamsOf(cluster, host, mirror, perSecond, true)),
  ])
}

function streamsOf(
  cluster: ClusterView,
  host: string,
  { service, namespace, share }: Share,
  perSecond: number,
  mirrored: boolean,
): readonly Stream[] {
  const backends = backendsOf(cluster, namespace, service)
  const targets: readonly (Backend | undefined)[] = backends.length === 0 ? [undefined] : backends
  return targets.map((backend) => ({
    key: [host, namespace, service, backend?.pod ?? '', String(mirrored)].join('\u0000'),
    host,
    service,
    namespace,
    backend,
    perSecond: (perSecond * share) / targets.length,
    mirrored,
  }))
}
