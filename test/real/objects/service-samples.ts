import type { Canary } from '../../../src/resources/canary.ts'

type Service = Canary['spec']['service']
type Field = keyof Service

/** Values of one field of `spec.service`. Together the samples have every field below it. */
export type Samples = { readonly [F in Field]-?: readonly NonNullable<Service[F]>[] }

const everyMatch = {
  name: 'all-conditions',
  uri: { prefix: '/api' },
  scheme: { exact: 'https' },
  method: { regex: 'GET|HEAD' },
  authority: { exact: 'app.example.com' },
  headers: { 'x-user': { prefix: 'beta' }, 'x-group': { suffix: '-team' } },
  withoutHeaders: { 'x-internal': { regex: '.+' } },
  queryParams: { version: { exact: '2' } },
  ignoreUriCase: true,
  port: 8080,
  sourceLabels: { app: 'web' },
  sourceNamespace: 'web',
  gateways: ['mesh'],
}

/** Values for every field of `spec.service` that a cluster takes, alone or with others of this table. */
export const serviceSamples: Samples = {
  name: ['shop'],
  port: [80, 9898],
  portName: ['http-web'],
  targetPort: [9899, 'http'],
  appProtocol: ['http', 'grpc', 'tcp', 'kubernetes.io/h2c'],
  portDiscovery: [true, false],
  headless: [true, false],
  trafficDistribution: ['PreferClose', 'PreferSameZone', 'PreferSameNode'],
  timeout: ['15s', '500ms'],
  backendTimeout: ['100ms'],
  meshName: ['global'],
  backends: [['http://backend.test.svc.cluster.local']],
  hosts: [['app.example.com'], ['*'], ['*.example.com', 'shop.example.org']],
  gateways: [['istio-system/public-gateway'], ['mesh', 'public-gateway']],
  gatewayRefs: [
    [{ name: 'public' }],
    [
      {
        group: 'gateway.networking.k8s.io',
        kind: 'Gateway',
        namespace: 'ingress',
        name: 'public',
        sectionName: 'https',
        port: 443,
      },
      { name: 'internal', namespace: 'ingress' },
    ],
    [{ group: '', kind: 'Service', name: 'podinfo', port: 9898 }],
  ],
  delegation: [true, false],
  match: [
    [{ uri: { prefix: '/' } }],
    [{ uri: { exact: '/index.html' }, method: { exact: 'GET' } }],
    [
      {
        uri: { regex: '/v[0-9]+/.*' },
        headers: { 'x-canary': { exact: 'insider' }, cookie: { regex: '^(.*?;)?(a=b)$' } },
      },
    ],
    [{ queryParams: { debug: { exact: '1' }, trace: { regex: '[a-z]+' } } }, { headers: { 'x-user': { exact: 'a' } } }],
    [{ uri: { suffix: '.html' } }, everyMatch],
    // Every way to compare a text, where a text may be compared.
    ...[{ exact: 'https' }, { prefix: 'h' }, { suffix: 's' }, { regex: 'https?' }].map((text) => [
      {
        scheme: text,
        method: text,
        authority: text,
        headers: { 'x-user': text },
        withoutHeaders: { 'x-user': text },
        queryParams: { user: text },
      },
    ]),
    [{ port: 9898, sourceLabels: { app: 'web' }, sourceNamespace: 'web', gateways: ['mesh'] }],
  ],
  rewrite: [
    { uri: '/' },
    { uri: '/v2', authority: 'inner.example.com' },
    { authority: 'inner.example.com' },
    { uri: '/v2', type: 'ReplacePrefixMatch' },
    { uri: '/v2', type: 'ReplaceFullPath' },
  ],
  retries: [
    { attempts: 3, perTryTimeout: '1s', retryOn: 'gateway-error,connect-failure,refused-stream' },
    { attempts: 0 },
  ],
  headers: [
    { request: { add: { 'x-added': 'a' }, set: { 'x-set': 'b' }, remove: ['x-gone'] } },
    { response: { add: { 'x-added': 'a' }, set: { 'x-set': 'b' }, remove: ['server'] } },
    { request: { set: { 'x-one': '1', 'x-two': '2' } }, response: { remove: ['x-three'] } },
  ],
  mirror: [
    [{ backendRef: { name: 'shadow', port: 80 } }],
    [
      { backendRef: { group: '', kind: 'Service', name: 'shadow', namespace: 'other', port: 8080 } },
      { backendRef: { name: 'second', port: 80 } },
    ],
  ],
  corsPolicy: [
    { allowOrigin: ['https://example.com'], allowMethods: ['GET'] },
    {
      allowOrigins: [{ exact: 'https://example.com' }, { exact: 'https://*.example.org' }],
      allowMethods: ['GET', 'POST', 'OPTIONS'],
      allowHeaders: ['x-one', 'x-two'],
      exposeHeaders: ['x-three'],
      maxAge: '24h',
      allowCredentials: true,
    },
    {
      allowOrigins: [{ regex: 'https://.*' }, { prefix: 'https://a' }, { suffix: '.example.com' }],
      maxAge: '30s',
      allowCredentials: false,
    },
  ],
  trafficPolicy: [
    { tls: { mode: 'ISTIO_MUTUAL' } },
    { loadBalancer: { simple: 'LEAST_REQUEST', warmupDurationSecs: '30s' } },
    { loadBalancer: { consistentHash: { httpHeaderName: 'x-user', minimumRingSize: 1024 } } },
    { loadBalancer: { consistentHash: { httpCookie: { name: 'user', path: '/', ttl: '1h' } } } },
    { loadBalancer: { consistentHash: { useSourceIp: true } } },
    { loadBalancer: { consistentHash: { httpQueryParameterName: 'user' } } },
    {
      loadBalancer: {
        simple: 'ROUND_ROBIN',
        localityLbSetting: {
          enabled: true,
          distribute: [{ from: 'a/z1/*', to: { 'a/z1/*': 80, 'a/z2/*': 20 } }],
        },
      },
    },
    {
      loadBalancer: {
        simple: 'RANDOM',
        localityLbSetting: { failover: [{ from: 'a', to: 'b' }], failoverPriority: ['topology.kubernetes.io/region'] },
      },
    },
    {
      connectionPool: {
        tcp: { maxConnections: 100, connectTimeout: '10s' },
        http: {
          h2UpgradePolicy: 'UPGRADE',
          http1MaxPendingRequests: 10,
          http2MaxRequests: 100,
          idleTimeout: '1h',
          maxRequestsPerConnection: 10,
          maxRetries: 3,
        },
      },
      outlierDetection: {
        baseEjectionTime: '30s',
        consecutive5xxErrors: 5,
        consecutiveErrors: 5,
        consecutiveGatewayErrors: 5,
        consecutiveLocalOriginFailures: 5,
        splitExternalLocalOriginErrors: true,
        interval: '10s',
        maxEjectionPercent: 50,
        minHealthPercent: 50,
      },
      tls: {
        mode: 'MUTUAL',
        clientCertificate: '/etc/certs/client.pem',
        privateKey: '/etc/certs/key.pem',
        caCertificates: '/etc/certs/ca.pem',
        sni: 'inner.example.com',
        subjectAltNames: ['inner.example.com'],
      },
    },
  ],
  apex: [{ labels: { team: 'shop' }, annotations: { 'example.com/owner': 'shop' } }, { labels: { a: 'b' } }],
  primary: [{ labels: { team: 'shop' }, annotations: { 'example.com/owner': 'shop' } }],
  canary: [{ labels: { team: 'shop' }, annotations: { 'example.com/owner': 'shop' } }],
  unmanagedMetadata: [{ labels: ['app'], annotations: ['kustomize.toolkit.fluxcd.io/reconcile'] }],
}

/** Fields of Services that a server knows only from this minor version of Kubernetes 1 on. */
const SINCE: Readonly<Record<string, number>> = { trafficDistribution: 30 }
/** Before 1.21 a server takes an empty text in a custom resource for null and refuses it, whoever sends it. */
const EMPTY_TEXT_SINCE = 21

/** The fields with those of their samples that a server of this minor version takes. */
export function takenSamples(minor: number): readonly (readonly [field: string, values: readonly unknown[]])[] {
  return Object.entries(serviceSamples).flatMap(([field, values]: [string, readonly unknown[]]) => {
    if ((SINCE[field] ?? 0) > minor) return []
    const hasEmpty = (value: unknown): boolean => JSON.stringify(value).includes('""')
    return [[field, values.filter((value) => minor >= EMPTY_TEXT_SINCE || !hasEmpty(value))] as const]
  })
}
