import { z } from 'zod'
import { parseTimestamp, preciseTimestamp } from '../lib/clock.ts'
import type { JsonObject } from '../lib/json.ts'
import type { RolloutState } from '../rollout/state.ts'

const Revision = z.object({ commit: z.string(), hash: z.string() })

const CheckFile = z.object({
  metric: z.string(),
  value: z.number().optional(),
  unit: z.enum(['%', 'ms', '']),
  min: z.number().optional(),
  max: z.number().optional(),
  window: z.string(),
  verdict: z.enum(['passed', 'failed', 'no-values', 'error']),
  halt: z.string().optional(),
})

const StatusFile = z.object({
  phase: z.enum([
    'Initializing',
    'Initialized',
    'Waiting',
    'Progressing',
    'WaitingPromotion',
    'Promoting',
    'Finalising',
    'Succeeded',
    'Failed',
  ]),
  canaryWeight: z.number().int().min(0).max(100),
  failedChecks: z.number().int().min(0),
  iterations: z.number().int().min(0),
  lastTransitionTime: z.string().refine((text) => !Number.isNaN(parseTimestamp(text)), 'no RFC 3339 time'),
  revision: Revision,
  route: z.enum(['analysis', 'skipped', 'restore']),
  attempt: z.number().int().min(1),
  pullRequest: z.string().optional(),
  checks: z.array(CheckFile),
  promotedRevision: Revision,
  quarantine: z.array(z.string()),
  keptOut: z.string().optional(),
  rollback: z
    .object({
      rung: z.enum(['commit', 'pull-request', 'status-only']),
      reference: z.string().optional(),
      reason: z.string().optional(),
    })
    .optional(),
})

/** A rollout's state as `status.yaml` holds it: the fields of a Canary's status, and Serin's own. */
export function statusFile(state: RolloutState): JsonObject {
  return {
    phase: state.phase,
    canaryWeight: state.canaryWeight,
    failedChecks: state.failedChecks,
    iterations: state.iterations,
    lastAppliedSpec: state.revision.hash,
    lastPromotedSpec: state.lastPromoted.hash,
    lastTransitionTime: preciseTimestamp(state.lastTransitionMs),
    revision: { ...state.revision },
    // Between lines that a rollback leaves alone: what follows one must not keep its revert from applying.
    keptOut: state.keptOut,
    rollback: state.rollback === undefined ? undefined : { ...state.rollback },
    route: state.route,
    attempt: state.attempt,
    pullRequest: state.pullRequest,
    checks: state.checks.map((check) => ({ ...check })),
    promotedRevision: { ...state.lastPromoted },
    quarantine: state.quarantine,
  }
}

/** The state in a `status.yaml`; a ZodError when it is none. */
export function parseStatusFile(value: unknown): RolloutState {
  const { lastTransitionTime, promotedRevision, ...file } = StatusFile.parse(value)
  return withoutUndefined({
    ...file,
    lastPromoted: promotedRevision,
    lastTransitionMs: parseTimestamp(lastTransitionTime),
  })
}

/** Optional members that are absent, not undefined: zod writes the latter. */
function withoutUndefined(value: unknown): RolloutState {
  return JSON.parse(JSON.stringify(value)) as RolloutState
}
