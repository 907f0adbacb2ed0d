import type { JsonObject } from '../../src/lib/json.ts'
import { stringAt } from '../../src/lib/json.ts'
import type { EmbeddedCluster } from '../../src/playground/cluster/embedded-cluster.ts'
import { readDocuments } from '../../src/yaml/read.ts'
import { canary, canaryFile, deployment, deploymentFile, type Plan } from './fleet.ts'

/** The files of a source branch that has neither Canary nor target. */
export const notInGit = { [canaryFile]: '# Not here.\n', [deploymentFile]: '# Not here.\n' }

const deploymentsPath = '/apis/apps/v1/namespaces/test/deployments'
const canariesPath = '/apis/flagger.app/v1beta1/namespaces/test/canaries'

/** `kubectl apply` of Canary and target, and of their namespace. */
export function applyByHand(cluster: EmbeddedCluster, tag: string, plan: Plan): void {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'test' } }
  send(cluster, 'POST', '/api/v1/namespaces', namespace)
  send(cluster, 'POST', deploymentsPath, objectIn(deployment(tag)))
  send(cluster, 'POST', canariesPath, objectIn(canary(plan)))
}

/** `kubectl set image`. */
export function setImageByHand(cluster: EmbeddedCluster, tag: string): void {
  const containers = [{ name: 'podinfod', image: `podinfo:${tag}` }]
  const body = { spec: { template: { spec: { containers } } } }
  send(cluster, 'PATCH', `${deploymentsPath}/podinfo`, body, 'application/strategic-merge-patch+json')
}

/** `kubectl apply` of changed settings; broken ones are such as only a look at all fields together finds. */
export function setPlanByHand(cluster: EmbeddedCluster, plan: Plan): void {
  const { spec } = objectIn(canary({ ...plan, isBroken: false })) as { spec: JsonObject & { analysis: JsonObject } }
  const metrics = plan.isBroken ? [{ name: 'nonsense', interval: '1m' }] : spec.analysis['metrics']
  const body = {
    spec: { ...spec, suspend: plan.suspend, skipAnalysis: plan.skipAnalysis, analysis: { ...spec.analysis, metrics } },
  }
  send(cluster, 'PATCH', `${canariesPath}/podinfo`, body, 'application/merge-patch+json')
}

/** `kubectl delete canary`: what it owns goes with it. */
export function deleteByHand(cluster: EmbeddedCluster): void {
  cluster.serve({ method: 'DELETE', path: `${canariesPath}/podinfo`, userAgent: 'kubectl' })
}

/** `kubectl create` of the Canary, unless it is there. */
export function createCanaryByHand(cluster: EmbeddedCluster, plan: Plan): void {
  if (cluster.list('flagger.app/v1beta1', 'Canary').length > 0) return
  send(cluster, 'POST', canariesPath, objectIn(canary({ ...plan, isBroken: false })))
  setPlanByHand(cluster, plan)
}

/** The image tag that the target has in the cluster. */
export function tagInCluster(cluster: EmbeddedCluster): string {
  const target = cluster.list('apps/v1', 'Deployment', 'test').find(({ metadata }) => metadata.name === 'podinfo')
  return /"podinfo:([\w-]+)"/.exec(JSON.stringify(target?.spec ?? {}))?.[1] ?? 'none'
}

function objectIn(yaml: string): JsonObject {
  return readDocuments(yaml, 'stdin').documents[0]?.value as JsonObject
}

function send(
  cluster: EmbeddedCluster,
  method: 'POST' | 'PATCH',
  path: string,
  body: JsonObject,
  contentType = 'application/json',
): void {
  const answer = cluster.serve({ method, path, body, contentType, userAgent: 'kubectl' })
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${stringAt(answer.body, 'message') ?? answer.status}`)
}
