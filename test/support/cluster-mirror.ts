import { ClusterCache } from '../../src/cluster/cache.ts'
import { createClient } from '../../src/cluster/client.ts'
import type { KindRef } from '../../src/cluster/discovery.ts'
import type { KubeTransport } from '../../src/cluster/transport.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { KubeObject } from '../../src/lib/kube-object.ts'

const KINDS: readonly KindRef[] = [
  { apiVersion: 'flagger.app/v1beta1', kind: 'Canary' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'v1', kind: 'Pod' },
  { apiVersion: 'v1', kind: 'Service' },
  { apiVersion: 'v1', kind: 'ConfigMap' },
  { apiVersion: 'v1', kind: 'Event' },
  { apiVersion: 'networking.istio.io/v1beta1', kind: 'VirtualService' },
  { apiVersion: 'networking.istio.io/v1beta1', kind: 'DestinationRule' },
  { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute' },
]
const AUTOSCALERS: readonly KindRef[] = ['autoscaling/v2', 'autoscaling/v2beta2'].map((apiVersion) => ({
  apiVersion,
  kind: 'HorizontalPodAutoscaler',
}))

/** What a person sees of one namespace of a real cluster at any moment, without asking: a watch keeps it current. */
export interface ClusterMirror {
  list(apiVersion: string, kind: string, namespace?: string): readonly KubeObject[]
  /** Changes whenever an object does. */
  revision(): number
  /** Of an object that went, its name. */
  onChange(handler: (change: { readonly object: KubeObject }) => void): () => void
  stop(): void
}

/** Watches the kinds that scenarios look at in a namespace, which may come later. */
export async function mirrorNamespace(transport: KubeTransport, namespace: string): Promise<ClusterMirror> {
  const client = createClient(transport)
  const cache = new ClusterCache({ client, clock: systemClock, fieldManagers: [] })
  let revision = 0
  cache.onChange(() => (revision += 1))
  for (const kind of AUTOSCALERS) if (await client.serves(kind)) await cache.ensure(kind, namespace)
  await Promise.all(KINDS.map((kind) => cache.ensure(kind, namespace)))
  return {
    list: (apiVersion, kind) =>
      cache.knows({ apiVersion, kind }, namespace) ? cache.list(apiVersion, kind, namespace) : [],
    revision: () => revision,
    onChange: (handler) =>
      cache.onChange((ref) => {
        const { apiVersion, kind, name } = ref
        handler({ object: cache.get(ref) ?? { apiVersion, kind, metadata: { name, namespace } } })
      }),
    stop: () => cache.stop(),
  }
}
