import { type Json, type JsonObject, at, isObject } from '../../lib/json.ts'
import { type Selector, primaryValue } from './selector.ts'

/** How a pod's placement rules name the target, so that the primary's copy can name the primary. */
export interface PlacementNames {
  /** The target's name. */
  readonly target: string
  readonly selector: Selector
  readonly selectorLabels: readonly string[]
}

/**
 * A pod spec for the primary: anti-affinity and topology spread that keep the target's pods apart from each other keep
 * the primary's pods apart from each other. Rules about other workloads stay as they are.
 */
export function primaryPodSpec(spec: JsonObject, names: PlacementNames): JsonObject {
  const affinity = at(spec, 'affinity')
  const antiAffinity = at(affinity, 'podAntiAffinity')
  const spread = at(spec, 'topologySpreadConstraints')
  return {
    ...spec,
    ...(isObject(affinity) && isObject(antiAffinity)
      ? { affinity: { ...affinity, podAntiAffinity: primaryAntiAffinity(antiAffinity, names) } }
      : {}),
    ...(Array.isArray(spread) ? { topologySpreadConstraints: spread.map((one: Json) => renamedTerm(one, names)) } : {}),
  }
}

function primaryAntiAffinity(antiAffinity: JsonObject, names: PlacementNames): JsonObject {
  const required = antiAffinity['requiredDuringSchedulingIgnoredDuringExecution']
  const preferred = antiAffinity['preferredDuringSchedulingIgnoredDuringExecution']
  return {
    ...antiAffinity,
    ...(Array.isArray(required)
      ? { requiredDuringSchedulingIgnoredDuringExecution: required.map((term: Json) => renamedTerm(term, names)) }
      : {}),
    ...(Array.isArray(preferred)
      ? {
          preferredDuringSchedulingIgnoredDuringExecution: preferred.map((one: Json) =>
            isObject(one) ? { ...one, podAffinityTerm: renamedTerm(one['podAffinityTerm'] ?? null, names) } : one,
          ),
        }
      : {}),
  }
}

/** A term with a `labelSelector` whose mentions of the target name the primary. */
function renamedTerm(term: Json, names: PlacementNames): Json {
  const selector = at(term, 'labelSelector')
  if (!isObject(term) || !isObject(selector)) return term
  const labels = selector['matchLabels']
  const expressions = selector['matchExpressions']
  return {
    ...term,
    labelSelector: {
      ...selector,
      ...(isObject(labels)
        ? {
            matchLabels: Object.fromEntries(
              Object.entries(labels).map(([key, value]) => [key, renamed(key, value, names)]),
            ),
          }
        : {}),
      ...(Array.isArray(expressions)
        ? { matchExpressions: expressions.map((expression: Json) => renamedExpression(expression, names)) }
        : {}),
    },
  }
}

function renamedExpression(expression: Json, names: PlacementNames): Json {
  const key = at(expression, 'key')
  const values = at(expression, 'values')
  if (!isObject(expression) || typeof key !== 'string' || !Array.isArray(values)) return expression
  return { ...expression, values: values.map((value: Json) => renamed(key, value, names) ?? null) }
}

function renamed(key: string, value: Json | undefined, names: PlacementNames): Json | undefined {
  if (key === names.selector.label && value === names.selector.value) return primaryValue(names.selector)
  if (names.selectorLabels.includes(key) && value === names.target) return `${names.target}-primary`
  return value
}
