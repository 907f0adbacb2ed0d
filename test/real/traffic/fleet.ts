import type { RouteKind } from './route-proxy.ts'

/** The analysis of the application that the stories release. */
export const ANALYSIS = { intervalSeconds: 2, threshold: 3, stepWeight: 10, maxWeight: 50, windowSeconds: 2 } as const

/** Where the Deployment is in the repository. */
export const DEPLOYMENT_PATH = 'apps/podinfo/deployment.yaml'

/** The repository's first commit: one application that is released behind a route of this kind. */
export function fleet(namespace: string, route: RouteKind): Readonly<Record<string, string>> {
  return {
    'README.md': '# fleet\n',
    [DEPLOYMENT_PATH]: deployment(namespace, '1.0.0'),
    'apps/podinfo/canary.yaml': canary(namespace, route),
  }
}

/** The Deployment that names a version. */
export function deployment(namespace: string, version: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: podinfo
  namespace: ${namespace}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: podinfo
  template:
    metadata:
      labels:
        app: podinfo
    spec:
      containers:
        - name: podinfo
          image: example.com/podinfo:${version}
          ports:
            - containerPort: 9898
`
}

const ENTRY: Readonly<Record<RouteKind, string>> = {
  VirtualService: `    hosts:
      - podinfo.example.com
`,
  HTTPRoute: `    hosts:
      - podinfo.example.com
    gatewayRefs:
      - name: entry
        namespace: gateways
`,
}

function canary(namespace: string, route: RouteKind): string {
  const { intervalSeconds, threshold, stepWeight, maxWeight, windowSeconds } = ANALYSIS
  return `apiVersion: flagger.app/v1beta1
kind: Canary
metadata:
  name: podinfo
  namespace: ${namespace}
spec:
  provider: ${route === 'HTTPRoute' ? 'gatewayapi:v1' : 'istio'}
  targetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: podinfo
  service:
    port: 9898
${ENTRY[route]}  analysis:
    interval: ${intervalSeconds}s
    threshold: ${threshold}
    maxWeight: ${maxWeight}
    stepWeight: ${stepWeight}
    metrics:
      - name: request-success-rate
        thresholdRange:
          min: 99
        interval: ${windowSeconds}s
      - name: request-duration
        thresholdRange:
          max: 500
        interval: ${windowSeconds}s
`
}
