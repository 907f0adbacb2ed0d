import { z } from 'zod'

const Percent = z.number().int().min(0).max(100)
const StringMap = z.record(z.string(), z.string())
const Duration = z.string().regex(/^[0-9]+(m|s)/)

const CustomMetadata = z.strictObject({ labels: StringMap.optional(), annotations: StringMap.optional() })

const StringMatch = z.strictObject({
  exact: z.string().optional(),
  prefix: z.string().optional(),
  suffix: z.string().optional(),
  regex: z.string().optional(),
})

const HttpMatch = z.strictObject({
  name: z.string().optional(),
  uri: StringMatch.optional(),
  scheme: StringMatch.optional(),
  method: StringMatch.optional(),
  authority: StringMatch.optional(),
  headers: z.record(z.string(), StringMatch).optional(),
  withoutHeaders: z.record(z.string(), StringMatch).optional(),
  queryParams: z.record(z.string(), StringMatch).optional(),
  ignoreUriCase: z.boolean().optional(),
  port: z.number().int().optional(),
  sourceLabels: StringMap.optional(),
  sourceNamespace: z.string().optional(),
  gateways: z.array(z.string()).optional(),
})

const CrossNamespaceRef = z.strictObject({ name: z.string(), namespace: z.string().optional() })

const Metric = z.strictObject({
  name: z.string(),
  interval: Duration.optional(),
  threshold: z.number().optional(),
  thresholdRange: z.strictObject({ min: z.number().optional(), max: z.number().optional() }).optional(),
  query: z.string().optional(),
  templateRef: CrossNamespaceRef.optional(),
  templateVariables: StringMap.optional(),
})

const Analysis = z.strictObject({
  interval: Duration.optional(),
  threshold: z.number().int().optional(),
  iterations: z.number().int().min(0).optional(),
  maxWeight: Percent.optional(),
  stepWeight: Percent.optional(),
  stepWeights: z.array(Percent).optional(),
  stepWeightPromotion: Percent.optional(),
  primaryReadyThreshold: Percent.optional(),
  canaryReadyThreshold: Percent.optional(),
  metrics: z.array(Metric).optional(),
})

const Service = z.strictObject({
  name: z.string().optional(),
  port: z.number().int(),
  portName: z.string().optional(),
  targetPort: z.union([z.number().int(), z.string()]).optional(),
  appProtocol: z.string().optional(),
  portDiscovery: z.boolean().optional(),
  headless: z.boolean().optional(),
  trafficDistribution: z.string().optional(),
  timeout: z.string().optional(),
  backendTimeout: z.string().optional(),
  hosts: z.array(z.string()).optional(),
  gateways: z.array(z.string()).optional(),
  match: z.array(HttpMatch).optional(),
  apex: CustomMetadata.optional(),
  primary: CustomMetadata.optional(),
  canary: CustomMetadata.optional(),
})

const CanarySpec = z.strictObject({
  provider: z.string().optional(),
  metricsServer: z.string().optional(),
  progressDeadlineSeconds: z.number().int().optional(),
  targetRef: z.strictObject({ apiVersion: z.string().optional(), kind: z.string(), name: z.string() }),
  autoscalerRef: z
    .strictObject({
      apiVersion: z.string().optional(),
      kind: z.string(),
      name: z.string(),
      primaryScalerReplicas: z
        .strictObject({ minReplicas: z.number().int().optional(), maxReplicas: z.number().int().optional() })
        .optional(),
    })
    .optional(),
  service: Service,
  skipAnalysis: z.boolean().optional(),
  revertOnDeletion: z.boolean().optional(),
  suspend: z.boolean().optional(),
  analysis: Analysis.optional(),
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
