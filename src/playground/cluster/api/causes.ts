import { canonicalJson } from '../../../lib/json.ts'
import type { Json } from '../../../lib/json.ts'
import type { Cause } from './failure.ts'

function shown(value: Json | undefined): string {
  return value === undefined ? 'null' : JSON.stringify(value)
}

/** A field that must be there and is not. */
export function required(field: string, message?: string): Cause {
  return {
    reason: 'FieldValueRequired',
    message: message === undefined ? 'Required value' : `Required value: ${message}`,
    field,
  }
}

/** A value that is wrong; undefined is shown as null. */
export function wrong(field: string, value: Json | undefined, message: string): Cause {
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${shown(value)}: ${message}`, field }
}

/** A value that may not be set here. */
export function forbidden(field: string, message: string): Cause {
  return { reason: 'FieldValueForbidden', message: `Forbidden: ${message}`, field }
}

/** A value outside a closed set; the set is shown in the order given. */
export function unsupported(field: string, value: Json | undefined, supported: readonly Json[]): Cause {
  return {
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${shown(value)}: supported values: ${supported.map((item) => JSON.stringify(item)).join(', ')}`,
    field,
  }
}

/** An element that names the same thing as an earlier one. */
export function duplicate(field: string, value: Json): Cause {
  return { reason: 'FieldValueDuplicate', message: `Duplicate value: ${canonicalJson(value)}`, field }
}
