import { isObject } from '../lib/json.ts'
import type { KubeObject } from '../lib/kube-object.ts'
import { Problem } from '../lib/problem.ts'

/** Narrows an answer to a Kubernetes object: kind, apiVersion and a named metadata. Throws a Problem for anything else. */
export function asKubeObject(body: unknown, expected: { readonly kind: string; readonly name?: string }): KubeObject {
  if (isKubeObject(body)) return body
  throw new Problem({
    kind: 'retry',
    code: 'CLUSTER_UNEXPECTED',
    message: `the cluster answered with something that is no ${expected.kind}`,
    place: expected.name === undefined ? expected.kind : `${expected.kind}/${expected.name}`,
  })
}

/** True for a JSON object with apiVersion, kind and metadata.name. */
export function isKubeObject(value: unknown): value is KubeObject {
  return (
    isObject(value) &&
    typeof value['apiVersion'] === 'string' &&
    typeof value['kind'] === 'string' &&
    isObject(value['metadata']) &&
    typeof value['metadata']['name'] === 'string'
  )
}
