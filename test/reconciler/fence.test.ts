import { describe, expect, test } from 'vitest'
import type { KubeObject, ObjectRef } from '../../src/lib/kube-object.ts'
import { Problem } from '../../src/lib/problem.ts'
import { Fence, fenced, type FencedCluster } from '../../src/reconciler/fence.ts'

const deployment: ObjectRef = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'test', name: 'podinfo' }
const route: ObjectRef = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  namespace: 'test',
  name: 'podinfo',
}

/** A server with versions, and a cache of it that is as old as the last look. */
function createServer() {
  const server = new Map<string, KubeObject>()
  const cache = new Map<string, KubeObject>()
  let next = 0
  const keyOf = (ref: ObjectRef): string => `${ref.kind}/${ref.name}`
  const put = (ref: ObjectRef, spec: object, isSpecChange: boolean): KubeObject => {
    const { apiVersion, kind, namespace = '', name } = ref
    const generation = (server.get(keyOf(ref))?.metadata.generation ?? 0) + (isSpecChange ? 1 : 0)
    const metadata = { namespace, name, generation, resourceVersion: String(++next) }
    const object: KubeObject = { apiVersion, kind, metadata, spec: { ...spec } }
    server.set(keyOf(ref), object)
    return object
  }
  const look = (): void => {
    for (const [key, object] of server) cache.set(key, object)
  }
  const cluster: FencedCluster = {
    get: (ref) => cache.get(keyOf(ref)),
    holds: () => false,
    refresh: async (ref) => {
      const live = server.get(keyOf(ref))
      if (live !== undefined) cache.set(keyOf(ref), live)
    },
    apply: async () => {
      throw new Error('not used here')
    },
    scale: async (ref, replicas, request) => {
      const live = server.get(keyOf(ref))
      if (live?.metadata.resourceVersion !== request?.resourceVersion) {
        throw new Problem({ kind: 'retry', code: 'CLUSTER_CONFLICT', message: 'the object has been modified' })
      }
      const written = put(ref, { replicas }, true)
      look()
      return written
    },
  }
  const controllerWritesStatus = (ref: ObjectRef): void => void put(ref, server.get(keyOf(ref))?.spec ?? {}, false)
  return { cluster, put, look, controllerWritesStatus, specOf: (ref: ObjectRef) => server.get(keyOf(ref))?.spec }
}

describe('fence: a write passes only over what was there before Git confirmed the record', () => {
  test('a status that the Deployment controller writes all the time holds up no write, and Git is asked again', async () => {
    const { cluster, put, look, controllerWritesStatus, specOf } = createServer()
    put(deployment, { replicas: 0 }, true)
    look()
    let asked = 0
    const stillHolds = async (): Promise<boolean> => {
      asked++
      // The controller is never quiet for the first few looks.
      if (asked < 4) controllerWritesStatus(deployment)
      return true
    }
    const fence = new Fence({ cluster, routes: [], others: [deployment], stillHolds })
    fence.confirm()
    controllerWritesStatus(deployment)

    await fenced(cluster, fence).scale(deployment, 2)

    expect(specOf(deployment)).toEqual({ replicas: 2 })
    expect(asked).toBe(4)
  })

  test('a Deployment that changed is not written when Git says that something else is recorded', async () => {
    const { cluster, put, look, specOf } = createServer()
    put(deployment, { replicas: 0 }, true)
    look()
    const fence = new Fence({ cluster, routes: [], others: [deployment], stillHolds: async () => false })
    fence.confirm()
    put(deployment, { replicas: 7 }, true)

    await expect(fenced(cluster, fence).scale(deployment, 2)).rejects.toMatchObject({ code: 'LEDGER_MOVED' })
    expect(specOf(deployment)).toEqual({ replicas: 7 })
  })

  test('a route whose gateway wrote its status is written, one that somebody changed is not', async () => {
    const { cluster, put, look, controllerWritesStatus, specOf } = createServer()
    put(route, { weight: 10 }, true)
    look()
    const options = { cluster, routes: [route], others: [], stillHolds: async () => true }
    const fence = new Fence(options)
    fence.confirm()
    controllerWritesStatus(route)
    await fenced(cluster, fence).scale(route, 1)
    expect(specOf(route)).toEqual({ replicas: 1 })

    put(route, { weight: 90 }, true)
    await expect(fenced(cluster, fence).scale(route, 2)).rejects.toMatchObject({ code: 'CLUSTER_CONFLICT' })
    expect(specOf(route)).toEqual({ weight: 90 })
  })
})
