import { analysisOf } from '../resources/analysis.ts'
import type { Canary } from '../resources/canary.ts'
import { Problem } from '../lib/problem.ts'
import type { RolloutSpec } from '../rollout/spec.ts'

/** What every canary has unless it says otherwise. */
export interface CanaryDefaults {
  readonly provider: string
  readonly metricsServer: string
  /** Milliseconds; shorter analysis intervals are stretched to it. */
  readonly minIntervalMs: number
}

/** The provider that routes a canary's traffic. */
export function providerOf(canary: Canary, defaults: CanaryDefaults): string {
  return canary.spec.provider ?? defaults.provider
}

/** Analyses of a run with the provider `kubernetes`, which has no weights, when the Canary names no number. */
const DEFAULT_ITERATIONS = 10

/** The core's view of a Canary. Throws a Problem (`stalled`) for a strategy that is not built yet. */
export function rolloutSpecOf(canary: Canary, defaults: CanaryDefaults): RolloutSpec {
  const { spec, metadata } = canary
  const plan = analysisOf(canary, defaults.minIntervalMs)
  const movesTraffic = providerOf(canary, defaults) !== 'kubernetes'
  refuseUnbuilt(canary)
  return {
    name: metadata.name,
    namespace: metadata.namespace,
    targetKind: spec.targetRef.kind,
    targetName: spec.targetRef.name,
    movesTraffic,
    skipAnalysis: plan.isSkipped,
    suspend: spec.suspend === true,
    intervalMs: plan.intervalMs,
    threshold: plan.threshold,
    iterations: movesTraffic || plan.iterations > 0 ? plan.iterations : DEFAULT_ITERATIONS,
    maxWeight: plan.maxWeight,
    stepWeight: plan.stepWeight,
    stepWeights: plan.stepWeights,
    stepWeightPromotion: movesTraffic ? plan.stepWeightPromotion : 0,
  }
}

function refuseUnbuilt(canary: Canary): void {
  const { analysis, targetRef } = canary.spec
  const unbuilt = [
    ...(targetRef.kind === 'Deployment' ? [] : [`targets of kind ${targetRef.kind}`]),
    ...((analysis?.match ?? []).length === 0 ? [] : ['analysis.match (A/B testing)']),
    ...(analysis?.mirror === true ? ['analysis.mirror'] : []),
    ...(analysis?.sessionAffinity === undefined ? [] : ['analysis.sessionAffinity']),
    ...((analysis?.webhooks ?? []).length === 0 ? [] : ['analysis.webhooks']),
  ]
  if (unbuilt.length === 0) return
  throw new Problem({
    kind: 'stalled',
    code: 'CANARY_NOT_SUPPORTED',
    place: `Canary/${canary.metadata.name}.${canary.metadata.namespace}`,
    message: `this version does not support ${unbuilt.join(' and ')}`,
    hint: 'nothing is rolled out for this canary; the running version stays as it is',
  })
}
