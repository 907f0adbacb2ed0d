import { connectCluster, type ClusterConnection } from '../../../src/cluster/transport-http.ts'
import { findControlPlane } from '../../cluster/control-plane/find.ts'
import { startControlPlane } from '../../cluster/control-plane/start.ts'
import { controlPlane } from '../namespace.ts'

/** A control plane that a test may change as it likes, or, where only a running one was named, the shared one. */
export interface Place {
  readonly connection: ClusterConnection
  /** Whether nobody else is on it: definitions may be replaced. */
  readonly isOwn: boolean
  /** Of Kubernetes 1. */
  readonly minor: number
  close(): Promise<void>
}

/**
 * Starts a control plane of its own, even where a shared one runs, from programs that are at hand. Definitions that come and
 * go would disturb the tests that share one: garbage collection rests while they do.
 */
export async function openPlace(apiServerFlags: readonly string[] = []): Promise<Place> {
  const { SERIN_TEST_CONTEXT: _, ...env } = process.env
  const found = findControlPlane(env)
  const own = found?.kind === 'binaries' ? await startControlPlane(found.directory, { apiServerFlags }) : undefined
  const { kubeconfigPath, context, serverVersion } = own ?? controlPlane()
  const connection = await connectCluster({ userAgent: 'serin-test', kubeconfigPath, context })
  return {
    connection,
    isOwn: own !== undefined,
    minor: Number(/v1\.(\d+)/.exec(serverVersion)?.[1] ?? 0),
    close: async () => {
      await connection.close()
      await own?.close()
    },
  }
}
