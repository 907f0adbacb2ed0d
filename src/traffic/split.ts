/** How requests are divided: percentages from 0 to 100 that sum to 100; `mirrored` sends copies to the canary besides. */
export interface TrafficSplit {
  readonly primary: number
  readonly canary: number
  readonly mirrored: boolean
}

/** A split with the canary at `weight` percent. */
export function splitAt(weight: number): TrafficSplit {
  return { primary: 100 - weight, canary: weight, mirrored: false }
}
