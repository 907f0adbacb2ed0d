import { z } from 'zod'
import { CrossNamespaceRef, Duration, StringMap } from '../fields.ts'

/** One check of the analysis: a built-in metric by name, a MetricTemplate, or (deprecated) a PromQL query. */
export const Metric = z.strictObject({
  name: z.string().describe('request-success-rate, request-duration, or a name of its own for a template or query.'),
  interval: Duration.optional().describe('Window of the query; 1m when absent.'),
  threshold: z.number().optional().describe('Deprecated, use thresholdRange. Least success rate, or highest value.'),
  thresholdRange: z
    .strictObject({
      min: z.number().optional().describe('Least value that is good.'),
      max: z.number().optional().describe('Highest value that is good.'),
    })
    .optional()
    .describe('The check passes while the value is inside the bounds.'),
  query: z.string().optional().describe('Deprecated, use templateRef. A PromQL query.'),
  templateRef: CrossNamespaceRef.optional().describe('The MetricTemplate that holds the query.'),
  templateVariables: StringMap.optional().describe('Values for the variables of the template.'),
})
