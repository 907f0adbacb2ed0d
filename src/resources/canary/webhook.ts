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
  name: z.string().describe('What events and messages call it.'),
  url: z.string().describe('Where it is called.'),
  type: z.enum(WEBHOOK_TYPES).optional().describe('When it is called; at each step of the rollout when absent.'),
  muteAlert: z.boolean().optional().describe('Send no alert when it fails.'),
  timeout: Duration.optional().describe('Longest time to wait for an answer; 10s when absent.'),
  retries: z.int().min(0).optional().describe('How often a failed call is repeated; 0 when absent.'),
  disableTLS: z.boolean().optional().describe('Accept any certificate.'),
  metadata: StringMap.optional().describe('Sent along in the body.'),
})

/** Who hears about the rollout. */
export const Alert = z.strictObject({
  name: z.string().describe('What the logs call it.'),
  severity: z.enum(['', 'info', 'warn', 'error']).optional().describe('Least severity that is sent; info when absent.'),
  providerRef: CrossNamespaceRef.describe('The AlertProvider that sends it.'),
})
