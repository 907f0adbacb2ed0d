/** The repository of the demo: podinfo with a canary, an autoscaler and a mesh, paced for people who watch. */
export const paths = {
  deployment: 'apps/podinfo/deployment.yaml',
  canary: 'apps/podinfo/canary.yaml',
  hpa: 'apps/podinfo/hpa.yaml',
  namespace: 'apps/namespace.yaml',
} as const

const namespace = `apiVersion: v1
kind: Namespace
metadata:
  name: test
  labels:
    istio-injection: enabled
`

const hpa = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: podinfo
  namespace: test
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: podinfo
  minReplicas: 2
  maxReplicas: 4
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: 99
`

const canary = `apiVersion: flagger.app/v1beta1
kind: Canary
metadata:
  name: podinfo
  namespace: test
spec:
  provider: istio
  targetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: podinfo
  autoscalerRef:
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    name: podinfo
  progressDeadlineSeconds: 60
  service:
    port: 9898
    targetPort: 9898
    gateways:
      - istio-system/public-gateway
    hosts:
      - app.example.com
  analysis:
    interval: 1s # a real one takes a minute
    threshold: 3
    maxWeight: 50
    stepWeight: 10
    metrics:
      - name: request-success-rate
        thresholdRange:
          min: 99
        interval: 1s
      - name: request-duration
        thresholdRange:
          max: 500
        interval: 1s
`

/** The Deployment with an image tag and, for a version that misbehaves, the share of requests that it answers with 500. */
export function deployment(tag: string, errorRate = 0): string {
  const fault = errorRate === 0 ? '' : `\n        playground.serin.dev/error-rate: '${errorRate}' # a bug slipped in`
  return `# podinfo, the application that everybody ships
apiVersion: apps/v1
kind: Deployment
metadata:
  name: podinfo
  namespace: test
  labels:
    app: podinfo
spec:
  progressDeadlineSeconds: 60
  selector:
    matchLabels:
      app: podinfo
  template:
    metadata:
      labels:
        app: podinfo
      annotations:
        prometheus.io/scrape: 'true'${fault}
    spec:
      containers:
        - name: podinfod
          image: ghcr.io/stefanprodan/podinfo:${tag} # bumped by pull requests
          ports:
            - name: http
              containerPort: 9898
`
}

/** The first commit. */
export function firstFiles(): Readonly<Record<string, string>> {
  return {
    [paths.namespace]: namespace,
    [paths.deployment]: deployment('6.0.0'),
    [paths.hpa]: hpa,
    [paths.canary]: canary,
    'README.md': '# fleet\n\nWhat runs on the cluster. Merge to release, revert to roll back.\n',
  }
}
