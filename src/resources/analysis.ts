import type { Canary, CanaryMetric } from './canary.ts'
import { durationMs } from './duration.ts'

/** A canary's analysis with every default filled in. Weights and thresholds of readiness are percentages. */
export interface AnalysisPlan {
  readonly intervalMs: number
  /** Failed checks that end the rollout; at least 1. */
  readonly threshold: number
  /** More than 0: that many checks without a traffic shift (blue/green, A/B). */
  readonly iterations: number
  readonly maxWeight: number
  /** 0 when the steps are listed in `stepWeights`. */
  readonly stepWeight: number
  readonly stepWeights: readonly number[]
  /** 0: the promotion moves all traffic back in one go. */
  readonly stepWeightPromotion: number
  readonly primaryReadyThreshold: number
  readonly canaryReadyThreshold: number
  readonly progressDeadlineSeconds: number
  readonly metrics: readonly CanaryMetric[]
  /** True when a new revision is promoted without an analysis: `skipAnalysis`, or no `analysis` at all. */
  readonly isSkipped: boolean
}

/** Flagger's shortest interval between two steps: its control loop can't go faster. */
export const MIN_INTERVAL_MS = 10_000

/**
 * The analysis that a canary asks for, with Flagger's defaults.
 *
 * @param minIntervalMs shorter intervals are raised to it; `MIN_INTERVAL_MS` unless the operator configured another one.
 */
export function analysisOf(canary: Canary, minIntervalMs: number): AnalysisPlan {
  const { spec } = canary
  const analysis = spec.analysis ?? {}
  const stepWeights = analysis.stepWeights ?? []
  return {
    intervalMs: Math.max(durationMs(analysis.interval ?? '') ?? 60_000, minIntervalMs),
    threshold: positive(analysis.threshold) ?? 1,
    iterations: analysis.iterations ?? 0,
    maxWeight: positive(analysis.maxWeight) ?? 100,
    stepWeight: analysis.stepWeight ?? 0,
    stepWeights,
    stepWeightPromotion: analysis.stepWeightPromotion ?? 0,
    primaryReadyThreshold: analysis.primaryReadyThreshold ?? 100,
    canaryReadyThreshold: analysis.canaryReadyThreshold ?? 100,
    progressDeadlineSeconds: spec.progressDeadlineSeconds ?? 600,
    metrics: analysis.metrics ?? [],
    isSkipped: spec.skipAnalysis === true || spec.analysis === undefined,
  }
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined
}
