import type { KubeObject } from '../../lib/kube-object.ts'

/** What the traffic sees of a cluster. */
export interface ClusterView {
  /** All objects of a kind, or those of one namespace; none when the kind is not there. */
  list(apiVersion: string, kind: string, namespace?: string): readonly KubeObject[]
  /** Changes whenever an object does. With it, nothing is looked at again while nothing changed. */
  readonly revision?: (() => number) | undefined
}
