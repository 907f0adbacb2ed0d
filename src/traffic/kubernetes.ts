import type { TrafficProvider } from './provider.ts'

/**
 * No mesh and no ingress: the apex Service selects the primary's pods, so users stay on the primary until its own
 * rolling update, and the canary Service is for tests. Nothing is written, and the split is always 100 to 0.
 */
export const kubernetes: TrafficProvider = {
  name: 'kubernetes',
  kinds: [],
  objects: () => [],
  read: () => ({ primary: 100, canary: 0, mirrored: false }),
  pending: () => undefined,
}
