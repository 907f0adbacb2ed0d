import { at, numberAt, type Json } from '../lib/json.ts'
import type { TrafficSplit } from './split.ts'

/** A destination of a live rule: which of the two Services it is, and its weight (undefined when it carries none). */
export interface WeightedDestination {
  readonly to: 'primary' | 'canary'
  readonly weight: number | undefined
}

/**
 * The split that a rule's two destinations express. Undefined unless the rule names both and their weights sum to 100:
 * a rule edited by hand into something else is no split of ours, and nobody should guess one from it.
 */
export function splitOf(destinations: readonly WeightedDestination[], mirrored: boolean): TrafficSplit | undefined {
  const primary = destinations.find((destination) => destination.to === 'primary')
  const canary = destinations.find((destination) => destination.to === 'canary')
  if (destinations.length !== 2 || primary === undefined || canary === undefined) return undefined
  const split = { primary: primary.weight ?? 0, canary: canary.weight ?? 0, mirrored }
  return split.primary + split.canary === 100 && split.primary >= 0 && split.canary >= 0 ? split : undefined
}

/** The items of the list at a path, or none. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly Json[] {
  const found = at(value, ...path)
  return Array.isArray(found) ? (found as readonly Json[]) : []
}

/** The `weight` of a live destination. */
export function weightOf(destination: Json): number | undefined {
  return numberAt(destination, 'weight')
}
