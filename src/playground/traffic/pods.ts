import { at, isObject, stringAt, type Json } from '../../lib/json.ts'
import type { KubeObject } from '../../lib/kube-object.ts'
import { behaviourOf, type Behaviour } from './behaviour.ts'
import type { ClusterView } from './cluster-view.ts'

/** A pod that takes requests. */
export interface Backend {
  readonly pod: string
  readonly namespace: string
  /** The name of the Deployment, DaemonSet or other workload that it belongs to. */
  readonly workload: string
  readonly behaviour: Behaviour
}

/** The Ready pods that a Service selects; none when the Service is missing or selects nothing. */
export function backendsOf(cluster: ClusterView, namespace: string, service: string): readonly Backend[] {
  const selector = cluster
    .list('v1', 'Service', namespace)
    .filter((object) => object.metadata.name === service)
    .map((object) => at(object.spec, 'selector'))[0]
  if (!isObject(selector) || Object.keys(selector).length === 0) return []
  return cluster
    .list('v1', 'Pod', namespace)
    .filter(
      (pod) => isReady(pod) && Object.entries(selector).every(([key, value]) => pod.metadata.labels?.[key] === value),
    )
    .map((pod): Backend => ({
      pod: pod.metadata.name,
      namespace,
      workload: workloadOf(pod),
      behaviour: behaviourOf(imageOf(pod), pod.metadata.annotations),
    }))
}

function isReady(pod: KubeObject): boolean {
  const conditions = list(pod.status, 'conditions')
  return (
    pod.metadata.deletionTimestamp === undefined &&
    conditions.some((each) => stringAt(each, 'type') === 'Ready' && stringAt(each, 'status') === 'True')
  )
}

/** A ReplicaSet is named after its Deployment and the hash of its template, which the pod carries too. */
function workloadOf(pod: KubeObject): string {
  const owner = pod.metadata.ownerReferences?.find((each) => each.controller === true)
  if (owner === undefined) return pod.metadata.name
  const hash = pod.metadata.labels?.['pod-template-hash']
  const suffix = `-${hash}`
  const isOfDeployment = owner.kind === 'ReplicaSet' && hash !== undefined && owner.name.endsWith(suffix)
  return isOfDeployment ? owner.name.slice(0, -suffix.length) : owner.name
}

function imageOf(pod: KubeObject): string {
  return stringAt(pod.spec, 'containers', 0, 'image') ?? ''
}

function list(value: unknown, key: string): readonly Json[] {
  const found = at(value, key)
  return Array.isArray(found) ? (found as readonly Json[]) : []
}
