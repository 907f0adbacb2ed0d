import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isApplied } from '../../src/cluster/applied.ts'
import { type Client, createClient } from '../../src/cluster/client.ts'
import type { JsonObject } from '../../src/lib/json.ts'
import { type KubeObject, refOf } from '../../src/lib/kube-object.ts'
import { Problem } from '../../src/lib/problem.ts'
import { createEmbeddedCluster } from '../../src/playground/cluster/embedded-cluster.ts'
import { createVirtualClock } from '../../src/playground/virtual-clock.ts'

const labels = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2'), { maxKeys: 3 })
const names = fc.uniqueArray(fc.constantFrom('web', 'side', 'more'), { minLength: 1, maxLength: 3 })
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined })

/** Deployments that differ in maps, keyed lists, plain lists, empty values and values that the server writes anew. */
const deployments = fc
  .record({
    labels,
    podAnnotations: maybe(labels),
    names,
    image: fc.constantFrom('one', 'two'),
    args: maybe(fc.array(fc.constantFrom('-a', '-b'), { maxLength: 3 })),
    env: maybe(fc.uniqueArray(fc.constantFrom('X', 'Y', 'Z'), { maxLength: 3 })),
    cpu: maybe(fc.constantFrom('1', '1000m', '500m')),
    ports: maybe(fc.uniqueArray(fc.constantFrom(80, 81), { maxLength: 2 })),
    replicas: maybe(fc.integer({ min: 1, max: 3 })),
    securityContext: maybe(fc.constantFrom({}, { runAsUser: 7 })),
  })
  .map((one): KubeObject => {
    const container = (name: string): JsonObject => ({
      name,
      image: one.image,
      ...(one.args && { args: one.args }),
      ...(one.env && { env: one.env.map((variable) => ({ name: variable, value: '1' })) }),
      ...(one.cpu !== undefined && { resources: { limits: { cpu: one.cpu } } }),
      ...(one.ports && { ports: one.ports.map((containerPort) => ({ containerPort })) }),
    })
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'p', namespace: 'default', labels: one.labels },
      spec: {
        ...(one.replicas !== undefined && { replicas: one.replicas }),
        selector: { matchLabels: { app: 'p' } },
        template: {
          metadata: { labels: { app: 'p' }, ...(one.podAnnotations && { annotations: one.podAnnotations }) },
          spec: {
            containers: one.names.map(container),
            ...(one.securityContext && { securityContext: one.securityContext }),
          },
        },
      },
    }
  })

const manager = { fieldManager: 'serin', force: true }

function refused(error: unknown): undefined {
  if (!(error instanceof Problem) || error.code !== 'CLUSTER_INVALID') throw error
}

async function liveOf(client: Client, object: KubeObject): Promise<KubeObject> {
  const live = await client.get(refOf(object))
  if (live === undefined) throw new Error('it is gone')
  return live
}

describe('cluster/applied', () => {
  it('spares an apply only where it would change nothing, whoever wrote in between', async () => {
    let spared = 0
    const step = fc.record({ by: fc.constantFrom('serin', 'people'), object: deployments })
    await fc.assert(
      fc.asyncProperty(deployments, fc.array(step, { maxLength: 3 }), deployments, async (first, steps, last) => {
        const cluster = createEmbeddedCluster({ clock: createVirtualClock(0), random: () => 0.5 })
        const client = createClient(cluster.transport)
        await client.apply(first, manager)
        for (const { by, object } of steps) {
          if (by === 'serin') await client.apply(object, manager).catch(refused)
          else await client.patch(refOf(object), { type: 'merge', body: object as JsonObject, fieldManager: 'people' })
        }
        for (const wanted of [steps.at(-1)?.object ?? first, last, last]) {
          const live = await liveOf(client, wanted)
          const isSpared = isApplied(live, wanted, 'serin')
          const applied = await client.apply(wanted, manager).catch(refused)
          // What people added to a container that we take away leaves half a container, which the server refuses.
          if (applied === undefined) {
            expect(isSpared).toBe(false)
            continue
          }
          if (!isSpared) continue
          spared += 1
          expect(applied.metadata.resourceVersion).toBe(live.metadata.resourceVersion)
        }
        cluster.stop()
      }),
      { numRuns: 60 },
    )

    expect(spared).toBeGreaterThan(20)
  })

  it('spares nearly every apply that repeats the last one', async () => {
    await fc.assert(
      fc.asyncProperty(deployments, async (wanted) => {
        const cluster = createEmbeddedCluster({ clock: createVirtualClock(0), random: () => 0.5 })
        const client = createClient(cluster.transport)
        await client.apply(wanted, manager)

        const isRewritten = JSON.stringify(wanted).includes('1000m')
        expect(isApplied(await liveOf(client, wanted), wanted, 'serin')).toBe(!isRewritten)
        cluster.stop()
      }),
      { numRuns: 60 },
    )
  })
})
