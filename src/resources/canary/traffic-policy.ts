import { z } from 'zod'

const TcpSettings = z.strictObject({
  maxConnections: z.int().optional().describe('Highest number of connections to a host.'),
  connectTimeout: z.string().optional().describe('Longest time to connect, for example 10s.'),
})

const HttpSettings = z.strictObject({
  h2UpgradePolicy: z.string().optional().describe('Whether HTTP/1.1 connections are upgraded to HTTP/2.'),
  http1MaxPendingRequests: z.int().optional().describe('Highest number of requests that wait for a connection.'),
  http2MaxRequests: z.int().optional().describe('Highest number of requests at the same time.'),
  idleTimeout: z.string().optional().describe('How long a connection may be idle, for example 1h.'),
  maxRequestsPerConnection: z.int().optional().describe('Highest number of requests over one connection.'),
  maxRetries: z.int().optional().describe('Highest number of retries at the same time.'),
})

const LoadBalancer = z.strictObject({
  simple: z
    .enum(['ROUND_ROBIN', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH', 'LEAST_REQUEST'])
    .optional()
    .describe('How the next host is chosen.'),
  consistentHash: z
    .strictObject({
      httpHeaderName: z.string().optional().describe('Header whose value chooses the host.'),
      httpCookie: z
        .strictObject({
          name: z.string().optional().describe('Name of the cookie.'),
          path: z.string().optional().describe('Path of the cookie.'),
          ttl: z.string().optional().describe('Lifetime of the cookie, for example 1h.'),
        })
        .optional()
        .describe('Cookie whose value chooses the host.'),
      useSourceIp: z.boolean().optional().describe('Choose the host by the address of the client.'),
      httpQueryParameterName: z.string().optional().describe('Query parameter whose value chooses the host.'),
      minimumRingSize: z.int().optional().describe('Least number of virtual nodes in the hash ring.'),
    })
    .optional()
    .describe('Requests that have something in common go to the same host.'),
  localityLbSetting: z
    .strictObject({
      enabled: z.boolean().optional().describe('Whether it overrides the settings of the mesh.'),
      distribute: z
        .array(
          z.strictObject({
            from: z.string().optional().describe('Where requests come from, region/zone.'),
            to: z.record(z.string(), z.int()).optional().describe('Percentage of them for each region/zone.'),
          }),
        )
        .optional()
        .describe('Which localities get how much.'),
      failover: z
        .array(
          z.strictObject({
            from: z.string().optional().describe('Region that has no healthy hosts left.'),
            to: z.string().optional().describe('Region that gets its requests.'),
          }),
        )
        .optional()
        .describe('Where requests go when a region is unhealthy.'),
      failoverPriority: z
        .array(z.string())
        .optional()
        .describe('Labels in the order of their importance for a failover.'),
    })
    .optional()
    .describe('How localities are preferred.'),
  warmupDurationSecs: z.string().optional().describe('How long a new host gets less traffic, for example 30s.'),
})

const OutlierDetection = z.strictObject({
  baseEjectionTime: z.string().optional().describe('How long a host is ejected at least, for example 30s.'),
  consecutive5xxErrors: z.int().optional().describe('5xx answers in a row that eject a host.'),
  consecutiveErrors: z.int().optional().describe('Errors in a row that eject a host (older Istio).'),
  consecutiveGatewayErrors: z.int().optional().describe('Gateway errors in a row that eject a host.'),
  consecutiveLocalOriginFailures: z.int().optional().describe('Failed connections in a row that eject a host.'),
  splitExternalLocalOriginErrors: z.boolean().optional().describe('Count failed connections apart from answers.'),
  interval: z.string().optional().describe('Time between two looks at the hosts, for example 10s.'),
  maxEjectionPercent: z.int().optional().describe('Highest percentage of hosts that is ejected.'),
  minHealthPercent: z.int().optional().describe('Percentage of healthy hosts below which none is ejected.'),
})

const Tls = z.strictObject({
  mode: z
    .enum(['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'])
    .optional()
    .describe('Whether and how connections are encrypted.'),
  clientCertificate: z.string().optional().describe('File with the client certificate.'),
  privateKey: z.string().optional().describe('File with its private key.'),
  caCertificates: z.string().optional().describe('File with the certificates of trusted authorities.'),
  sni: z.string().optional().describe('Server name that is asked for.'),
  subjectAltNames: z.array(z.string()).optional().describe("Names of which the server's certificate must have one."),
})

/** Istio's DestinationRule traffic policy for the generated primary and canary hosts. */
export const TrafficPolicy = z.strictObject({
  connectionPool: z
    .strictObject({
      tcp: TcpSettings.optional().describe('Limits of TCP connections.'),
      http: HttpSettings.optional().describe('Limits of HTTP connections.'),
    })
    .optional()
    .describe('Limits of the connections to a host.'),
  loadBalancer: LoadBalancer.optional().describe('How hosts are chosen.'),
  outlierDetection: OutlierDetection.optional().describe('When unhealthy hosts are ejected.'),
  tls: Tls.optional().describe('Encryption of the connections.'),
})
