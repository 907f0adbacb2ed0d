import { z } from 'zod'
import { Duration, Percent, StringMap } from '../fields.ts'
import { StringMatch } from './http-match.ts'
import { Metric } from './metric.ts'
import { Alert, Webhook } from './webhook.ts'

const AbMatch = z.strictObject({
  headers: z.record(z.string(), StringMatch).optional().describe('Headers by their lower-case names.'),
  queryParams: z.record(z.string(), StringMatch).optional().describe('Query parameters by their names.'),
  sourceLabels: StringMap.optional().describe('Labels of the pods that the requests come from.'),
})

const SessionAffinity = z.strictObject({
  cookieName: z.string().describe('Name of the cookie that keeps a user on the canary.'),
  primaryCookieName: z.string().optional().describe('Name of the cookie that keeps a user on the primary.'),
  maxAge: z.int().optional().describe('Seconds; 86400 when absent.'),
  domain: z.string().optional().describe('Domain attribute of the cookie.'),
  path: z.string().optional().describe('Path attribute of the cookie.'),
  httpOnly: z.boolean().optional().describe('HttpOnly attribute of the cookie.'),
  secure: z.boolean().optional().describe('Secure attribute of the cookie.'),
  partitioned: z.boolean().optional().describe('Partitioned attribute of the cookie.'),
  sameSite: z.enum(['Strict', 'Lax', 'None']).optional().describe('SameSite attribute of the cookie.'),
})

/** How a new revision is tried out, as people write it; `analysisOf` gives it with its defaults. */
export const Analysis = z.strictObject({
  interval: Duration.optional().describe('Time between two steps, for example 30s or 1m.'),
  threshold: z.int().optional().describe('Failed checks after which the revision is rolled back.'),
  iterations: z.int().min(0).optional().describe('Number of checks for A/B testing and blue/green.'),
  maxWeight: Percent.optional().describe('Highest canary weight before the promotion; 100 when absent.'),
  stepWeight: Percent.optional().describe('How much the canary weight grows each step.'),
  stepWeights: z.array(Percent).optional().describe('The canary weights one after the other.'),
  stepWeightPromotion: Percent.optional().describe('How much the primary weight grows each step of the promotion.'),
  mirror: z.boolean().optional().describe('Send copies of the requests to the canary before the first step.'),
  mirrorWeight: Percent.optional().describe('Percentage of the requests that is copied.'),
  primaryReadyThreshold: Percent.optional().describe(
    'Percentage of primary pods that must be available; 100 when absent.',
  ),
  canaryReadyThreshold: Percent.optional().describe(
    'Percentage of canary pods that must be available; 100 when absent.',
  ),
  match: z.array(AbMatch).optional().describe('Which requests the canary gets in A/B testing.'),
  metrics: z.array(Metric).optional().describe('The checks of each step; one that fails counts towards the threshold.'),
  webhooks: z.array(Webhook).optional().describe('Gates, load tests and listeners outside.'),
  alerts: z.array(Alert).optional().describe('Who hears about the rollout.'),
  sessionAffinity: SessionAffinity.optional().describe('Users who got the canary once get it again, by a cookie.'),
})
