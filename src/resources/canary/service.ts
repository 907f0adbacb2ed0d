import { z } from 'zod'
import { Port, StringMap } from '../fields.ts'
import { CorsPolicy, GatewayRef, Headers, HttpMirror, HttpRetries, HttpRewrite } from './http-route.ts'
import { HttpMatch } from './http-match.ts'
import { TrafficPolicy } from './traffic-policy.ts'

const CustomMetadata = z.strictObject({
  labels: StringMap.optional().describe('Labels to add.'),
  annotations: StringMap.optional().describe('Annotations to add.'),
})

/** How the target is exposed: the generated Services and the routing objects in front of them. */
export const Service = z.strictObject({
  name: z
    .string()
    .optional()
    .describe("Base name of the generated Services and routes; the target's name when absent."),
  port: Port.describe('Port of the generated Services.'),
  portName: z.string().optional().describe('Name of that port; http when absent.'),
  targetPort: z
    .union([Port, z.string()])
    .optional()
    .describe('Number or name of the container port; the Service port when absent.'),
  appProtocol: z.string().optional().describe('Application protocol of the Service port, for example http or grpc.'),
  portDiscovery: z.boolean().optional().describe('Add all other container ports to the generated Services.'),
  headless: z.boolean().optional().describe('Make the generated Services headless.'),
  trafficDistribution: z
    .enum(['PreferClose', 'PreferSameZone', 'PreferSameNode'])
    .optional()
    .describe('Which endpoints of the generated Services are preferred.'),
  timeout: z.string().optional().describe('Longest time a request may take, for example 15s.'),
  backendTimeout: z.string().optional().describe('Gateway API: longest time a single try may take.'),
  meshName: z.string().optional().describe('App Mesh: name of the mesh.'),
  backends: z.array(z.string()).optional().describe('App Mesh: virtual services that the workload calls.'),
  hosts: z.array(z.string()).optional().describe('Host names the routes answer to, besides the Service itself.'),
  gateways: z.array(z.string()).optional().describe('Istio gateways that the VirtualService is bound to.'),
  gatewayRefs: z.array(GatewayRef).max(32).optional().describe('Gateways that the HTTPRoute attaches to.'),
  delegation: z.boolean().optional().describe('Write an Istio delegate VirtualService, without hosts and gateways.'),
  match: z.array(HttpMatch).optional().describe('Which requests are routed; all of them when absent.'),
  rewrite: HttpRewrite.optional().describe('What the path and host of a request become.'),
  retries: HttpRetries.optional().describe('When and how often requests are tried again.'),
  headers: Headers.optional().describe('Changes to the headers of requests and responses.'),
  mirror: z.array(HttpMirror).optional().describe('Gateway API: Services that get a copy of every request for good.'),
  corsPolicy: CorsPolicy.optional().describe('Cross-origin requests that are allowed.'),
  trafficPolicy: TrafficPolicy.optional().describe('Istio: traffic policy of the generated DestinationRules.'),
  apex: CustomMetadata.optional().describe('Labels and annotations of the apex Service and the routing object.'),
  primary: CustomMetadata.optional().describe('Labels and annotations of the primary Service.'),
  canary: CustomMetadata.optional().describe('Labels and annotations of the canary Service.'),
  unmanagedMetadata: z
    .strictObject({
      labels: z.array(z.string()).optional().describe('Names of labels.'),
      annotations: z.array(z.string()).optional().describe('Names of annotations.'),
    })
    .optional()
    .describe('Keys on the generated Services that are left alone.'),
})
