/** What the core needs to know of a Canary: names, pace and steps, with every default filled in. */
export interface RolloutSpec {
  readonly name: string
  readonly namespace: string
  readonly targetKind: string
  readonly targetName: string
  /** False for the provider `kubernetes`, which has no weights: it goes by iterations and leaves traffic alone. */
  readonly movesTraffic: boolean
  readonly skipAnalysis: boolean
  readonly suspend: boolean
  /** Milliseconds between two analyses. */
  readonly intervalMs: number
  /** Failed checks that end a run, at least 1. */
  readonly threshold: number
  /** Analyses of a blue/green run; 0 for a canary run by weights. */
  readonly iterations: number
  readonly maxWeight: number
  readonly stepWeight: number
  readonly stepWeights: readonly number[]
  /** Percentage points of each step back to the primary after promotion; 0 for all at once. */
  readonly stepWeightPromotion: number
}

/** `podinfo.test`: how sentences name the canary. */
export function canaryName(spec: RolloutSpec): string {
  return `${spec.name}.${spec.namespace}`
}

/** `podinfo.test`: how sentences name the target. */
export function targetName(spec: RolloutSpec): string {
  return `${spec.targetName}.${spec.namespace}`
}

/** `podinfo-primary.test` */
export function primaryName(spec: RolloutSpec): string {
  return `${spec.targetName}-primary.${spec.namespace}`
}
