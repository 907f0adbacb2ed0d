import type { KubeTransport } from '../../cluster/transport.ts'
import type { Clock } from '../../lib/clock.ts'
import type { KubeObject } from '../../lib/kube-object.ts'
import { acceptedStatus } from './accept-route.ts'
import type { ClusterView } from './cluster-view.ts'

export interface GatewayOptions {
  readonly clock: Clock
  readonly cluster: ClusterView & {
    readonly transport: KubeTransport
    /** Calls back after every change until the returned function is called. */
    onChange(listener: () => void): () => void
  }
  /** How long a gateway takes to accept what is written; 20 when absent. */
  readonly delayMs?: number
}

const apiVersion = 'gateway.networking.k8s.io/v1'
const retryMs = 500

/**
 * A gateway controller for the playground: accepts every HTTPRoute, and each new generation of it, a moment after it was
 * written, so that `gatewayapi:v1` canaries go on. Ends when the returned function is called.
 */
export function startGateway({ cluster, clock, delayMs = 20 }: GatewayOptions): () => void {
  let cancel: (() => void) | undefined
  let isStopped = false
  const plan = (ms: number): void => {
    if (isStopped || cancel !== undefined || waiting(cluster, clock.now()).length === 0) return
    cancel = clock.after(ms, () => {
      void pass().then((isDone) => {
        cancel = undefined
        plan(isDone ? delayMs : retryMs)
      })
    })
  }
  const pass = async (): Promise<boolean> => {
    const answers = await Promise.allSettled(
      waiting(cluster, clock.now()).map((route) => accept(cluster.transport, route, clock.now())),
    )
    return answers.every((answer) => answer.status === 'fulfilled' && answer.value < 300)
  }
  const stopListening = cluster.onChange(() => plan(delayMs))
  plan(delayMs)
  return () => {
    isStopped = true
    stopListening()
    cancel?.()
  }
}

function waiting(cluster: ClusterView, nowMs: number): readonly KubeObject[] {
  return cluster.list(apiVersion, 'HTTPRoute').filter((route) => acceptedStatus(route, nowMs) !== undefined)
}

async function accept(transport: KubeTransport, route: KubeObject, nowMs: number): Promise<number> {
  const { namespace = '', name } = route.metadata
  const response = await transport.send({
    method: 'PATCH',
    path: `/apis/${apiVersion}/namespaces/${namespace}/httproutes/${name}/status`,
    contentType: 'application/merge-patch+json',
    body: { status: acceptedStatus(route, nowMs) ?? null },
  })
  return response.status
}
