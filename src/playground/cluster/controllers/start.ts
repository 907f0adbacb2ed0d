import type { ApiContext } from '../api/context.ts'
import { startDefinitions } from './definitions.ts'

/** How the controllers pace themselves. */
export interface ControllerSettings {
  /** How long a pod takes to become ready, in milliseconds. */
  readonly podStartMs: number
}

/** Puts the furniture of a new cluster in place and starts its controllers. Returns what stops them. */
export function startControllers(context: ApiContext, _settings: ControllerSettings): () => void {
  for (const name of ['default', 'kube-system']) {
    context.store.put('namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name,
        uid: context.newUid(),
        creationTimestamp: context.timestamp(),
        labels: { 'kubernetes.io/metadata.name': name },
      },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    })
  }
  return startDefinitions(context)
}
