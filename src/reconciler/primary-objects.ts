import { primaryAutoscaler } from '../cluster/workloads/autoscaler.ts'
import { primaryDeployment } from '../cluster/workloads/deployment.ts'
import { defaultSelectorLabels } from '../cluster/workloads/selector.ts'
import type { KubeObject } from '../lib/kube-object.ts'
import type { Canary } from '../resources/canary.ts'

/**
 * What serves a target's revision: the primary workload and, where the canary names one, its autoscaler. Under an
 * autoscaler no number of replicas is named: applying one would fight it.
 */
export function primaryObjects(
  canary: Canary,
  target: KubeObject,
  current: KubeObject | undefined,
  autoscaler: { readonly object: KubeObject | undefined; readonly apiVersion: string },
): readonly KubeObject[] {
  const primary = primaryDeployment(canary, target, { selectorLabels: defaultSelectorLabels, current })
  if (canary.spec.autoscalerRef === undefined) return [primary]
  const { replicas: _replicas, ...spec } = primary.spec ?? {}
  const scaled = { ...primary, spec }
  return autoscaler.object === undefined
    ? [scaled]
    : [scaled, primaryAutoscaler(canary, autoscaler.object, { apiVersion: autoscaler.apiVersion })]
}
