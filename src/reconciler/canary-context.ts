import type { KubeObject } from '../lib/kube-object.ts'
import type { Problem } from '../lib/problem.ts'
import type { CanaryKey } from '../ledger/entry.ts'
import type { Canary } from '../resources/canary.ts'
import type { Check } from '../rollout/check.ts'
import type { Desired } from '../rollout/input.ts'
import type { Sentence } from '../rollout/sentences.ts'
import type { RolloutSpec } from '../rollout/spec.ts'
import type { Revision } from '../rollout/state.ts'
import type { Readiness } from '../rollout/transition.ts'
import type { TrafficSplit } from '../traffic/split.ts'
import type { Manifest } from '../source/manifest.ts'
import type { Stage } from './converge.ts'

/** Everything known of one canary at one moment: what a decision is made from and acted out on. */
export interface CanaryContext {
  readonly key: CanaryKey
  readonly canary: Canary
  /** The live Canary object. */
  readonly object: KubeObject
  readonly spec: RolloutSpec
  readonly stage: Stage
  /** The target's manifest on the source branch; undefined when it is only in the cluster. */
  readonly source: Manifest | undefined
  /** What that manifest asks for: `desired` names the recorded revision where a revision of the cluster has the same content. */
  readonly inSource: Revision | undefined
  readonly desired: Desired | undefined
  /** Why a running rollout must not go on: the source branch was rewritten. */
  readonly frozen: Sentence | undefined
  /** What is wrong with its manifests although work goes on: the last good version is in force. */
  readonly faults: readonly Problem[]
  readiness(of: 'primary' | 'canary'): Readiness
  checks(): Promise<readonly Check[]>
  /** The Services and the provider's objects for a split. */
  routes(split: TrafficSplit): readonly KubeObject[]
  /** The primary workload and autoscaler generated from the desired revision. */
  primary(): readonly KubeObject[]
}
