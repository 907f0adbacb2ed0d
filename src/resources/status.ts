import { z } from 'zod'

/** Where a rollout stands; the empty string before the first tick. */
export const PHASES = [
  '',
  'Initializing',
  'Initialized',
  'Waiting',
  'Progressing',
  'WaitingPromotion',
  'Promoting',
  'Finalising',
  'Succeeded',
  'Failed',
  'Terminating',
  'Terminated',
] as const
export type Phase = (typeof PHASES)[number]

const Condition = z.looseObject({
  type: z.string().describe('Kind of the condition, for example Promoted.'),
  status: z.string().describe('True, False or Unknown.'),
  lastUpdateTime: z.string().optional().describe('When the condition changed last.'),
  lastTransitionTime: z.string().optional().describe('When its status changed last.'),
  reason: z.string().optional().describe('Why, in one word: for Promoted the phase of the rollout.'),
  message: z.string().optional().describe('Why, in a sentence.'),
})

/** The fields of a Canary's status, as the CRD declares them. */
export const CanaryStatusFields = z.object({
  phase: z.enum(PHASES).optional().describe('Where the rollout stands.'),
  canaryWeight: z.int().optional().describe('Percentage of the traffic that the canary gets.'),
  failedChecks: z.int().optional().describe('Failed checks of this rollout.'),
  iterations: z.int().optional().describe('Done iterations of A/B testing and blue/green.'),
  lastAppliedSpec: z.string().optional().describe('Hash of the revision that was seen last.'),
  lastPromotedSpec: z.string().optional().describe('Hash of the revision that the primary runs.'),
  trackedConfigs: z.record(z.string(), z.string()).optional().describe('Hashes of the tracked ConfigMaps and Secrets.'),
  sessionAffinityCookie: z.string().optional().describe('Cookie of the users of the canary.'),
  primarySessionAffinityCookie: z.string().optional().describe('Cookie of the users of the primary.'),
  previousSessionAffinityCookie: z.string().optional().describe('Cookie of the former rollout.'),
  lastTransitionTime: z.string().optional().describe('When the status changed last.'),
  conditions: z.array(Condition).optional().describe('What kubectl wait waits for.'),
})

/** The status of the other kinds, which nothing writes yet. */
export const ResourceStatusFields = z.object({
  conditions: z.array(Condition).optional().describe('What kubectl wait waits for.'),
})

/**
 * A Canary's status as it is read from the API server: fields of a wrong type read as absent and unknown ones are
 * kept, so that whatever somebody wrote there never stops a rollout.
 */
export const CanaryStatus = z.looseObject({
  phase: CanaryStatusFields.shape.phase.catch(undefined),
  canaryWeight: CanaryStatusFields.shape.canaryWeight.catch(undefined),
  failedChecks: CanaryStatusFields.shape.failedChecks.catch(undefined),
  iterations: CanaryStatusFields.shape.iterations.catch(undefined),
  lastAppliedSpec: CanaryStatusFields.shape.lastAppliedSpec.catch(undefined),
  lastPromotedSpec: CanaryStatusFields.shape.lastPromotedSpec.catch(undefined),
  trackedConfigs: CanaryStatusFields.shape.trackedConfigs.catch(undefined),
  sessionAffinityCookie: CanaryStatusFields.shape.sessionAffinityCookie.catch(undefined),
  primarySessionAffinityCookie: CanaryStatusFields.shape.primarySessionAffinityCookie.catch(undefined),
  previousSessionAffinityCookie: CanaryStatusFields.shape.previousSessionAffinityCookie.catch(undefined),
  lastTransitionTime: CanaryStatusFields.shape.lastTransitionTime.catch(undefined),
  conditions: CanaryStatusFields.shape.conditions.catch(undefined),
})
export type CanaryStatus = z.infer<typeof CanaryStatus>
