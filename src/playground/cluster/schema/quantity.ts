const decimal: readonly (readonly [string, number])[] = [
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
]
const pattern = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d+)?$/

/** The canonical form of a resource quantity (`0.1` is `100m`, `1000m` is `1`), or undefined when it is none. */
export function canonicalQuantity(value: string): string | undefined {
  const match = pattern.exec(value)
  if (match === null) return undefined
  const [, sign = '', digits = '', suffix = ''] = match
  if (suffix.endsWith('i')) return `${sign === '-' ? '-' : ''}${digits}${suffix}`
  const exponent = /^[eE]/.test(suffix) && suffix.length > 1 ? Number(suffix.slice(1)) : exponentOf(suffix)
  const [whole = '', fraction = ''] = digits.split('.')
  let nano = BigInt(whole === '' ? 0 : whole) * 10n ** BigInt(fraction.length) + BigInt(fraction === '' ? 0 : fraction)
  const power = exponent - fraction.length + 9
  nano = power >= 0 ? nano * 10n ** BigInt(power) : nano / 10n ** BigInt(-power)
  if (nano === 0n) return '0'
  const unit = decimal.findLast(([, size]) => size <= 18 && nano % 10n ** BigInt(size + 9) === 0n) ?? ['n', -9]
  return `${sign === '-' ? '-' : ''}${nano / 10n ** BigInt(unit[1] + 9)}${unit[0]}`
}

function exponentOf(suffix: string): number {
  return decimal.find(([name]) => name === suffix)?.[1] ?? 0
}
