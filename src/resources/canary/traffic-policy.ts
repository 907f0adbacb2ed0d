import { z } from 'zod'

const TcpSettings = z.strictObject({
  maxConnections: z.int().optional(),
  connectTimeout: z.string().optional(),
})

const HttpSettings = z.strictObject({
  h2UpgradePolicy: z.string().optional(),
  http1MaxPendingRequests: z.int().optional(),
  http2MaxRequests: z.int().optional(),
  idleTimeout: z.string().optional(),
  maxRequestsPerConnection: z.int().optional(),
  maxRetries: z.int().optional(),
})

const LoadBalancer = z.strictObject({
  simple: z.enum(['ROUND_ROBIN', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH', 'LEAST_REQUEST']).optional(),
  consistentHash: z
    .strictObject({
      httpHeaderName: z.string().optional(),
      httpCookie: z
        .strictObject({ name: z.string().optional(), path: z.string().optional(), ttl: z.string().optional() })
        .optional(),
      useSourceIp: z.boolean().optional(),
      httpQueryParameterName: z.string().optional(),
      minimumRingSize: z.int().optional(),
    })
    .optional(),
  localityLbSetting: z
    .strictObject({
      enabled: z.boolean().optional(),
      distribute: z
        .array(z.strictObject({ from: z.string().optional(), to: z.record(z.string(), z.int()).optional() }))
        .optional(),
      failover: z.array(z.strictObject({ from: z.string().optional(), to: z.string().optional() })).optional(),
      failoverPriority: z.array(z.string()).optional(),
    })
    .optional(),
  warmupDurationSecs: z.string().optional(),
})

const OutlierDetection = z.strictObject({
  baseEjectionTime: z.string().optional(),
  consecutive5xxErrors: z.int().optional(),
  consecutiveErrors: z.int().optional(),
  consecutiveGatewayErrors: z.int().optional(),
  consecutiveLocalOriginFailures: z.int().optional(),
  splitExternalLocalOriginErrors: z.boolean().optional(),
  interval: z.string().optional(),
  maxEjectionPercent: z.int().optional(),
  minHealthPercent: z.int().optional(),
})

const Tls = z.strictObject({
  mode: z.enum(['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL']).optional(),
  clientCertificate: z.string().optional(),
  privateKey: z.string().optional(),
  caCertificates: z.string().optional(),
  sni: z.string().optional(),
  subjectAltNames: z.array(z.string()).optional(),
})

/** Istio's DestinationRule traffic policy for the generated primary and canary hosts. */
export const TrafficPolicy = z.strictObject({
  connectionPool: z.strictObject({ tcp: TcpSettings.optional(), http: HttpSettings.optional() }).optional(),
  loadBalancer: LoadBalancer.optional(),
  outlierDetection: OutlierDetection.optional(),
  tls: Tls.optional(),
})
