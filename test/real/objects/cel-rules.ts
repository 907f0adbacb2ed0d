import { at, isObject, stringAt, type Json, type JsonObject } from '../../../src/lib/json.ts'
import { CelError, evaluateCel } from '../../../src/playground/cluster/schema/cel.ts'

/** What the validation rules of a schema say about a value. */
export interface RuleVerdict {
  /** `path: message` of each rule that fails. */
  readonly failed: readonly string[]
  readonly passed: number
  /** Rules that the embedded cluster's evaluator does not understand. No library for CEL is among the dependencies. */
  readonly unknown: readonly string[]
}

/**
 * Holds a new object against the CEL rules (`x-kubernetes-validations`) of its schema, with the schema's defaults filled in
 * as the server does before. Rules for changes are left out.
 */
export function checkRules(schema: unknown, value: Json): RuleVerdict {
  return check(schema, withDefaults(schema, value), '')
}

function withDefaults(schema: unknown, value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => withDefaults(at(schema, 'items'), item))
  if (!isObject(value) || !isObject(schema)) return value
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  const defaults = Object.entries(properties).flatMap(([key, member]): [string, Json][] => {
    const implied = at(member, 'default')
    return implied === undefined || value[key] !== undefined ? [] : [[key, implied]]
  })
  const filled = { ...value, ...Object.fromEntries(defaults) }
  return Object.fromEntries(
    Object.entries(filled).map(([key, member]) => {
      const inner = properties[key] ?? schema['additionalProperties']
      return [key, member === undefined ? undefined : withDefaults(inner, member)]
    }),
  )
}

function check(schema: unknown, value: Json | undefined, path: string): RuleVerdict {
  if (!isObject(schema) || value === undefined) return NOTHING
  const rules = schema['x-kubernetes-validations']
  const own = (Array.isArray(rules) ? rules : []).map((rule: Json) => checkRule(rule, value, path))
  return merge([...own, ...below(schema, value, path)])
}

const NOTHING: RuleVerdict = { failed: [], passed: 0, unknown: [] }

function below(schema: JsonObject, value: Json, path: string): readonly RuleVerdict[] {
  if (Array.isArray(value)) {
    return value.map((item: Json, index) => check(schema['items'], item, `${path}[${index}]`))
  }
  if (!isObject(value)) return []
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  return Object.entries(value).map(([key, member]) =>
    check(properties[key] ?? schema['additionalProperties'], member, `${path}.${key}`),
  )
}

function checkRule(rule: Json, value: Json, path: string): RuleVerdict {
  const expression = stringAt(rule, 'rule') ?? 'true'
  if (/\boldSelf\b/.test(expression)) return NOTHING
  try {
    if (evaluateCel(expression, { self: value }) !== false) return { ...NOTHING, passed: 1 }
    return { ...NOTHING, failed: [`${path}: ${stringAt(rule, 'message') ?? expression}`] }
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    return { ...NOTHING, unknown: [expression] }
  }
}

function merge(verdicts: readonly RuleVerdict[]): RuleVerdict {
  return {
    failed: verdicts.flatMap(({ failed }) => failed),
    passed: verdicts.reduce((sum, { passed }) => sum + passed, 0),
    unknown: [...new Set(verdicts.flatMap(({ unknown }) => unknown))],
  }
}
