import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Whether a webhook's body was signed with our secret. `header` is GitHub's `X-Hub-Signature-256`: `sha256=` and the
 * hex HMAC of the raw body. Takes the same time for every wrong signature.
 * https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
export function isSigned(body: Buffer, header: string | undefined, secret: string): boolean {
  const given = /^sha256=([0-9a-f]{64})$/i.exec(header ?? '')?.[1]
  if (given === undefined) return false
  const expected = createHmac('sha256', secret).update(body).digest()
  return timingSafeEqual(expected, Buffer.from(given, 'hex'))
}
