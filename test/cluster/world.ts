import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { Cluster } from '../../src/cluster/cluster.ts'
import { createClient } from '../../src/cluster/client.ts'
import type { ApiRequest, KubeTransport } from '../../src/cluster/transport.ts'
import type { KubeObject } from '../../src/lib/kube-object.ts'
import type { Problem } from '../../src/lib/problem.ts'
import { type Interception, createEmbeddedCluster } from '../../src/playground/cluster/embedded-cluster.ts'
import { createVirtualClock } from '../../src/playground/virtual-clock.ts'
import type { Canary } from '../../src/resources/canary.ts'

export const start = Date.UTC(2026, 0, 1, 12)

/** A Canary of `podinfo.test`; parts of its spec can be replaced. */
export function canaryOf(spec: Partial<Canary['spec']> = {}, uid = 'c0ffee'): Canary {
  return {
    apiVersion: 'flagger.app/v1beta1',
    kind: 'Canary',
    metadata: { name: 'podinfo', namespace: 'test', uid },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'podinfo' },
      service: { port: 9898 },
      analysis: { interval: '1m', threshold: 5, maxWeight: 50, stepWeight: 10 },
      ...spec,
    },
  }
}

/** A Deployment `podinfo.test` as people write it. */
export function targetOf(image = 'podinfo:1', spec: Record<string, unknown> = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'podinfo', namespace: 'test', labels: { app: 'podinfo', team: 'blue' } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'podinfo' } },
      template: {
        metadata: { labels: { app: 'podinfo', tier: 'web' }, annotations: { 'prometheus.io/scrape': 'true' } },
        spec: {
          containers: [
            {
              name: 'podinfod',
              image,
              ports: [{ containerPort: 9898, name: 'http' }],
              resources: { requests: { cpu: '1000m', memory: '64Mi' } },
            },
          ],
        },
      },
      ...spec,
    } as NonNullable<KubeObject['spec']>,
  }
}

/** An embedded cluster with a namespace `test`, the Canary definition and a Cluster over it that counts its requests. */
export async function createWorld() {
  const clock = createVirtualClock(start)
  const requests: string[] = []
  const faults: { intercept: (request: ApiRequest) => Interception } = { intercept: () => 'pass' }
  const embedded = createEmbeddedCluster({
    clock,
    random: numbers(),
    intercept: (request) => faults.intercept(request),
  })
  const transport = counting(embedded.transport, requests)
  const people = createClient(embedded.transport)
  await people.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'test' } }, { fieldManager: 'people' })
  const definition = parse(
    readFileSync(new URL('../../manifests/crds/canaries.yaml', import.meta.url), 'utf8'),
  ) as KubeObject
  await people.create(definition, { fieldManager: 'people' })
  const problems: Problem[] = []
  const cluster = new Cluster({ transport, clock, random: () => 0, onProblem: (problem) => problems.push(problem) })
  return {
    clock,
    requests,
    faults,
    embedded,
    people,
    cluster,
    problems,
    end: () => {
      cluster.stop()
      embedded.stop()
    },
  }
}

function numbers(): () => number {
  let seed = 42
  return () => {
    seed = (seed * 16807) % 2147483647
    return seed / 2147483647
  }
}

/** A transport that notes the method and path of each request. */
export function counting(transport: KubeTransport, requests: string[]): KubeTransport {
  return {
    send: (request) => {
      requests.push(`${request.method} ${request.path}`)
      return transport.send(request)
    },
    watch: (request) => {
      requests.push(`WATCH ${request.path}`)
      return transport.watch(request)
    },
  }
}
