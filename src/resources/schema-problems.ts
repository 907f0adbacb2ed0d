import { z } from 'zod'
import { at } from '../lib/json.ts'
import type { PlaceOf } from '../lib/place.ts'
import { Problem } from '../lib/problem.ts'
import { similar } from './similar.ts'

type Issue = z.core.$ZodIssue
type Path = readonly (string | number)[]

/** What a schema found wrong with some data, one Problem per fault, each with the field's path, place and a hint. */
export function schemaProblems(error: z.ZodError, schema: z.core.$ZodType, data: unknown, placeOf: PlaceOf): Problem[] {
  return error.issues.flatMap((issue) => {
    const path = pathOf(issue)
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, path)
      return issue.keys.map((key) => unknownField([...path, key], key, known, placeOf))
    }
    const value = at(data, ...path)
    const isMissing = value === undefined
    return fieldProblem(
      { code: isMissing ? 'FIELD_MISSING' : 'FIELD_INVALID', ...describe(issue, value) },
      path,
      isMissing ? placeOf(path.slice(0, -1), 'key') : placeOf(path),
    )
  })
}

/** A problem with one field of a document: the message starts with the field's path. */
export function fieldProblem(
  detail: { readonly code: string; readonly message: string; readonly hint?: string | undefined },
  path: Path,
  place: string,
): Problem {
  const message = path.length === 0 ? detail.message : `${fieldName(path)}: ${detail.message}`
  return new Problem({ kind: 'stalled', code: detail.code, message, hint: detail.hint, place })
}

/** A path as people write it: `spec.analysis.metrics[0].name`. */
export function fieldName(path: Path): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`)).join('')
}

/** The data without the fields that the schema does not know, as an API server prunes them. */
export function pruned(schema: z.ZodType, data: unknown): unknown {
  const result = schema.safeParse(data)
  if (result.success) return data
  const copy = structuredClone(data)
  for (const issue of result.error.issues) {
    if (issue.code !== 'unrecognized_keys') continue
    const parent = at(copy, ...pathOf(issue))
    if (typeof parent !== 'object' || parent === null) continue
    for (const key of issue.keys) Reflect.deleteProperty(parent, key)
  }
  return copy
}

function unknownField(path: Path, key: string, known: readonly string[], placeOf: PlaceOf): Problem {
  const meant = similar(key, known)
  const hint =
    meant !== undefined ? `did you mean ${meant}?` : known.length > 0 ? `known: ${known.join(', ')}` : undefined
  return fieldProblem({ code: 'FIELD_UNKNOWN', message: 'unknown field', hint }, path, placeOf(path, 'key'))
}

function pathOf(issue: Issue): Path {
  return issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))
}

function describe(issue: Issue, value: unknown): { readonly message: string; readonly hint?: string | undefined } {
  if (value === undefined) return { message: 'is missing', hint: optionsHint(issue) }
  const shown = show(value)
  switch (issue.code) {
    case 'invalid_type':
      return { message: `must be ${typeName(issue.expected)}, not ${shown}` }
    case 'too_big':
      return { message: `${sized(value, shown)} is more than ${issue.maximum}`, hint: percentHint(issue.maximum) }
    case 'too_small':
      return { message: `${sized(value, shown)} is less than ${issue.minimum}` }
    case 'invalid_value': {
      const options = issue.values.map(String)
      const meant = typeof value === 'string' ? similar(value, options) : undefined
      const hint = meant === undefined || meant === '' ? optionsHint(issue) : `did you mean ${meant}?`
      return { message: `unknown value ${shown}`, hint }
    }
    case 'invalid_format':
      return issue.format === 'regex' && issue.pattern === '/^[0-9]+(m|s)/'
        ? { message: `${shown} is no duration`, hint: 'write whole seconds or minutes, for example 30s or 1m' }
        : { message: `${shown} has the wrong form`, hint: issue.pattern }
    case 'custom':
      return { message: typeof value === 'object' ? issue.message : `${shown} ${issue.message}` }
    case 'invalid_union':
      return { message: `${shown} has none of the forms that are allowed here` }
    case 'invalid_element':
    case 'invalid_key':
    case 'not_multiple_of':
    case 'unrecognized_keys':
      return { message: `${shown}: ${issue.message}` }
  }
}

function optionsHint(issue: Issue): string | undefined {
  if (issue.code !== 'invalid_value') return undefined
  const options = issue.values.map(String).filter((option) => option !== '')
  return options.length === 1 ? `must be ${options[0]}` : `one of ${options.join(', ')}`
}

function percentHint(maximum: number | bigint): string | undefined {
  return maximum === 100 ? 'percentages go from 0 to 100' : undefined
}

function sized(value: unknown, shown: string): string {
  return Array.isArray(value) ? `a list of ${value.length}` : shown
}

function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'a map'
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map',
  record: 'a map',
  array: 'a list',
}

function typeName(expected: string): string {
  return TYPE_NAMES[expected] ?? expected
}

/** The fields that a schema knows at a path; none where the path does not lead to an object of known fields. */
function keysAt(schema: z.core.$ZodType, path: Path): readonly string[] {
  let here: z.core.$ZodType | undefined = unwrap(schema)
  for (const key of path) {
    if (here instanceof z.ZodObject) here = here.shape[String(key)]
    else if (here instanceof z.ZodArray) here = here.element
    else if (here instanceof z.ZodRecord) here = here.valueType
    else return []
    here = here && unwrap(here)
  }
  return here instanceof z.ZodObject ? Object.keys(here.shape) : []
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.unwrap())
  }
  return schema
}
