import type { Json, JsonObject } from '../../../lib/json.ts'
import { at, canonicalJson, isObject, numberAt, stringAt } from '../../../lib/json.ts'
import { duplicate, required, unsupported, wrong } from '../api/causes.ts'
import { matchesPattern } from './pattern.ts'
import type { Cause } from '../api/failure.ts'
import { equalJson, isList, plain } from '../document.ts'

const blocking: ReadonlySet<string> = new Set([
  'FieldValueRequired',
  'FieldValueNotSupported',
  'FieldValueTypeInvalid',
  'FieldValueTooLong',
  'FieldValueTooMany',
])

/** True when one of the causes keeps the rules in CEL from being checked. */
export function blocksRules(causes: readonly Cause[]): boolean {
  return causes.some((cause) => blocking.has(cause.reason))
}

/** What is wrong with a value by the OpenAPI rules of a structural schema; messages are those of the real server. */
export function validateValue(value: Json, rules: JsonObject, path: string): readonly Cause[] {
  if (value === null) return rules['nullable'] === true ? [] : typeCauses(value, rules, path)
  const wrongType = typeCauses(value, rules, path)
  return [
    ...wrongType,
    ...enumCauses(value, rules, path),
    ...(wrongType.length > 0 && !isObject(value) ? [] : boundCauses(value, rules, path)),
    ...(isObject(value) ? objectCauses(value, rules, path) : []),
    ...(isList(value) ? listCauses(value, rules, path) : []),
    ...combinationCauses(value, rules, path),
  ]
}

