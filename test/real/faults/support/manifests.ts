import type { KubeObject } from '../../../../src/lib/kube-object.ts'
import type { DeploymentOptions } from '../../../support/application.ts'

export { deploymentText } from '../../../support/application.ts'

/** What an application of these tests is made of. */
export interface AppOptions extends DeploymentOptions {
  readonly stepWeight?: number
  readonly maxWeight?: number
  readonly threshold?: number
}

export function namespaceObject(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
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
