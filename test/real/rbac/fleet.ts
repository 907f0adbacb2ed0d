import type { KubeObject } from '../../../src/lib/kube-object.ts'
import { canary, deployment, fleet, paths, type AppOptions } from '../../scenarios/process/fleet.ts'
import { namespace } from '../../scenarios/namespace.ts'
import { controlPlane } from '../namespace.ts'

/** Files of applications that need different rights: each one needs one kind more than `plain`. */
export function variedFleet(): Readonly<Record<string, string>> {
  return {
    ...fleet(['plain', 'gate', 'scaled', 'secretive']),
    [paths.canary('gate')]: gatewayCanary('gate'),
    [paths.canary('scaled')]: scaledCanary('scaled'),
    'apps/scaled/hpa.yaml': autoscaler('scaled'),
    [paths.canary('secretive')]: templateCanary('secretive'),
    'apps/alerts.yaml': alertProvider(),
  }
}

export { paths }

/** A version of an application. */
export function release(name: string, tag: string, more: AppOptions = {}): Readonly<Record<string, string>> {
  return { [paths.deployment(name)]: deployment(name, { ...more, tag }) }
}

function gatewayCanary(name: string): string {
  return canary(name)
    .replace('provider: istio', 'provider: gatewayapi:v1')
    .replace('    hosts:\n', '    gatewayRefs:\n      - name: public\n    hosts:\n')
}

function scaledCanary(name: string): string {
  const extra = `  autoscalerRef:\n    apiVersion: ${autoscaling()}\n    kind: HorizontalPodAutoscaler\n    name: ${name}\n`
  return canary(name, { extra })
}

/** Its check passes as soon as it may read the credentials. */
export function templateCanary(name: string, threshold = 100): string {
  const own = `      - name: always
        templateRef:
          name: ${name}
        thresholdRange:
          min: 0
        interval: 2s
      - name: elsewhere
        templateRef:
          name: elsewhere
        thresholdRange:
          min: 0
        interval: 2s
`
  return canary(name, { threshold }).replace(/      - name: request-success-rate[^]*$/, own)
}

/** The version of autoscalers that the server knows for sure. */
function autoscaling(): string {
  const minor = Number(/v1\.(\d+)/.exec(controlPlane().serverVersion)?.[1] ?? 0)
  return minor >= 23 ? 'autoscaling/v2' : 'autoscaling/v2beta2'
}

function autoscaler(name: string): string {
  return `apiVersion: ${autoscaling()}
kind: HorizontalPodAutoscaler
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: ${name}
  minReplicas: 1
  maxReplicas: 2
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: 99
`
}

/** Its query always answers 1; it needs the Secret `prometheus`. */
export function metricTemplate(name: string, prometheusUrl: string): string {
  return `apiVersion: flagger.app/v1beta1
kind: MetricTemplate
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  provider:
    type: prometheus
    address: ${prometheusUrl}
    secretRef:
      name: prometheus
  query: vector(1)
`
}

function alertProvider(): string {
  return `apiVersion: flagger.app/v1beta1
kind: AlertProvider
metadata:
  name: chat
  namespace: ${namespace}
spec:
  type: slack
  address: https://chat.example.com
`
}

/** A template that is in the cluster only. */
export function inClusterTemplate(of: string, address: string): KubeObject {
  return {
    apiVersion: 'flagger.app/v1beta1',
    kind: 'MetricTemplate',
    metadata: { name: 'elsewhere', namespace: of },
    spec: { provider: { type: 'prometheus', address }, query: 'vector(1)' },
  }
}

/** What the template of `secretive` asks for. */
export function secret(of: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'prometheus', namespace: of },
    stringData: { username: 'ada', password: 'right' },
  }
}
