/** Any JSON value. Foreign data travels as this and is narrowed where it is used. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/** A JSON object; a missing key reads as undefined. */
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

/** True for a JSON object, false for null, arrays and scalars. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * JSON text in which the same data always gives the same bytes: keys sorted by code unit, no white space, undefined
 * members left out. Hashes of Kubernetes objects are taken over it, so they do not depend on any library's field order.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`
  if (isObject(value)) {
    const members = Object.keys(value)
      .filter((key) => value[key] !== undefined)
      .toSorted()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value ?? null)
}

/** The value at a path of keys and indexes, or undefined where the path ends early. */
export function at(value: unknown, ...path: readonly (string | number)[]): Json | undefined {
  let here: unknown = value
  for (const key of path) {
    if (typeof key === 'number') here = Array.isArray(here) ? here[key] : undefined
    // Only its own: data may have keys such as `constructor`, which every object inherits.
    else here = isObject(here) && Object.hasOwn(here, key) ? here[key] : undefined
  }
  return here as Json | undefined
}

/** The string at a path, or undefined where there is none. */
export function stringAt(value: unknown, ...path: readonly (string | number)[]): string | undefined {
  const found = at(value, ...path)
  return typeof found === 'string' ? found : undefined
}

/** The number at a path, or undefined where there is none. */
export function numberAt(value: unknown, ...path: readonly (string | number)[]): number | undefined {
  const found = at(value, ...path)
  return typeof found === 'number' ? found : undefined
}
