import { type JsonObject, at } from '../../lib/json.ts'
import type { KubeObject } from '../../lib/kube-object.ts'
import type { Canary } from '../../resources/canary.ts'
import { leaveAloneAnnotations } from '../../traffic/metadata.ts'
import { withPrefixes } from './metadata.ts'

/** The versions whose shape is the same as that of `autoscaling/v2`, newest first. */
export const autoscalerVersions: readonly string[] = ['autoscaling/v2', 'autoscaling/v2beta2']

export interface PrimaryAutoscalerOptions {
  /** The newest of `autoscalerVersions` that the cluster serves. */
  readonly apiVersion: string
  readonly includeLabelPrefixes?: readonly string[] | undefined
}

/** The HorizontalPodAutoscaler `<name>-primary`: like the target's, but for the primary. */
export function primaryAutoscaler(
  canary: Canary,
  autoscaler: KubeObject,
  { apiVersion, includeLabelPrefixes = [] }: PrimaryAutoscalerOptions,
): KubeObject {
  const bounds = canary.spec.autoscalerRef?.primaryScalerReplicas
  const spec: JsonObject = {
    ...present('minReplicas', bounds?.minReplicas ?? at(autoscaler, 'spec', 'minReplicas')),
    ...present('maxReplicas', bounds?.maxReplicas ?? at(autoscaler, 'spec', 'maxReplicas')),
    ...present('metrics', at(autoscaler, 'spec', 'metrics')),
    ...present('behavior', at(autoscaler, 'spec', 'behavior')),
    scaleTargetRef: {
      apiVersion: canary.spec.targetRef.apiVersion ?? 'apps/v1',
      kind: canary.spec.targetRef.kind,
      name: `${canary.spec.targetRef.name}-primary`,
    },
  }
  const labels = withPrefixes(autoscaler.metadata.labels, includeLabelPrefixes)
  return {
    apiVersion,
    kind: autoscaler.kind,
    metadata: {
      name: `${autoscaler.metadata.name}-primary`,
      namespace: canary.metadata.namespace,
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      annotations: { ...withPrefixes(autoscaler.metadata.annotations, includeLabelPrefixes), ...leaveAloneAnnotations },
    },
    spec,
  }
}

function present(field: string, value: JsonObject[string]): JsonObject {
  return value === undefined || value === null ? {} : { [field]: value }
}
