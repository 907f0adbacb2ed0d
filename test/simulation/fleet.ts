/** The files of a source branch that releases podinfo with small, quick steps. */

export const deploymentFile = 'apps/podinfo/deployment.yaml'
export const canaryFile = 'apps/podinfo/canary.yaml'

export interface Plan {
  readonly threshold: number
  readonly stepWeight: number
  readonly maxWeight: number
  readonly stepWeightPromotion: number
  readonly skipAnalysis: boolean
  readonly suspend: boolean
  /** A field that no Canary has. */
  readonly isBroken: boolean
}

export const usualPlan: Plan = {
  threshold: 2,
  stepWeight: 25,
  maxWeight: 50,
  stepWeightPromotion: 0,
  skipAnalysis: false,
  suspend: false,
  isBroken: false,
}

export function deployment(tag: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: podinfo
  namespace: test
spec:
  progressDeadlineSeconds: 40
  selector:
    matchLabels:
      app: podinfo
  template:
    metadata:
      labels:
        app: podinfo
    spec:
      containers:
        - name: podinfod
          image: podinfo:${tag} # the released version
          ports:
            - containerPort: 9898
`
}

export function canary(plan: Plan): string {
  return `apiVersion: flagger.app/v1beta1
kind: Canary
metadata:
  name: podinfo
  namespace: test
spec:
  provider: istio${plan.suspend ? '\n  suspend: true' : ''}${plan.skipAnalysis ? '\n  skipAnalysis: true' : ''}
  targetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: podinfo
  autoscalerRef:
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    name: podinfo
  progressDeadlineSeconds: 40
  service:
    port: 9898
  analysis:
    interval: 10s
    threshold: ${plan.threshold}
    maxWeight: ${plan.maxWeight}
    stepWeight: ${plan.stepWeight}
    stepWeightPromotion: ${plan.stepWeightPromotion}${plan.isBroken ? '\n    threshhold: 1' : ''}
    metrics:
      - name: request-success-rate
        thresholdRange:
          min: 99
        interval: 1m
`
}

export function fleet(tag: string, plan: Plan): Record<string, string> {
  return {
    'README.md': 'A fleet.\n',
    'apps/namespace.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: test\n',
    [deploymentFile]: deployment(tag),
    'apps/podinfo/hpa.yaml': `apiVersion: autoscaling/v2
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
`,
    [canaryFile]: canary(plan),
  }
}

/** The tag of the image that a manifest runs. */
export function tagIn(text: string | undefined): string {
  return /image: podinfo:(\S+)/.exec(text ?? '')?.[1] ?? 'none'
}

/** The tag of the image in a Kubernetes object. */
export function tagOf(object: unknown): string {
  return /"podinfo:([\w-]+)"/.exec(JSON.stringify(object) ?? '')?.[1] ?? 'none'
}
