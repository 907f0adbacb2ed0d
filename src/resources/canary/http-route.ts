import { z } from 'zod'
import { Port, StringMap } from '../fields.ts'
import { StringMatch } from './http-match.ts'

/** What a matched request's path and host become. */
export const HttpRewrite = z.strictObject({
  uri: z.string().optional(),
  authority: z.string().optional(),
  type: z.string().optional().describe('Gateway API only: ReplacePrefixMatch, anything else replaces the full path.'),
})

export const HttpRetries = z.strictObject({
  attempts: z.int().optional(),
  perTryTimeout: z.string().optional(),
  retryOn: z.string().optional(),
})

const HeaderOperations = z.strictObject({
  add: StringMap.optional(),
  set: StringMap.optional(),
  remove: z.array(z.string()).optional(),
})

export const Headers = z.strictObject({
  request: HeaderOperations.optional(),
  response: HeaderOperations.optional(),
})

export const CorsPolicy = z.strictObject({
  allowOrigin: z.array(z.string()).optional(),
  allowOrigins: z.array(StringMatch).optional(),
  allowMethods: z.array(z.string()).optional(),
  allowHeaders: z.array(z.string()).optional(),
  exposeHeaders: z.array(z.string()).optional(),
  maxAge: z.string().optional(),
  allowCredentials: z.boolean().optional(),
})

/** A Gateway that the HTTPRoute attaches to. */
export const GatewayRef = z.strictObject({
  group: z.string().optional().describe('gateway.networking.k8s.io when absent.'),
  kind: z.string().optional().describe('Gateway when absent.'),
  namespace: z.string().optional(),
  name: z.string(),
  sectionName: z.string().optional(),
  port: Port.optional(),
})

/** A Service that gets a copy of every request for good (Gateway API). */
export const HttpMirror = z.strictObject({
  backendRef: z.strictObject({
    group: z.string().optional(),
    kind: z.string().optional(),
    name: z.string(),
    namespace: z.string().optional(),
    port: Port.optional(),
  }),
})
