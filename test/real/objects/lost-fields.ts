import { isObject, stringAt, type Json } from '../../../src/lib/json.ts'

/**
 * What was sent and did not come back, as `path: sent -> got`: a field that the server does not know is dropped without a
 * word. Items that each have a type of their own may come in another order, as the metrics of an autoscaler do. Empty values and zeros may be left out, and quantities and times may be written differently.
 */
export function lostFields(sent: Json | undefined, got: Json | undefined, path = ''): readonly string[] {
  if (sent === undefined || (got === undefined && isEmpty(sent))) return []
  if (Array.isArray(sent) && Array.isArray(got)) {
    if (got.length < sent.length) return [`${path}: ${sent.length} items -> ${got.length}`]
    if (isKeyedByType(sent)) return sent.flatMap((item: Json) => lostFields(item, sameType(got, item), `${path}[]`))
    return sent.flatMap((item: Json, index) => lostFields(item, got[index] as Json, `${path}[${index}]`))
  }
  if (isObject(sent) && isObject(got)) {
    return Object.entries(sent).flatMap(([key, value]) => lostFields(value, got[key], `${path}.${key}`))
  }
  return isSame(sent, got) ? [] : [`${path}: ${JSON.stringify(sent)} -> ${JSON.stringify(got)}`]
}

function isKeyedByType(items: readonly Json[]): boolean {
  const types = items.map((item) => stringAt(item, 'type'))
  return !types.includes(undefined) && new Set(types).size === items.length
}

function sameType(items: readonly Json[], item: Json): Json | undefined {
  return items.find((one) => stringAt(one, 'type') === stringAt(item, 'type'))
}

function isEmpty(value: Json): boolean {
  if (Array.isArray(value)) return value.length === 0
  if (isObject(value)) return Object.values(value).every((member) => member === undefined || isEmpty(member))
  return value === '' || value === 0 || value === false || value === null
}

function isSame(sent: Json, got: Json | undefined): boolean {
  if (sent === got) return true
  if (!isScalar(sent) || !isScalar(got)) return false
  return quantity(String(sent)) !== undefined && quantity(String(sent)) === quantity(String(got))
}

function isScalar(value: Json | undefined): value is string | number {
  return typeof value === 'string' || typeof value === 'number'
}

const SUFFIXES: Readonly<Record<string, number>> = { '': 1, m: 0.001, k: 1e3, M: 1e6, G: 1e9, Ki: 1024, Mi: 1024 ** 2 }

/** A Kubernetes quantity as a number. */
function quantity(text: string): number | undefined {
  const [, number = '', suffix = ''] = /^(\d+(?:\.\d+)?)(m|k|M|G|Ki|Mi)?$/.exec(text) ?? []
  const factor = SUFFIXES[suffix]
  return number === '' || factor === undefined ? undefined : Number(number) * factor
}
