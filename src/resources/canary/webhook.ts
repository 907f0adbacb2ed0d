import { z } from 'zod'
import { CrossNamespaceRef, Duration, StringMap } from '../fields.ts'

/** The moments at which a webhook is called; the empty string means `rollout`. */
export const WEBHOOK_TYPES = [
  '',
  'confirm-rollout',
  'pre-rollout',
  'rollout',
  'confirm-promotion',
  'post-rollout',
  'event',
  'rollback',
  'confirm-traffic-increase',
] as const

/** An HTTP endpoint that is asked or told during a rollout. */
export const Webhook = z.strictObject({
  name: z.string(),
  url: z.string(),
  type: z.enum(WEBHOOK_TYPES).optional().describe('When it is called; at each step of the rollout when absent.'),
  muteAlert: z.boolean().optional(),
  timeout: Duration.optional().describe('Longest time to wait for an answer; 10s when absent.'),
  retries: z.int().min(0).optional(),
  disableTLS: z.boolean().optional().describe('Accept any certificate.'),
  metadata: StringMap.optional().describe('Sent along in the body.'),
})

/** Who hears about the rollout. */
export const Alert = z.strictObject({
  name: z.string(),
  severity: z.enum(['', 'info', 'warn', 'error']).optional(),
  providerRef: CrossNamespaceRef,
})
