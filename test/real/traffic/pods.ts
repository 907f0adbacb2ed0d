import type { ClusterCache } from '../../../src/cluster/cache.ts'
import { at, stringAt } from '../../../src/lib/json.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'

/** A pod that takes requests. */
export interface LivePod {
  readonly name: string
  /** The tag of its image. */
  readonly version: string
}

/** How long a pod that was told to end goes on to serve, as a preStop hook makes real ones: routes are not there at once. */
export const GRACE_MS = 500

/** The pods that a Service would lead to. */
export interface Pods {
  /** The next one, in turn; undefined when there is none that serves. */
  next(): LivePod | undefined
}

/**
 * Follows the ready pods of a namespace that carry a label `app`. `cache` watches the pods of the namespace. `onReady` is
 * told of each pod once, when it gets ready.
 */
export function followPods(cache: ClusterCache, namespace: string, app: string, onReady: (pod: LivePod) => void): Pods {
  const known = new Set<string>()
  let ready: readonly LivePod[] = []
  let leaving: { readonly pods: readonly LivePod[]; readonly untilMs: number } = { pods: [], untilMs: 0 }
  let turn = 0
  const look = (): void => {
    const before = ready
    ready = cache
      .list('v1', 'Pod', namespace)
      .filter((pod) => pod.metadata.labels?.['app'] === app && isReady(pod))
      .map((pod) => ({ name: pod.metadata.name, version: versionOf(pod) }))
    if (before.length > 0 && ready.length === 0) leaving = { pods: before, untilMs: performance.now() + GRACE_MS }
    for (const pod of ready) {
      if (!known.has(pod.name)) onReady(pod)
      known.add(pod.name)
    }
  }
  cache.onChange(({ kind }) => kind === 'Pod' && look())
  look()
  return {
    next() {
      const serving = ready.length > 0 || performance.now() > leaving.untilMs ? ready : leaving.pods
      turn += 1
      return serving[turn % serving.length]
    },
  }
}

function isReady(pod: KubeObject): boolean {
  const conditions = at(pod, 'status', 'conditions')
  if (pod.metadata.deletionTimestamp !== undefined || !Array.isArray(conditions)) return false
  return conditions.some((one) => stringAt(one, 'type') === 'Ready' && stringAt(one, 'status') === 'True')
}

function versionOf(pod: KubeObject): string {
  return stringAt(pod, 'spec', 'containers', 0, 'image')?.split(':').at(-1) ?? ''
}
