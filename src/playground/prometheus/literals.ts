const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
}

/** A PromQL duration (`1h30m`, `90s`, or a plain number of seconds) in milliseconds; undefined when it is none. */
export function promqlDurationMs(text: string): number | undefined {
  if (/^(?:[0-9]+(?:ms|[smhdwy]))+$/.test(text)) {
    let sum = 0
    for (const [, amount, unit] of text.matchAll(/([0-9]+)(ms|[smhdwy])/g)) {
      sum += Number(amount) * (unitMs[unit ?? ''] ?? 0)
    }
    return sum
  }
  const seconds = promqlNumber(text)
  return seconds === undefined ? undefined : seconds * 1000
}

/** A PromQL number: decimal, exponent, hexadecimal, `Inf`, `NaN`, or a duration, which counts its seconds. */
export function promqlNumber(text: string): number | undefined {
  const match = /^([+-]?)(.+)$/.exec(text.toLowerCase().replaceAll('_', ''))
  if (match === null) return undefined
  const digits = match[2] ?? ''
  const sign = match[1] === '-' ? -1 : 1
  if (digits === 'inf') return sign * Infinity
  if (digits === 'nan') return Number.NaN
  if (/^(?:0x[0-9a-f]+|[0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?|[0-9]+\.)$/.test(digits)) return sign * Number(digits)
  const duration = /[a-z]$/.test(digits) ? promqlDurationMs(digits) : undefined
  return duration === undefined ? undefined : (sign * duration) / 1000
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
}

/** The text of a PromQL string in quotes or back quotes; undefined for an escape that there is not. */
export function promqlString(literal: string): string | undefined {
  const body = literal.slice(1, -1)
  if (literal.startsWith('`')) return body
  let isValid = true
  const text = body.replace(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([\s\S]))/g,
    (_, hex?: string, short?: string, long?: string, octal?: string, single?: string) => {
      const code = hex ?? short ?? long
      if (code !== undefined) return codePoint(Number.parseInt(code, 16))
      if (octal !== undefined) return codePoint(Number.parseInt(octal, 8))
      const plain = escapes[single ?? '']
      isValid &&= plain !== undefined
      return plain ?? ''
    },
  )
  return isValid ? text : undefined
}

function codePoint(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
}
