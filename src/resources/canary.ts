import { z } from 'zod'
import { Analysis } from './canary/analysis.ts'
import type { Metric } from './canary/metric.ts'
import { Service } from './canary/service.ts'
import { PROVIDERS, StringMap } from './fields.ts'

const localRef = (...kinds: [string, ...string[]]) =>
  z.strictObject({
    apiVersion: z.string().optional().describe('Group and version of the object.'),
    kind: z.enum(kinds).describe('Kind of the object.'),
    name: z.string().describe('Name of the object, in the namespace of this resource.'),
  })

const AutoscalerRef = z.strictObject({
  apiVersion: z
    .string()
    .optional()
    .describe('Group and version of the autoscaler; of a HorizontalPodAutoscaler the cluster chooses the version.'),
  kind: z.enum(['HorizontalPodAutoscaler', 'ScaledObject']).describe('Kind of the autoscaler.'),
  name: z.string().describe('Name of the autoscaler, in the namespace of this resource.'),
  primaryScalerQueries: StringMap.optional().describe('KEDA: trigger name to query of the primary scaler.'),
  primaryScalerReplicas: z
    .strictObject({
      minReplicas: z.int().min(1).optional().describe('Least number of pods.'),
      maxReplicas: z.int().min(1).optional().describe('Highest number of pods.'),
    })
    .optional()
    .describe('Bounds of the primary scaler where they differ from the ones of the target.'),
})

/** What a Canary asks for. */
export const CanarySpec = z.strictObject({
  provider: z.enum(PROVIDERS).optional().describe('Traffic provider, where it is not the configured one.'),
  metricsServer: z.string().optional().describe('Address of the Prometheus server for this canary.'),
  progressDeadlineSeconds: z
    .int()
    .optional()
    .describe('Longest time without progress before a rollout is rolled back; 600 when absent.'),
  targetRef: localRef('DaemonSet', 'Deployment', 'Service').describe('The workload that people edit.'),
  autoscalerRef: AutoscalerRef.optional().describe('The autoscaler of the target.'),
  ingressRef: localRef('Ingress').optional().describe('nginx and skipper: the Ingress of the target.'),
  routeRef: localRef('ApisixRoute').optional().describe('apisix: the route of the target.'),
  upstreamRef: localRef('Upstream')
    .extend({ namespace: z.string().optional().describe('Namespace of the upstream.') })
    .optional()
    .describe('gloo: the upstream whose settings are copied.'),
  service: Service.describe('How the target is exposed: the generated Services and routes.'),
  skipAnalysis: z.boolean().optional().describe('Promote new revisions at once, without traffic shift and checks.'),
  revertOnDeletion: z.boolean().optional().describe('Hand the target back as it was when the canary is deleted.'),
  suspend: z.boolean().optional().describe('Do nothing while true.'),
  analysis: Analysis.optional().describe('How a new revision is tried out before it is promoted.'),
})

/** A Canary as the project works with it: flagger.app/v1beta1, with older versions already converted. */
export const Canary = z.object({
  apiVersion: z.literal('flagger.app/v1beta1'),
  kind: z.literal('Canary'),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string(),
    uid: z.string().optional(),
    generation: z.number().optional(),
    labels: StringMap.optional(),
    annotations: StringMap.optional(),
    deletionTimestamp: z.string().optional(),
  }),
  spec: CanarySpec,
})
export type Canary = z.infer<typeof Canary>
export type CanaryMetric = z.infer<typeof Metric>
