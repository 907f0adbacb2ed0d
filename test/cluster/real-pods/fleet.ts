import { imageOf, POD_PORT } from './images.ts'

/** Where the application's Deployment is in the repository. */
export const DEPLOYMENT_PATH = 'apps/podinfo/deployment.yaml'

/** The analysis: how long a step takes, and what every rollout goes through. */
export const ANALYSIS = { intervalSeconds: 5, threshold: 3, stepWeight: 10, maxWeight: 50, minSuccessRate: 99 } as const

const namespace = `apiVersion: v1
kind: Namespace
metadata:
  name: test
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
  progressDeadlineSeconds: 60
  service:
    port: 80
    targetPort: ${POD_PORT}
    hosts:
      - app.example.com
  analysis:
    interval: ${ANALYSIS.intervalSeconds}s # a real one takes a minute
    threshold: ${ANALYSIS.threshold}
    maxWeight: ${ANALYSIS.maxWeight}
    stepWeight: ${ANALYSIS.stepWeight}
    metrics:
      - name: request-success-rate
        thresholdRange:
          min: ${ANALYSIS.minSuccessRate}
        interval: ${ANALYSIS.intervalSeconds}s
      - name: request-duration
        thresholdRange:
          max: 1000
        interval: ${ANALYSIS.intervalSeconds}s
`

/** The Deployment that names a version. A pod that has to go serves for two more seconds: routes are not there at once. */
export function deployment(version: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: podinfo
  namespace: test
  labels:
    app: podinfo
spec:
  replicas: 2
  progressDeadlineSeconds: 60
  selector:
    matchLabels:
      app: podinfo
  template:
    metadata:
      labels:
        app: podinfo
    spec:
      terminationGracePeriodSeconds: 4
      containers:
        - name: podinfo
          image: ${imageOf(version)} # bumped by pull requests
          imagePullPolicy: Never
          ports:
            - name: http
              containerPort: ${POD_PORT}
          readinessProbe:
            periodSeconds: 1
            httpGet:
              path: /readyz
              port: http
          lifecycle:
            preStop:
              exec:
                command: [sleep, '2']
          resources:
            limits:
              memory: 32Mi
`
}

/** The first commit. */
export function firstFiles(version: string): Readonly<Record<string, string>> {
  return {
    'apps/namespace.yaml': namespace,
    'apps/podinfo/canary.yaml': canary,
    [DEPLOYMENT_PATH]: deployment(version),
    'README.md': '# fleet\n\nWhat runs on the cluster. Merge to release, revert to roll back.\n',
  }
}
