import { Scalar } from 'yaml'
import { looksLikeOtherType } from './tags.ts'

/** A value that one YAML scalar holds. */
export type ScalarValue = string | number | boolean | null

/** The bytes for a scalar in the quote style that stood there, quoted where any YAML reader could misread the plain form. */
export function writeScalar(value: ScalarValue, style: Scalar.Type | undefined): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  if (style === Scalar.QUOTE_SINGLE && isPrintable(value)) return `'${value.replaceAll("'", "''")}'`
  if (style === Scalar.QUOTE_DOUBLE || style === Scalar.QUOTE_SINGLE) return doubleQuoted(value)
  return isPlain(value) ? value : doubleQuoted(value)
}

/** True for text that needs no quotes anywhere, flow maps included. */
function isPlain(text: string): boolean {
  return /^[\w/.@:+=,-]+(?: [\w/.@:+=,-]+)*$/.test(text) && /^[\w/.]/.test(text) && !/:(?: |$)|,/.test(text)
    ? !looksLikeOtherType(text) && !/^\.\.\.|^---/.test(text)
    : false
}

function isPrintable(text: string): boolean {
  return /^[ -~\u00A0-\u2027\u2030-\uD7FF\uE000-\uFEFE\uFF00-\uFFFD]*$/.test(text)
}

function doubleQuoted(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007F-\u009F\u2028\u2029\uFEFF]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
