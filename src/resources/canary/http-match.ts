import { z } from 'zod'
import { StringMap } from '../fields.ts'

/** How a text must look; one of the fields. */
export const StringMatch = z.strictObject({
  exact: z.string().optional().describe('The whole text.'),
  prefix: z.string().optional().describe('What the text begins with.'),
  suffix: z.string().optional().describe('What the text ends with.'),
  regex: z.string().optional().describe('A regular expression (RE2) for the whole text.'),
})

/** Which requests: all of the given conditions hold. The shape is Istio's HTTPMatchRequest. */
export const HttpMatch = z.strictObject({
  name: z.string().optional().describe('Name of the match, for statistics.'),
  uri: StringMatch.optional().describe('Path of the request.'),
  scheme: StringMatch.optional().describe('http or https.'),
  method: StringMatch.optional().describe('HTTP method.'),
  authority: StringMatch.optional().describe('HTTP authority (host).'),
  headers: z.record(z.string(), StringMatch).optional().describe('Headers by their lower-case names.'),
  withoutHeaders: z.record(z.string(), StringMatch).optional().describe('Headers that the request must not have.'),
  queryParams: z.record(z.string(), StringMatch).optional().describe('Query parameters by their names.'),
  ignoreUriCase: z.boolean().optional().describe('Compare the path without regard to case.'),
  port: z.int().optional().describe('Port that the request is sent to.'),
  sourceLabels: StringMap.optional().describe('Labels of the pods that the requests come from.'),
  sourceNamespace: z.string().optional().describe('Namespace that the requests come from.'),
  gateways: z.array(z.string()).optional().describe('Gateways that the match is for.'),
})
