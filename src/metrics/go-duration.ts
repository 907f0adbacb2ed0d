/**
 * Milliseconds as Go prints a `time.Duration`: `500ms`, `1.515s`, `1m2.5s`, `1h0m0s`, `0s`. Flagger's sentences print
 * durations so, and people grep them.
 */
export function goDuration(ms: number): string {
  if (!Number.isFinite(ms)) return ms > 0 ? '+Inf' : String(ms)
  const sign = ms < 0 ? '-' : ''
  const abs = Math.abs(ms)
  if (abs === 0) return '0s'
  if (abs < 1) return `${sign}${trimmed(abs * 1000)}µs`
  if (abs < 1000) return `${sign}${trimmed(abs)}ms`
  const minutes = Math.floor(abs / 60_000)
  const seconds = trimmed((abs - minutes * 60_000) / 1000)
  if (minutes === 0) return `${sign}${seconds}s`
  const hours = Math.floor(minutes / 60)
  return hours === 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${hours}h${minutes % 60}m${seconds}s`
}

function trimmed(value: number): string {
  return String(Number(value.toFixed(6)))
}
