import { at, isObject, type Json, type JsonObject } from '../../lib/json.ts'
import type { KubeObject } from '../../lib/kube-object.ts'
import { timestamp } from '../../lib/clock.ts'

/**
 * The status that a gateway writes on an HTTPRoute which it serves: every parent has accepted this generation. Undefined when the
 * route's status says so already.
 */
export function acceptedStatus(route: KubeObject, nowMs: number): JsonObject | undefined {
  const generation = route.metadata.generation ?? 1
  const refs = listAt(route.spec, 'parentRefs')
  const known = listAt(route.status, 'parents')
  const isCurrent = (entry: Json): boolean =>
    (at(entry, 'conditions', 0, 'observedGeneration') ?? 0) === generation &&
    at(entry, 'conditions', 0, 'status') === 'True'
  if (known.length === refs.length && known.every(isCurrent)) return undefined
  return {
    parents: refs.filter(isObject).map((parentRef) => ({
      parentRef,
      controllerName: 'playground.serin.dev/gateway',
      conditions: ['Accepted', 'ResolvedRefs'].map((type) => ({
        type,
        status: 'True',
        reason: type,
        message: '',
        observedGeneration: generation,
        lastTransitionTime: timestamp(nowMs),
      })),
    })),
  }
}

function listAt(value: unknown, key: string): readonly Json[] {
  const found = at(value, key)
  return Array.isArray(found) ? (found as readonly Json[]) : []
}
