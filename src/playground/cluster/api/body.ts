import { load } from 'js-yaml'
import type { Json, JsonObject } from '../../../lib/json.ts'
import { isObject, stringAt } from '../../../lib/json.ts'
import { isDoc } from '../document.ts'
import type { Doc } from '../document.ts'
import { apiVersionOf } from '../kinds/kind.ts'
import type { Kind } from '../kinds/kind.ts'
import type { Registry } from '../registry.ts'
import { DecodeError, decodeBuiltIn } from '../schema/decode.ts'
import { decodeCustom } from '../schema/structural.ts'
import { wrong } from './causes.ts'
import type { ServerRequest } from './context.ts'
import { badRequest, invalid, protobufRefused, unsupportedMediaType } from './failure.ts'
import { duplicateFields } from './duplicates.ts'

const accepted = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']

/** A body as data, with the fields that its text names twice. */
export interface Body {
  readonly value: JsonObject
  readonly duplicates: readonly string[]
}

/** The media type without parameters; JSON when none was sent. */
export function mediaType(request: ServerRequest): string {
  return (request.contentType ?? 'application/json').split(';')[0]?.trim() ?? ''
}

/** Reads a body that must be an object of a kind. */
export function readBody(request: ServerRequest, kind: Kind): Body {
  const type = mediaType(request)
  if (type === 'application/vnd.kubernetes.protobuf') throw protobufRefused()
  if (type !== 'application/json' && type !== 'application/yaml') throw unsupportedMediaType(accepted)
  const text = request.text ?? ''
  let value: Json
  try {
    value = request.body ?? (type === 'application/yaml' ? readYaml(text) : readJson(text))
  } catch (error) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; json parse error: ${messageOf(error)} (${head(text)})`,
    )
  }
  if (!isObject(value)) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value (${head(text)})`,
    )
  }
  const duplicates = request.text === undefined || type !== 'application/json' ? [] : duplicateFields(request.text)
  return { value, duplicates }
}

/** Parses JSON; the error of a text that ends early has Go's words. */
export function readJson(text: string): Json {
  try {
    const value: Json = JSON.parse(text)
    return value
  } catch (error) {
    throw new SyntaxError(
      /end of JSON|Unterminated/.test(messageOf(error)) ? 'unexpected end of JSON input' : messageOf(error),
    )
  }
}

/** Parses YAML, which may also be JSON. */
export function readYaml(text: string): Json {
  const value: unknown = load(text)
  const json: Json = JSON.parse(JSON.stringify(value ?? null))
  return json
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function head(text: string): string {
  if (text === '') return '<empty>'
  return text.length > 30 ? `${text.slice(0, 30)} ...` : text
}

/** Refuses a body whose kind or version is not that of the path. */
export function checkType(value: JsonObject, kind: Kind, registry: Registry): void {
  const given = stringAt(value, 'kind')
  const version = stringAt(value, 'apiVersion')
  if (!kind.custom) {
    const other = registry.ofObject(version ?? apiVersionOf(kind), given ?? kind.kind)
    if (other !== undefined && other !== kind) throw foreignKind(value, kind, other)
    if (version !== undefined && version !== apiVersionOf(kind)) {
      throw badRequest(
        `${given} in version "${version.split('/').at(-1)}" cannot be handled as a ${kind.kind}: no kind "${given}" is registered for version "${version}" in scheme "pkg/api/legacyscheme/scheme.go:30"`,
      )
    }
    return
  }
  if (given === undefined || given === '') {
    const text = JSON.stringify(value)
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind.kind}): Object 'Kind' is missing in '${text}' (${head(text)})`,
    )
  }
  const subject = { name: stringAt(value, 'metadata', 'name') ?? '', group: kind.group, kind: given }
  if (given !== kind.kind) throw invalid(subject, [wrong('kind', given, `must be ${kind.kind}`)])
  if (version !== apiVersionOf(kind)) {
    throw invalid(subject, [wrong('apiVersion', version ?? '', `must be ${apiVersionOf(kind)}`)])
  }
}

// The real server decodes the body as what it says it is, before it sees that this is not wanted here.
function foreignKind(value: JsonObject, kind: Kind, other: Kind): unknown {
  try {
    if (!other.custom) decodeBuiltIn(value, other.schema, [])
  } catch (error) {
    return decodeFailure(error, value, kind)
  }
  return badRequest(
    `${other.kind} in version "${other.version}" cannot be handled as a ${kind.kind}: converting (${other.kind}) to (${kind.kind}): unknown conversion`,
  )
}

/** Reads an object of a kind into its normal form; `unknown` collects the fields that were dropped. */
export function normalise(value: JsonObject, kind: Kind, unknown: string[]): Doc {
  const doc = kind.custom ? decodeCustom(value, kind.schema, unknown) : decodeBuiltIn(value, kind.schema, unknown)
  doc['apiVersion'] = apiVersionOf(kind)
  doc['kind'] = kind.kind
  if (!isDoc(doc['metadata'])) doc['metadata'] = {}
  kind.defaults?.(doc)
  return doc
}

/** The refusal of a body that can't be read as its kind; other errors pass through. */
export function decodeFailure(error: unknown, value: JsonObject, kind: Kind): unknown {
  if (!(error instanceof DecodeError)) return error
  const given = stringAt(value, 'kind') ?? kind.kind
  return badRequest(`${given} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${error.message}`)
}

/** Warnings about dropped and repeated fields, or a refusal when the request asked for strictness. */
export function fieldWarnings(
  unknown: readonly string[],
  duplicates: readonly string[],
  validation: 'Ignore' | 'Warn' | 'Strict',
  refuse: (message: string) => Error,
): readonly string[] {
  if (validation === 'Ignore') return []
  const texts = [
    ...unknown.map((field) => `unknown field "${field}"`),
    ...duplicates.map((field) => `duplicate field "${field}"`),
  ]
  if (texts.length > 0 && validation === 'Strict') throw refuse(`strict decoding error: ${texts.join(', ')}`)
  return texts
}
