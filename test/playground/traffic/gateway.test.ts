import { describe, expect, it, onTestFinished } from 'vitest'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import { seededRandom } from '../../../src/lib/seeded-random.ts'
import { createEmbeddedCluster, type EmbeddedCluster } from '../../../src/playground/cluster/embedded-cluster.ts'
import { meshDefinitions } from '../../../src/playground/mesh-definitions.ts'
import { startGateway } from '../../../src/playground/traffic/gateway.ts'
import { createVirtualClock } from '../../../src/playground/virtual-clock.ts'
import { gatewayApi } from '../../../src/traffic/gatewayapi.ts'
import { splitAt } from '../../../src/traffic/split.ts'
import { podinfo } from './support.ts'

const canary = podinfo('gatewayapi:v1')
const routes = '/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes'

function pending(cluster: EmbeddedCluster): string | undefined {
  const live = cluster.list('gateway.networking.k8s.io/v1', 'HTTPRoute')
  const here = live.map((route) => ({ ...route, metadata: { ...route.metadata, namespace: 'test' } }))
  return gatewayApi.pending(canary, here)
}

function written(weight: number): KubeObject {
  const [route] = gatewayApi.objects(canary, splitAt(weight))
  return { ...route!, metadata: { ...route!.metadata, namespace: 'default' } }
}

describe('playground/traffic/gateway', () => {
  it('accepts a route, and each new generation of it, as the provider waits for', async () => {
    let isDown = false
    const clock = createVirtualClock(Date.UTC(2026, 0, 1))
    const cluster = createEmbeddedCluster({
      clock,
      random: seededRandom(1),
      intercept: ({ path }) => (isDown && path.endsWith('/status') ? { fail: { status: 500, body: {} } } : 'pass'),
    })
    onTestFinished(() => cluster.stop())
    const send = async (method: 'POST' | 'PUT', path: string, body: KubeObject): Promise<void> => {
      const answer = await cluster.transport.send({ method, path, body: JSON.parse(JSON.stringify(body)) as never })
      if (answer.status >= 300) throw new Error(JSON.stringify(answer.body))
    }
    for (const definition of meshDefinitions()) {
      await send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition)
    }
    await clock.run(1000)
    const stop = startGateway({ cluster, clock })

    await send('POST', routes, written(10))
    expect(pending(cluster)).toMatch(/has not reported/)
    await clock.run(100)
    expect(pending(cluster)).toBeUndefined()

    isDown = true
    const live = cluster.list('gateway.networking.k8s.io/v1', 'HTTPRoute')[0]!
    await send('PUT', `${routes}/podinfo`, { ...live, spec: written(20).spec! })
    await clock.run(100)
    expect(pending(cluster)).toMatch(/has not seen generation 2/)
    isDown = false
    await clock.run(1000)
    expect(pending(cluster)).toBeUndefined()

    stop()
  })
})
