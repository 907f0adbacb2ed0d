const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

/** Milliseconds of a duration as Go writes it (`90s`, `1m30s`, `1.5h`, `500ms`); undefined when the text is none. */
export function durationMs(text: string): number | undefined {
  if (!/^(?:[0-9]+(?:\.[0-9]*)?(?:ms|[hms]))+$/.test(text)) return undefined
  let sum = 0
  for (const [, amount, unit] of text.matchAll(/([0-9.]+)(ms|[hms])/g)) sum += Number(amount) * (UNITS[unit ?? ''] ?? 0)
  return sum
}
