import { Canary } from '../../../src/resources/canary.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import type { ClusterView } from '../../../src/playground/traffic/cluster-view.ts'

/** A cluster of objects that a test may change. */
export class Cluster implements ClusterView {
  objects: KubeObject[] = []

  list(apiVersion: string, kind: string, namespace?: string): readonly KubeObject[] {
    return this.objects.filter(
      (object) =>
        object.apiVersion === apiVersion &&
        object.kind === kind &&
        (namespace === undefined || object.metadata.namespace === namespace),
    )
  }

  /** Adds objects in place of those with the same kind and name. */
  put(...objects: readonly KubeObject[]): void {
    for (const object of objects) {
      this.remove(object.kind, object.metadata.name)
      this.objects.push(object)
    }
  }

  remove(kind: string, name: string): void {
    this.objects = this.objects.filter((object) => object.kind !== kind || object.metadata.name !== name)
  }
}

/** A Service in `test` that selects pods with this value of the label `app`. */
export function service(name: string, app: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'test' }, spec: { selector: { app } } }
}

/** A pod of a Deployment in `test` with the label `app`. */
export function pod(app: string, suffix: string, image: string, annotations = {}, ready = 'True'): KubeObject {
  const hash = '7d9f8b6c5'
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${app}-${hash}`, uid: '1', controller: true }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${app}-${hash}-${suffix}`,
      namespace: 'test',
      labels: { app, 'pod-template-hash': hash },
      annotations,
      ownerReferences: [owner],
    },
    spec: { containers: [{ name: 'app', image }] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready }] },
  }
}

/** The podinfo canary, with an analysis as in the story. */
export function podinfo(provider: 'istio' | 'gatewayapi:v1'): Canary {
  return Canary.parse({
    apiVersion: 'flagger.app/v1beta1',
    kind: 'Canary',
    metadata: { name: 'podinfo', namespace: 'test' },
    spec: {
      provider,
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'podinfo' },
      service: { port: 9898, gatewayRefs: [{ name: 'public' }] },
      analysis: {
        interval: '10s',
        threshold: 5,
        stepWeight: 10,
        maxWeight: 50,
        metrics: [
          { name: 'request-success-rate', thresholdRange: { min: 99 }, interval: '1m' },
          { name: 'request-duration', thresholdRange: { max: 500 }, interval: '1m' },
        ],
      },
    },
  })
}
