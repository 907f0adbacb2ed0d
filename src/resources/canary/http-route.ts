import { z } from 'zod'
import { Port, StringMap } from '../fields.ts'
import { StringMatch } from './http-match.ts'

/** What a matched request's path and host become. */
export const HttpRewrite = z.strictObject({
  uri: z.string().optional().describe('The new path, or the new prefix where a prefix was matched.'),
  authority: z.string().optional().describe('The new host.'),
  type: z.string().optional().describe('Gateway API only: ReplacePrefixMatch, anything else replaces the full path.'),
})

export const HttpRetries = z.strictObject({
  attempts: z.int().optional().describe('How often a failed request is tried again.'),
  perTryTimeout: z.string().optional().describe('Longest time of a single try, for example 1s.'),
  retryOn: z.string().optional().describe('What counts as failed, for example gateway-error,connect-failure.'),
})

const HeaderOperations = z.strictObject({
  add: StringMap.optional().describe('Headers to append.'),
  set: StringMap.optional().describe('Headers to overwrite.'),
  remove: z.array(z.string()).optional().describe('Headers to take away.'),
})

export const Headers = z.strictObject({
  request: HeaderOperations.optional().describe('Changes to requests.'),
  response: HeaderOperations.optional().describe('Changes to responses.'),
})

export const CorsPolicy = z.strictObject({
  allowOrigin: z.array(z.string()).optional().describe('Origins that may ask, literally.'),
  allowOrigins: z.array(StringMatch).optional().describe('Origins that may ask, as patterns.'),
  allowMethods: z.array(z.string()).optional().describe('Methods that may be used.'),
  allowHeaders: z.array(z.string()).optional().describe('Headers that may be sent.'),
  exposeHeaders: z.array(z.string()).optional().describe('Headers that scripts may read.'),
  maxAge: z.string().optional().describe('How long an answer may be kept, for example 24h.'),
  allowCredentials: z.boolean().optional().describe('Whether credentials may be sent along.'),
})

/** A Gateway that the HTTPRoute attaches to. */
export const GatewayRef = z.strictObject({
  group: z.string().optional().describe('gateway.networking.k8s.io when absent.'),
  kind: z.string().optional().describe('Gateway when absent.'),
  namespace: z.string().optional().describe('Namespace of the Gateway, when it is not the one of this resource.'),
  name: z.string().describe('Name of the Gateway.'),
  sectionName: z.string().optional().describe('Name of its listener; all listeners when absent.'),
  port: Port.optional().describe('Port of its listener.'),
})

/** A Service that gets a copy of every request for good (Gateway API). */
export const HttpMirror = z.strictObject({
  backendRef: z
    .strictObject({
      group: z.string().optional().describe('The core group when absent.'),
      kind: z.string().optional().describe('Service when absent.'),
      name: z.string().describe('Name of the Service.'),
      namespace: z.string().optional().describe('Namespace of the Service, when it is not the one of this resource.'),
      port: Port.optional().describe('Port of the Service.'),
    })
    .describe('The Service that gets the copies.'),
})
