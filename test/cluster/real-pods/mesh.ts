import { ClusterCache } from '../../../src/cluster/cache.ts'
import type { Client } from '../../../src/cluster/client.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { at, numberAt, stringAt } from '../../../src/lib/json.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import type { Endpoint, Proxy } from './proxy.ts'

/** A moment from which the proxy divides requests in another way. */
export interface WeightChange {
  readonly atMs: number
  /** The canary's weight in percent. */
  readonly canary: number
}

export interface MeshOptions {
  readonly client: Client
  readonly namespace: string
  /** Of the VirtualService; the Services are `<name>-primary` and `<name>-canary`. */
  readonly name: string
  readonly proxy: Proxy
}

/** What a mesh's control plane does: routes as the VirtualService says, to the pods that the cluster says are ready. */
export interface Mesh {
  readonly changes: readonly WeightChange[]
  /** What went wrong on the way to the proxy; empty when nothing did. */
  readonly problems: readonly string[]
  stop(): void
}

const VIRTUAL_SERVICE = { apiVersion: 'networking.istio.io/v1beta1', kind: 'VirtualService' } as const
const ENDPOINTS = { apiVersion: 'v1', kind: 'Endpoints' } as const

/** Follows the objects by watches, one change after the other, until it is stopped. */
export async function startMesh({ client, namespace, name, proxy }: MeshOptions): Promise<Mesh> {
  const services = [`${name}-primary`, `${name}-canary`]
  const changes: WeightChange[] = []
  const problems: string[] = []
  const told = (error: unknown): void => void problems.push(error instanceof Error ? error.message : String(error))
  const cache = new ClusterCache({ client, clock: systemClock, fieldManagers: [], onProblem: told })
  await cache.ensure(VIRTUAL_SERVICE, namespace)
  await cache.ensure(ENDPOINTS, namespace)

  const follow = async (): Promise<void> => {
    for (const service of services) {
      await proxy.setEndpoints(service, endpointsOf(cache.get({ ...ENDPOINTS, namespace, name: service })))
    }
    const weights = weightsOf(cache.get({ ...VIRTUAL_SERVICE, namespace, name }))
    if (weights.size === 0) return
    await proxy.setWeights(weights)
    const canary = weights.get(`${name}-canary`) ?? 0
    if (changes.at(-1)?.canary !== canary) changes.push({ atMs: Date.now(), canary })
  }
  let last = follow().catch(told)
  cache.onChange(() => {
    last = last.then(follow).catch(told)
  })
  await last
  return { changes, problems, stop: () => cache.stop() }
}

/** Ready addresses only: the endpoints controller follows the kubelet's readiness probes. */
function endpointsOf(object: KubeObject | undefined): readonly Endpoint[] {
  return listOf(at(object, 'subsets')).flatMap((subset) => {
    const port = numberAt(subset, 'ports', 0, 'port')
    const addresses = listOf(at(subset, 'addresses')).flatMap((one) => stringAt(one, 'ip') ?? [])
    return port === undefined ? [] : addresses.map((address) => ({ address, port }))
  })
}

function weightsOf(route: KubeObject | undefined): ReadonlyMap<string, number> {
  const destinations = listOf(at(route, 'spec', 'http', 0, 'route'))
  return new Map(
    destinations.flatMap((one) => {
      const host = stringAt(one, 'destination', 'host')
      return host === undefined ? [] : [[host, numberAt(one, 'weight') ?? 100] as const]
    }),
  )
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
