import { createClient } from '../../../src/cluster/client.ts'
import { connectCluster } from '../../../src/cluster/transport-http.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import { controlPlane } from '../namespace.ts'

/** Creates an object of which Git knows nothing. */
export async function createAsAdmin(object: KubeObject): Promise<void> {
  const { kubeconfigPath, context } = controlPlane()
  const connection = await connectCluster({ userAgent: 'serin-test', kubeconfigPath, context })
  try {
    await createClient(connection.transport).create(object, { fieldManager: 'serin-test' })
  } finally {
    await connection.close()
  }
}
