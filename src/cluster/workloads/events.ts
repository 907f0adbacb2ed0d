import { createHash } from 'node:crypto'
import { timestamp } from '../../lib/clock.ts'
import type { KubeObject } from '../../lib/kube-object.ts'
import type { Owner } from './owner.ts'

/** Something to tell about an object, for `kubectl describe`. */
export interface ObjectEvent {
  /** What it is about. */
  readonly about: Owner
  readonly type: 'Normal' | 'Warning'
  readonly message: string
  /** When it happened first, in milliseconds. */
  readonly firstMs: number
  /** When it happened last, in milliseconds. */
  readonly lastMs: number
  readonly count: number
}

/** The longest message that the API server takes, in bytes. */
const longestMessage = 1024

/**
 * The Kubernetes Event of something that happened. Its name follows from what it says and when it began, so sending it
 * twice makes one.
 */
export function kubeEvent({ about, type, message, firstMs, lastMs, count }: ObjectEvent): KubeObject {
  const { name, namespace = 'default', uid } = about.metadata
  const text = truncated(message)
  const identity = createHash('sha256')
    .update(JSON.stringify([uid ?? '', type, text, firstMs]))
    .digest('hex')
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name.slice(0, 230)}.${identity.slice(0, 16)}`, namespace },
    involvedObject: {
      apiVersion: about.apiVersion,
      kind: about.kind,
      name,
      namespace,
      ...(uid === undefined ? {} : { uid }),
    },
    type,
    reason: 'Synced',
    message: text,
    source: { component: 'serin' },
    reportingComponent: 'serin',
    reportingInstance: '',
    firstTimestamp: timestamp(firstMs),
    lastTimestamp: timestamp(lastMs),
    count,
  }
}

/** The text cut to what fits, at a character's border, with an ellipsis. */
function truncated(message: string): string {
  const bytes = Buffer.from(message)
  if (bytes.byteLength <= longestMessage) return message
  const cut = new TextDecoder().decode(bytes.subarray(0, longestMessage - 3), { stream: true })
  return `${cut}…`
}
