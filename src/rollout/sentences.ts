import { canaryName, primaryName, targetName, type RolloutSpec } from './spec.ts'

/** What a person reads: the same words in the ledger's commit, the Kubernetes event, the log and the pull request. */
export interface Sentence {
  readonly type: 'Normal' | 'Warning'
  readonly text: string
}

export function normal(text: string): Sentence {
  return { type: 'Normal', text }
}

export function warning(text: string): Sentence {
  return { type: 'Warning', text }
}

/** The sentences of a rollout. Where Flagger has one its words are kept, because people and scripts look for them. */
export const say = {
  suspended: () => normal('skipping canary run as object is suspended'),
  initializing: (spec: RolloutSpec) => normal(`New ${spec.targetKind} detected, starting initialization.`),
  initialized: (spec: RolloutSpec) => normal(`Initialization done! ${canaryName(spec)}`),
  newRevision: (spec: RolloutSpec) => normal(`New revision detected! Scaling up ${targetName(spec)}`),
  restarting: (spec: RolloutSpec) => normal(`New revision detected! Restarting analysis for ${targetName(spec)}`),
  startingAnalysis: (spec: RolloutSpec) => normal(`Starting canary analysis for ${targetName(spec)}`),
  weight: (spec: RolloutSpec, weight: number) => normal(`Advance ${canaryName(spec)} canary weight ${weight}`),
  restoringWeight: (spec: RolloutSpec, weight: number) =>
    warning(`Restoring ${canaryName(spec)} canary weight ${weight}`),
  iteration: (spec: RolloutSpec, done: number) =>
    normal(`Advance ${canaryName(spec)} canary iteration ${done}/${spec.iterations}`),
  primaryWeight: (spec: RolloutSpec, weight: number) => normal(`Advance ${canaryName(spec)} primary weight ${weight}`),
  allToCanary: () => normal('Routing all traffic to canary'),
  allToPrimary: () => normal('Routing all traffic to primary'),
  analysisCompleted: () => normal('Canary analysis completed, starting primary rolling update.'),
  copying: (spec: RolloutSpec) => normal(`Copying ${targetName(spec)} template spec to ${primaryName(spec)}`),
  promoted: (spec: RolloutSpec) => normal(`Promotion completed! Scaling down ${targetName(spec)}`),
  promotedUnanalysed: (spec: RolloutSpec) =>
    normal(`Promotion completed! Canary analysis was skipped for ${targetName(spec)}`),
  promotionFailed: (spec: RolloutSpec, why: string) =>
    warning(`Promotion of ${targetName(spec)} failed, primary not ready: ${why}`),
  thresholdReached: (spec: RolloutSpec, failedChecks: number) =>
    warning(`Rolling back ${canaryName(spec)} failed checks threshold reached ${failedChecks}`),
  deadlineExceeded: (spec: RolloutSpec, why: string) =>
    warning(`Rolling back ${canaryName(spec)} progress deadline exceeded ${why}`),
  revisionReverted: (spec: RolloutSpec, commit: string) =>
    warning(`Rolling back ${canaryName(spec)} revision reverted by ${shortCommit(commit)}`),
  ordered: (spec: RolloutSpec, commit: string) =>
    warning(`Rolling back ${canaryName(spec)} ordered by ${shortCommit(commit)}`),
  canaryFailed: (spec: RolloutSpec) => warning(`Canary failed! Scaling down ${targetName(spec)}`),
  scalingDown: (spec: RolloutSpec) => normal(`Scaling down ${targetName(spec)}`),
  restoring: (spec: RolloutSpec, hash: string) =>
    normal(`Revision ${shortHash(hash)} of ${targetName(spec)} was promoted before, restoring it without analysis`),
  quarantined: (spec: RolloutSpec, hash: string) =>
    warning(`Revision ${shortHash(hash)} of ${targetName(spec)} failed before and is not rolled out again`),
  sourceReverted: (spec: RolloutSpec, branch: string, reference: string) =>
    normal(`Reverted ${targetName(spec)} on ${branch}: ${reference}`),
  sourceNotReverted: (spec: RolloutSpec, branch: string, why: string) =>
    warning(`Could not revert ${targetName(spec)} on ${branch}: ${why}`),
} as const

function shortCommit(commit: string): string {
  return commit.slice(0, 7)
}

function shortHash(hash: string): string {
  return hash.slice(0, 8)
}
