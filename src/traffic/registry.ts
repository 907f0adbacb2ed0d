import type { KubeObject } from '../lib/kube-object.ts'
import { Problem } from '../lib/problem.ts'
import { PROVIDERS } from '../resources/fields.ts'
import { gatewayApi } from './gatewayapi.ts'
import { istio } from './istio.ts'
import { kubernetes } from './kubernetes.ts'
import type { TrafficProvider } from './provider.ts'

const names: readonly string[] = PROVIDERS
const providers: readonly TrafficProvider[] = [gatewayApi, istio, kubernetes]

/**
 * The provider of a name in `spec.provider`. Throws a Problem (`stalled`): `TRAFFIC_PROVIDER_UNAVAILABLE` for a name of
 * Flagger that is not built yet, `TRAFFIC_PROVIDER_UNKNOWN` for any other. `place` is what the Problem points at.
 */
export function trafficProvider(name: string, place?: string): TrafficProvider {
  const found = providers.find((provider) => provider.name === name)
  if (found !== undefined) return found
  const isKnown = names.includes(name)
  throw new Problem({
    kind: 'stalled',
    code: isKnown ? 'TRAFFIC_PROVIDER_UNAVAILABLE' : 'TRAFFIC_PROVIDER_UNKNOWN',
    message: isKnown ? `traffic provider "${name}" is not built yet` : `there is no traffic provider "${name}"`,
    place,
    hint: `these work: ${providers.map((provider) => provider.name).join(', ')}`,
  })
}

/** The provider that wrote recorded objects: that of their kinds, and `kubernetes` where there are Services only. */
export function providerThatWrote(routes: readonly KubeObject[]): TrafficProvider | undefined {
  const written = routes.filter(({ kind }) => kind !== 'Service')
  return written.length === 0
    ? kubernetes
    : providers.find(({ kinds }) => written.every((object) => kinds.some(isOf(object))))
}

function isOf(object: KubeObject): (kind: { readonly apiVersion: string; readonly kind: string }) => boolean {
  return ({ apiVersion, kind }) => object.apiVersion === apiVersion && object.kind === kind
}

/** The kinds that any built provider writes, for watches and RBAC. */
export function routingKinds(): readonly { readonly apiVersion: string; readonly kind: string }[] {
  return providers.flatMap((provider) => provider.kinds)
}
