import { createHash } from 'node:crypto'
import { at, canonicalJson, isObject, type Json } from '../lib/json.ts'
import type { KubeObject } from '../lib/kube-object.ts'

/**
 * Names what a target runs: 16 hex digits of a SHA-256 over its pod template (Deployment, DaemonSet; the whole spec of
 * other kinds). The order of keys does not matter, replicas and the object's own labels and annotations neither. The
 * defaults that an API server fills in do, so a manifest and the live object made from it differ: compare like with like.
 */
export function revisionHash(target: KubeObject): string {
  const content = at(target, 'spec', 'template') ?? target.spec ?? null
  return createHash('sha256')
    .update(canonicalJson(withoutNulls(content)))
    .digest('hex')
    .slice(0, 16)
}

/** To Kubernetes, null is absent: some versions of the API server write `creationTimestamp: null` into templates. */
function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => withoutNulls(item))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) =>
      member === null || member === undefined ? [] : [[key, withoutNulls(member)]],
    ),
  )
}

/** The name of a revision that no commit brought: what a target holds that is only in the cluster. */
export function clusterRevision(hash: string): string {
  return `cluster:${hash}`
}

/** Whether a revision was found in the cluster, not brought by a commit. */
export function isClusterRevision({ commit }: { readonly commit: string }): boolean {
  return commit.startsWith('cluster')
}
