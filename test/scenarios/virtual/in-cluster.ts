import { at, isObject, type Json, type JsonObject } from '../../../src/lib/json.ts'
import { readDocuments } from '../../../src/yaml/read.ts'
import { namespace } from '../namespace.ts'
import { begun, canary, canaryFile, live, manifest, targetFile, type Scenario, type ScenarioOptions } from './world.ts'

const NOTHING = '# Not here.\n'
export const canaryPath = (): string => `/apis/flagger.app/v1beta1/namespaces/${namespace}/canaries/podinfo`
export const deploymentPath = (): string => `/apis/apps/v1/namespaces/${namespace}/deployments/podinfo`

/** A stage whose source branch has neither the Canary nor its target. */
export async function begunEmpty(options: ScenarioOptions = {}): Promise<Scenario> {
  const scenario = await begun({
    ...options,
    files: { [canaryFile]: NOTHING, [targetFile]: NOTHING, ...options.files },
  })
  await scenario.pass(5)
  return scenario
}

/** A stage where podinfo good-0 is initialised, of which the source branch knows nothing. */
export async function initialisedInCluster(options: ScenarioOptions = {}): Promise<Scenario> {
  const scenario = await begunEmpty(options)
  await kubectlCreate(scenario, manifest('good-0'))
  await kubectlCreate(scenario, canary(options))
  await scenario.untilPhase('Initialized')
  await scenario.pass(5)
  return scenario
}

/** `kubectl create` of a manifest in YAML. */
export function kubectlCreate({ stage }: Scenario, yaml: string): Promise<void> {
  const object = readDocuments(yaml, 'stdin').documents[0]?.value as JsonObject
  const { apiVersion, kind } = object as { apiVersion: string; kind: string }
  const root = apiVersion === 'v1' ? '/api' : '/apis'
  const plural = kind === 'Canary' ? 'canaries' : `${kind.toLowerCase()}s`
  return stage.kubectl('POST', `${root}/${apiVersion}/namespaces/${namespace}/${plural}`, object)
}

/** `kubectl set image deployment/podinfo podinfod=podinfo:TAG`. */
export function kubectlSetImage(scenario: Scenario, tag: string): Promise<void> {
  const here = at(live(scenario, 'apps/v1', 'Deployment'), 'spec', 'template', 'spec', 'containers')
  const containers = (Array.isArray(here) ? here : []).map((container: Json) =>
    isObject(container) ? { ...container, image: `podinfo:${tag}` } : container,
  )
  return scenario.kubectl('PATCH', deploymentPath(), { spec: { template: { spec: { containers } } } })
}
