import { at, isObject, type Json, type JsonObject } from '../lib/json.ts'
import type { Config } from './config.ts'
import { OPTIONS } from './options.ts'

/** What a secret reads as wherever settings are shown. */
const REDACTED = '[redacted]'

/** The settings as data to show: in the order of the reference, without secrets and without credentials in addresses. */
export function describeConfig(config: Config): JsonObject {
  let shown: JsonObject = {}
  for (const { path, value } of settings(config)) shown = withMember(shown, path, value)
  return shown
}

/** The data as messages may show it. */
export function withoutSecrets(data: JsonObject): JsonObject {
  let shown = data
  for (const { path, value } of settings(data)) shown = withMember(shown, path, value)
  return shown
}

function settings(data: unknown): { readonly path: readonly string[]; readonly value: Json }[] {
  return OPTIONS.flatMap(({ key, secret }) => {
    const path = key.split('.')
    const value = at(data, ...path)
    if (value === undefined) return []
    return [{ path, value: secret === true ? REDACTED : withoutCredentials(value) }]
  })
}

/** The object with the value at a path, the maps on the way made where they are missing. */
export function withMember(object: JsonObject, path: readonly string[], value: Json): JsonObject {
  const [key, ...rest] = path
  if (key === undefined) return object
  const below = object[key]
  return { ...object, [key]: rest.length === 0 ? value : withMember(isObject(below) ? below : {}, rest, value) }
}

function withoutCredentials(value: Json): Json {
  return typeof value === 'string' ? value.replace(/:\/\/[^/]*@/, '://…@') : value
}