function typeName(value: Json): string {
  if (value === null) return 'null'
  if (isList(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'float64'
  return typeof value
}

function typeCauses(value: Json, rules: JsonObject, path: string): readonly Cause[] {
  const anyOfBoth = rules['x-kubernetes-int-or-string'] === true
  const wanted = anyOfBoth ? 'integer,string' : stringAt(rules, 'type')
  const found = typeName(value)
  if (wanted === undefined || wanted === found || wanted.split(',').includes(found)) return []
  if (wanted === 'number' && (found === 'integer' || found === 'float64')) return []
  const format = stringAt(rules, 'format')
  const fraction = wanted === 'integer' && found === 'float64'
  const shown = fraction && format !== undefined ? format : wanted
  const extra =
    fraction && format !== undefined ? [`Checked value must be of type integer with format ${format} in ${path}`] : []
  return [
    {
      reason: 'FieldValueTypeInvalid',
      message: `Invalid value: "${found}": ${path} in body must be of type ${shown}: "${found}"`,
      field: path,
    },
    ...extra.map((message) => wrong('<nil>', '', message)),
  ]
}

function enumCauses(value: Json, rules: JsonObject, path: string): readonly Cause[] {
  const options = rules['enum']
  if (!isList(options) || options.some((option) => equalJson(option, value))) return []
  return [unsupported(path, value, options)]
}

function boundCauses(value: Json, rules: JsonObject, path: string): readonly Cause[] {
  if (typeof value === 'string') return textCauses(value, rules, path)
  return typeof value === 'number' ? numberCauses(value, rules, path) : []
}

function textCauses(value: string, rules: JsonObject, path: string): readonly Cause[] {
  const most = numberAt(rules, 'maxLength')
  const least = numberAt(rules, 'minLength')
  const pattern = stringAt(rules, 'pattern')
  if (most !== undefined && value.length > most) {
    return [{ reason: 'FieldValueTooLong', message: `Too long: may not be more than ${most} bytes`, field: path }]
  }
  if (least !== undefined && value.length < least) {
    return [wrong(path, value, `${path} in body should be at least ${least} chars long`)]
  }
  if (pattern !== undefined && !matchesPattern(pattern, value)) {
    return [wrong(path, value, `${path} in body should match '${pattern}'`)]
  }
  return []
}

function numberCauses(value: number, rules: JsonObject, path: string): readonly Cause[] {
  const step = numberAt(rules, 'multipleOf')
  const most = numberAt(rules, 'maximum')
  const least = numberAt(rules, 'minimum')
  const open = (key: string): boolean => rules[key] === true
  const texts: string[] = []
  if (step !== undefined && !Number.isInteger(Number((value / step).toFixed(9)))) {
    texts.push(`should be a multiple of ${step}`)
  }
  if (most !== undefined && (value > most || (open('exclusiveMaximum') && value === most))) {
    texts.push(open('exclusiveMaximum') ? `should be less than ${most}` : `should be less than or equal to ${most}`)
  }
  if (least !== undefined && (value < least || (open('exclusiveMinimum') && value === least))) {
    texts.push(
      open('exclusiveMinimum') ? `should be greater than ${least}` : `should be greater than or equal to ${least}`,
    )
  }
  return texts.map((text) => wrong(path, value, `${path} in body ${text}`))
}

function objectCauses(value: JsonObject, rules: JsonObject, path: string): readonly Cause[] {
  const wanted = rules['required']
  const fields = rules['properties']
  const values = rules['additionalProperties']
  const below = (key: string): string => (path === '' ? key : `${path}.${key}`)
  const missing = (isList(wanted) ? wanted : []).filter((key) => typeof key === 'string' && value[key] === undefined)
  const count = Object.keys(value).length
  const most = numberAt(rules, 'maxProperties')
  const least = numberAt(rules, 'minProperties')
  return [
    ...missing.map((key) => required(below(plain(key)))),
    ...(most !== undefined && count > most
      ? [{ reason: 'FieldValueTooMany', message: `Too many: ${count}: must have at most ${most} items`, field: path }]
      : []),
    ...(least !== undefined && count < least
      ? [wrong(path, count, `${path} in body should have at least ${least} properties`)]
      : []),
    ...Object.entries(value).flatMap(([key, member]) => {
      if (member === undefined || (path === '' && ['metadata', 'apiVersion', 'kind'].includes(key))) return []
      const field = isObject(fields) ? fields[key] : undefined
      const schema = isObject(field) ? field : isObject(values) ? values : undefined
      return schema === undefined ? [] : validateValue(member, schema, below(key))
    }),
  ]
}

function listCauses(value: readonly Json[], rules: JsonObject, path: string): readonly Cause[] {
  const most = numberAt(rules, 'maxItems')
  const least = numberAt(rules, 'minItems')
  const items = rules['items']
  if (most !== undefined && value.length > most) {
    const message = `Too many: ${value.length}: must have at most ${most} items`
    return [{ reason: 'FieldValueTooMany', message, field: path }]
  }
  return [
    ...(least !== undefined && value.length < least
      ? [wrong(path, value.length, `${path} in body should have at least ${least} items`)]
      : []),
    ...(isObject(items) ? value.flatMap((item, index) => validateValue(item, items, `${path}[${index}]`)) : []),
    ...uniqueCauses(value, rules, path),
  ]
}

function uniqueCauses(value: readonly Json[], rules: JsonObject, path: string): readonly Cause[] {
  const kind = stringAt(rules, 'x-kubernetes-list-type')
  if (kind !== 'set' && kind !== 'map') return []
  const keys = rules['x-kubernetes-list-map-keys']
  const seen = new Set<string>()
  return value.flatMap((item, index) => {
    const named: Json =
      kind === 'set' || !isList(keys)
        ? item
        : Object.fromEntries(keys.map((key) => [plain(key), at(item, plain(key))] as const))
    const name = canonicalJson(named)
    if (seen.has(name)) return [duplicate(`${path}[${index}]`, named)]
    seen.add(name)
    return []
  })
}

function combinationCauses(value: Json, rules: JsonObject, path: string): readonly Cause[] {
  const causes: Cause[] = []
  const quoted = `"${path}"`
  const alternatives = (key: string): readonly (readonly Cause[])[] | undefined => {
    const list = rules[key]
    return isList(list) ? list.map((one) => (isObject(one) ? validateValue(value, one, path) : [])) : undefined
  }
  const one = alternatives('oneOf')
  const fitting = one?.filter((found) => found.length === 0).length ?? 1
  if (one !== undefined && fitting !== 1) {
    const found = fitting === 0 ? 'none valid' : `${fitting} valid alternatives`
    causes.push(wrong('<nil>', '', `${quoted} must validate one and only one schema (oneOf). Found ${found}`))
    if (fitting === 0) causes.push(...(one[0] ?? []))
  }
  const any = alternatives('anyOf')
  if (any !== undefined && any.every((found) => found.length > 0)) {
    causes.push(wrong('<nil>', '', `${quoted} must validate at least one schema (anyOf)`), ...(any[0] ?? []))
  }
  const all = alternatives('allOf')
  if (all?.some((found) => found.length > 0) === true) {
    causes.push(wrong('<nil>', '', `${quoted} must validate all the schemas (allOf)`), ...all.flat())
  }
  const not = rules['not']
  if (isObject(not) && validateValue(value, not, path).length === 0) {
    causes.push(wrong('<nil>', '', `${quoted} must not validate the schema (not)`))
  }
  return causes
}
