import { at, isObject, numberAt, stringAt, type Json, type JsonObject } from '../lib/json.ts'
import type { KubeObject } from '../lib/kube-object.ts'
import { listAt } from './weights.ts'

/**
 * Why gateways do not follow this HTTPRoute yet: a parent whose `Accepted` condition is missing, not True, or was
 * observed on an older generation. Undefined when every parent has accepted what is written.
 */
export function gatewayPending(name: string, route: KubeObject): string | undefined {
  for (const parent of listAt(route.spec, 'parentRefs').filter(isObject)) {
    const reason = pendingOn(route, parent)
    if (reason !== undefined) return `${name} waits for ${describe(parent)}: ${reason}`
  }
  return undefined
}

function pendingOn(route: KubeObject, parent: JsonObject): string | undefined {
  const namespace = route.metadata.namespace ?? ''
  const entries = listAt(route.status, 'parents').filter((entry) => {
    const ref = at(entry, 'parentRef')
    return isObject(ref) && identity(ref, namespace) === identity(parent, namespace)
  })
  const conditions = entries.flatMap(acceptedOf)
  if (conditions.length === 0) return 'it has not reported yet'
  const generation = route.metadata.generation ?? 0
  const fresh = conditions.filter((condition) => (numberAt(condition, 'observedGeneration') ?? 0) >= generation)
  if (fresh.length === 0) return `it has not seen generation ${generation} yet`
  if (fresh.some((condition) => stringAt(condition, 'status') === 'True')) return undefined
  const reason = stringAt(fresh[0], 'reason') ?? 'no reason given'
  const message = stringAt(fresh[0], 'message')
  return `not accepted, ${reason}${message === undefined || message === '' ? '' : `: ${message}`}`
}

function acceptedOf(entry: Json): readonly JsonObject[] {
  return listAt(entry, 'conditions')
    .filter(isObject)
    .filter((condition) => stringAt(condition, 'type') === 'Accepted')
}

function identity(ref: JsonObject, namespace: string): string {
  const group = stringAt(ref, 'group') ?? 'gateway.networking.k8s.io'
  const kind = stringAt(ref, 'kind') ?? 'Gateway'
  const port = numberAt(ref, 'port') ?? ''
  const section = stringAt(ref, 'sectionName') ?? ''
  return [group, kind, stringAt(ref, 'namespace') ?? namespace, stringAt(ref, 'name'), section, port].join('/')
}

function describe(parent: JsonObject): string {
  return `${stringAt(parent, 'kind') ?? 'Gateway'} "${stringAt(parent, 'name') ?? ''}"`
}
