import type { KnownInput } from './input.ts'

/**
 * When the next step of a running analysis is due, in milliseconds since the epoch: one interval after the last transition.
 * A time further ahead than that was written by a clock that went wrong, and is not waited for.
 */
export function dueMs({ state, spec, nowMs }: Pick<KnownInput, 'state' | 'spec' | 'nowMs'>): number {
  const { lastTransitionMs } = state
  return lastTransitionMs > nowMs + spec.intervalMs ? nowMs : lastTransitionMs + spec.intervalMs
}
