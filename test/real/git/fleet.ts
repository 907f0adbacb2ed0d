import { deploymentText } from '../../support/application.ts'

export interface AppOptions {
  readonly tag?: string
  /** The Canary asks a metrics server; without one each of its releases fails. */
  readonly isMeasured?: boolean
}

export const paths = {
  canary: (name: string): string => `apps/${name}/canary.yaml`,
  deployment: (name: string): string => `apps/${name}/deployment.yaml`,
}

/** The repository's first commit: applications that are released in steps of a second, and one without a Canary. */
export function fleet(namespace: string, apps: Readonly<Record<string, AppOptions>>): Readonly<Record<string, string>> {
  const files: Record<string, string> = {
    'README.md': '# fleet\n',
    [paths.deployment('other')]: deploymentText(namespace, 'other'),
  }
  for (const [name, options] of Object.entries(apps)) {
    files[paths.deployment(name)] = deploymentText(namespace, name, options)
    files[paths.canary(name)] = canary(namespace, name, options)
  }
  return files
}

export { deploymentText as deployment }

const METRICS = `    metrics:
      - name: request-success-rate
        thresholdRange:
          min: 99
        interval: 5s
`

export function canary(namespace: string, name: string, { isMeasured = false }: AppOptions = {}): string {
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
    threshold: 2
    maxWeight: 50
    stepWeight: 10
${isMeasured ? METRICS : ''}`
}
