import { z } from 'zod'
import { StringMap } from './fields.ts'

/** The kinds of server that a MetricTemplate's query can be sent to. */
export const METRIC_PROVIDERS = [
  'prometheus',
  'influxdb',
  'datadog',
  'externalmetrics',
  'stackdriver',
  'cloudwatch',
  'newrelic',
  'graphite',
  'dynatrace',
  'keptn',
  'splunk',
] as const

const MetricProvider = z.strictObject({
  type: z.enum(METRIC_PROVIDERS).describe('The kind of server.'),
  address: z.string().optional().describe('Address of the server.'),
  headers: z.record(z.string(), z.array(z.string())).optional().describe('Sent along with each request.'),
  secretRef: z
    .strictObject({ name: z.string().describe('Name of the Secret.') })
    .optional()
    .describe('Secret with the credentials, in the namespace of the template.'),
  region: z.string().optional().describe('CloudWatch: region of the metrics.'),
  insecureSkipVerify: z.boolean().optional().describe('Accept any certificate.'),
})

/** A query that many canaries can use, and the server it is sent to. */
export const MetricTemplateSpec = z.strictObject({
  provider: MetricProvider.describe('The server that answers the query.'),
  query: z.string().describe('The query, with template variables such as {{ target }} and {{ interval }}.'),
})

/** A MetricTemplate, flagger.app/v1beta1. */
export const MetricTemplate = z.object({
  apiVersion: z.literal('flagger.app/v1beta1'),
  kind: z.literal('MetricTemplate'),
  metadata: z.looseObject({ name: z.string(), namespace: z.string(), labels: StringMap.optional() }),
  spec: MetricTemplateSpec,
})
export type MetricTemplate = z.infer<typeof MetricTemplate>
