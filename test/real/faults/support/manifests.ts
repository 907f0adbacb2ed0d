import type { KubeObject } from '../../../../src/lib/kube-object.ts'

/** What an application of these tests is made of. */
export interface AppOptions {
  readonly tag?: string
  /** Annotations of its pods, for the fake kubelet. */
  readonly pods?: Readonly<Record<string, string>>
  readonly stepWeight?: number
  readonly maxWeight?: number
  readonly threshold?: number
}

export function namespaceObject(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
}

/** A Deployment that people write; its metrics are what the test says. */
export function deploymentText(namespace: string, name: string, { tag = '1.0.0', pods = {} }: AppOptions = {}): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  replicas: 1
  selector:
    matchLabels:
      app: ${name}
  template:
    metadata:
      labels:
        app: ${name}
      annotations: ${JSON.stringify(pods)}
    spec:
      containers:
        - name: app
          image: example.com/${name}:${tag}
          ports:
            - containerPort: 9898
`
}

export function canaryText(namespace: string, name: string, options: AppOptions = {}): string {
  const { stepWeight = 20, maxWeight = 60, threshold = 2 } = options
  return `apiVersion: flagger.app/v1beta1
kind: Canary
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  provider: istio
  targetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: ${name}
  service:
    port: 9898
    hosts:
      - ${name}.example.com
  analysis:
    interval: 1s
    threshold: ${threshold}
    maxWeight: ${maxWeight}
    stepWeight: ${stepWeight}
    metrics:
      - name: success
        query: app_success_rate{app="${name}"}
        thresholdRange:
          min: 99
        interval: 1s
`
}
