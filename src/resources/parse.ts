import type { z } from 'zod'
import { isObject, type JsonObject, stringAt } from '../lib/json.ts'
import type { PlaceOf } from '../lib/place.ts'
import { Problem } from '../lib/problem.ts'
import { AlertProvider } from './alert-provider.ts'
import { Canary } from './canary.ts'
import { ruleProblems } from './canary-rules.ts'
import { MetricTemplate } from './metric-template.ts'
import { convertCanary, type ConvertedCanary } from './older-canary.ts'
import { pruned, schemaProblems } from './schema-problems.ts'

/**
 * What an unknown field is: a problem in a manifest (`strict`), or nothing at all in an object from the API server, which
 * may know a newer schema (`pruning`).
 */
export type Strictness = 'strict' | 'pruning'

/** A Canary of any version as v1beta1, or everything that is wrong with it. */
export function parseCanary(
  object: unknown,
  placeOf: PlaceOf,
  strictness: Strictness,
): { readonly canary?: Canary; readonly problems: readonly Problem[] } {
  if (!isObject(object)) return { problems: [noMap('Canary', placeOf)] }
  const converted = convertCanary(object, strictness === 'pruning')
  const places: PlaceOf = (path, part) => placeOf(converted.pathBack(path), part)
  const { value, problems } = parse(Canary, converted.object, places, strictness)
  if (value === undefined) return { problems: problems.map((problem) => asWritten(withRenameHint(problem), converted)) }
  const broken = ruleProblems(value, places)
  if (broken.length > 0) return { problems: broken.map((problem) => asWritten(problem, converted)) }
  return { canary: value, problems: [] }
}

/**
 * The Canary that an object from the API server is, whatever version it was applied in: what came as v1alpha1 to v1alpha3
 * is stored as v1beta1 with `canaryAnalysis` in the place of `analysis`, and means here what it meant there. Objects in an
 * older version themselves are taken too. Fields that this Serin does not know are ignored, and so is the status.
 * Everything else that is wrong comes as problems whose place is `Canary/name.namespace`; then there is no canary.
 */
export function readCanary(object: unknown): {
  readonly canary?: Canary
  readonly problems: readonly Problem[]
} {
  return parseCanary(object, placeInCluster(object), 'pruning')
}

/** A MetricTemplate, or everything that is wrong with it. */
export function parseMetricTemplate(
  object: unknown,
  placeOf: PlaceOf,
  strictness: Strictness,
): { readonly metricTemplate?: MetricTemplate; readonly problems: readonly Problem[] } {
  if (!isObject(object)) return { problems: [noMap('MetricTemplate', placeOf)] }
  const { value, problems } = parse(MetricTemplate, object, placeOf, strictness)
  return value === undefined ? { problems } : { metricTemplate: value, problems }
}

/** An AlertProvider, or everything that is wrong with it. */
export function parseAlertProvider(
  object: unknown,
  placeOf: PlaceOf,
  strictness: Strictness,
): { readonly alertProvider?: AlertProvider; readonly problems: readonly Problem[] } {
  if (!isObject(object)) return { problems: [noMap('AlertProvider', placeOf)] }
  const { value, problems } = parse(AlertProvider, object, placeOf, strictness)
  return value === undefined ? { problems } : { alertProvider: value, problems }
}

/** Places in an object that came from the API server: the object's name, whatever the field. */
export function placeInCluster(object: unknown): PlaceOf {
  const kind = stringAt(object, 'kind') ?? 'object'
  const name = `${kind}/${stringAt(object, 'metadata', 'name') ?? ''}`
  const namespace = stringAt(object, 'metadata', 'namespace')
  return () => (namespace === undefined ? name : `${name}.${namespace}`)
}

function parse<Shape extends z.core.$ZodShape>(
  schema: z.ZodObject<Shape>,
  object: JsonObject,
  placeOf: PlaceOf,
  strictness: Strictness,
): { readonly value?: z.infer<z.ZodObject<Shape>>; readonly problems: readonly Problem[] } {
  const { status: _, ...data } = object
  const strict = schema.strict()
  const result = strict.safeParse(strictness === 'pruning' ? pruned(strict, data) : data)
  if (result.success) return { value: result.data, problems: [] }
  return { problems: schemaProblems(result.error, strict, data, placeOf) }
}

function noMap(kind: string, placeOf: PlaceOf): Problem {
  return new Problem({ kind: 'stalled', code: 'FIELD_INVALID', message: `${kind} must be a map`, place: placeOf([]) })
}

/**
 * A manifest of v1beta1 has no `canaryAnalysis`: API servers that hold Flagger's own definition drop it, and with it the
 * whole analysis.
 */
function withRenameHint(problem: Problem): Problem {
  if (problem.code !== 'FIELD_UNKNOWN' || !problem.message.startsWith('spec.canaryAnalysis:')) return problem
  const { kind, code, message, place } = problem
  return new Problem({ kind, code, message, place, hint: 'since v1beta1 its name is analysis' })
}

/** A message names the analysis as the document does. */
function asWritten(problem: Problem, { pathBack }: ConvertedCanary): Problem {
  const [now, written] = ['spec.analysis', pathBack(['spec', 'analysis']).join('.')]
  if (now === written || !problem.message.startsWith(now)) return problem
  const { kind, code, message, place, hint } = problem
  return new Problem({ kind, code, message: `${written}${message.slice(now.length)}`, place, hint })
}
