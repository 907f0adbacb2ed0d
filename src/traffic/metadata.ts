import type { ObjectMeta } from '../lib/kube-object.ts'
import type { Canary } from '../resources/canary.ts'

/** Tells Flux to leave generated objects alone: their weights change outside of Flux's sources. */
export const leaveAloneAnnotations: Readonly<Record<string, string>> = {
  'kustomize.toolkit.fluxcd.io/reconcile': 'disabled',
  'helm.toolkit.fluxcd.io/driftDetection': 'disabled',
}

/** Metadata of a routing object: labels and annotations of `service.apex`, and the annotations that Flux obeys. */
export function routeMetadata(canary: Canary, name: string): ObjectMeta {
  const apex = canary.spec.service.apex
  return {
    name,
    namespace: canary.metadata.namespace,
    ...(apex?.labels && { labels: apex.labels }),
    annotations: { ...apex?.annotations, ...leaveAloneAnnotations },
  }
}
