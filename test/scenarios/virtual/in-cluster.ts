import { at, type JsonObject } from '../../../src/lib/json.ts'
import { readDocuments } from '../../../src/yaml/read.ts'
import { begun, canary, canaryFile, manifest, targetFile, type Scenario, type ScenarioOptions } from './world.ts'

const NOTHING = '# Not here.\n'
export const canaryPath = '/apis/flagger.app/v1beta1/namespaces/test/canaries/podinfo'
export const deploymentPath = '/apis/apps/v1/namespaces/test/deployments/podinfo'

/** A stage whose source branch has neither the Canary nor its target. */
export function begunEmpty(options: ScenarioOptions = {}): Promise<Scenario> {
  return begun({ ...options, files: { [canaryFile]: NOTHING, [targetFile]: NOTHING, ...options.files } })
}

/** A stage where podinfo good-0 is initialised, of which the source branch knows nothing. */
export async function initialisedInCluster(options: ScenarioOptions = {}): Promise<Scenario> {
  const scenario = await begunEmpty(options)
  await scenario.pass(2)
  kubectlCreate(scenario, manifest('good-0'))
  kubectlCreate(scenario, canary(options))
  await scenario.untilPhase('Initialized')
  await scenario.pass(5)
  return scenario
}

/** `kubectl create` of a manifest in YAML, in its own namespace. */
export function kubectlCreate({ stage }: Scenario, yaml: string, version?: string): void {
  const [document] = readDocuments(yaml, 'stdin').documents
  const { value } = document ?? {}
  const { apiVersion, kind, metadata } = value as { apiVersion: string; kind: string; metadata: { namespace: string } }
  const plural = kind === 'Canary' ? 'canaries' : `${kind.toLowerCase()}s`
  const path = `/apis/${version ?? apiVersion}/namespaces/${metadata.namespace}/${plural}`
  const { status, body } = stage.cluster.serve({
    method: 'POST',
    path,
    body: value as JsonObject,
    userAgent: 'kubectl',
  })
  if (status >= 300) throw new Error(`kubectl create was answered ${status}: ${JSON.stringify(at(body, 'message'))}`)
}

/** `kubectl set image deployment/podinfo podinfod=podinfo:TAG`. */
export function kubectlSetImage({ stage }: Scenario, tag: string): void {
  const containers = [{ name: 'podinfod', image: `podinfo:${tag}` }]
  const { status } = stage.cluster.serve({
    method: 'PATCH',
    path: deploymentPath,
    contentType: 'application/strategic-merge-patch+json',
    body: { spec: { template: { spec: { containers } } } },
    userAgent: 'kubectl',
  })
  if (status >= 300) throw new Error(`kubectl set image was answered ${status}`)
}
