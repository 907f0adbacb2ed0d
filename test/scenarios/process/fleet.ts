import { deploymentText } from '../../support/application.ts'
import { namespace } from '../namespace.ts'

/** What one canary of the fleet is made of, in a folder of its own. */
export interface AppOptions {
  readonly tag?: string
  /** The Deployment that the Canary names; its own when absent. */
  readonly target?: string
  /** Lines that are added to the Canary's spec, indented by two spaces. */
  readonly extra?: string
  readonly stepWeight?: number
  readonly threshold?: number
  /** The share of requests that the version answers with 500. */
  readonly errorRate?: number
}

export const paths = {
  canary: (name: string): string => `apps/${name}/canary.yaml`,
  deployment: (name: string): string => `apps/${name}/deployment.yaml`,
}

/** A namespace, and for each name a Deployment with its Canary. */
export function fleet(names: readonly string[]): Readonly<Record<string, string>> {
  const files: Record<string, string> = { 'apps/namespace.yaml': namespaceManifest() }
  for (const name of names) {
    files[paths.deployment(name)] = deployment(name)
    files[paths.canary(name)] = canary(name)
  }
  return files
}

const namespaceManifest = (): string => `apiVersion: v1
kind: Namespace
metadata:
  name: ${namespace}
`

export function canary(name: string, { target = name, extra = '', stepWeight = 25, threshold = 3 }: AppOptions = {}) {
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
    name: ${target}
${extra}  service:
    port: 9898
    hosts:
      - ${name}.example.com
  analysis:
    interval: 1s
    threshold: ${threshold}
    maxWeight: 50
    stepWeight: ${stepWeight}
    metrics:
      - name: request-success-rate
        thresholdRange:
          min: 99
        interval: 2s
`
}

export function deployment(name: string, { tag, errorRate = 0 }: AppOptions = {}): string {
  const pods = { 'playground.serin.dev/error-rate': String(errorRate) }
  return deploymentText(namespace, name, { pods, ...(tag === undefined ? {} : { tag }) })
}
