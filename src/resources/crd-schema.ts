import { z } from 'zod'
import { isObject, type Json, type JsonObject } from '../lib/json.ts'

/**
 * A zod schema as the structural OpenAPI schema that a CustomResourceDefinition needs. What Kubernetes does not take or
 * does by itself goes: `additionalProperties` beside `properties` (unknown fields are pruned anyway), bounds of integers
 * that only say what a double can hold; a number or a text becomes `x-kubernetes-int-or-string`.
 */
export function crdSchema(schema: z.ZodType): JsonObject {
  const generated: unknown = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline' })
  const { $schema: _, ...structural } = structure(generated)
  return structural
}

function structure(node: unknown): JsonObject {
  if (!isObject(node)) return {}
  const { properties, items, additionalProperties, anyOf, propertyNames: _, minimum, maximum, ...rest } = node
  if (isIntOrString(anyOf)) return { ...rest, 'x-kubernetes-int-or-string': true }
  return {
    ...rest,
    ...(isRealBound(minimum) ? { minimum } : {}),
    ...(isRealBound(maximum) ? { maximum } : {}),
    ...(isObject(properties) ? { properties: mapValues(properties, structure) } : {}),
    ...(isObject(additionalProperties) && properties === undefined
      ? { additionalProperties: structure(additionalProperties) }
      : {}),
    ...(isObject(items) ? { items: structure(items) } : {}),
  }
}

function isIntOrString(anyOf: Json | undefined): boolean {
  if (!Array.isArray(anyOf)) return false
  const types: unknown[] = anyOf.map((branch: Json) => (isObject(branch) ? branch['type'] : undefined))
  return types.length === 2 && types.includes('integer') && types.includes('string')
}

function isRealBound(bound: Json | undefined): boolean {
  return typeof bound === 'number' && Math.abs(bound) !== Number.MAX_SAFE_INTEGER
}

function mapValues(object: JsonObject, change: (value: unknown) => JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]))
}
