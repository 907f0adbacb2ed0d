import { durationMs } from '../resources/duration.ts'

/**
 * A duration as PromQL takes it. A Canary may write what PromQL refuses, a fraction (`1.5m`) or units in another order, so
 * all but the plain forms (`90s`, `1m`) are given in milliseconds. What is no duration stays as it is, for the server to refuse.
 */
export function promqlWindow(text: string): string {
  if (/^[0-9]+(?:ms|[smh])$/.test(text)) return text
  const ms = durationMs(text)
  return ms === undefined ? text : `${Math.round(ms)}ms`
}
