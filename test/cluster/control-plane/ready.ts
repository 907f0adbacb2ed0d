import { createClient } from '../../../src/cluster/client.ts'
import { connectCluster } from '../../../src/cluster/transport-http.ts'
import { stringAt } from '../../../src/lib/json.ts'
import { FAKE_NODE_LABEL, startFakeKubelet } from './fake-kubelet.ts'
import type { FoundControlPlane } from './find.ts'
import { furnish } from './furnish.ts'
import { startControlPlane } from './start.ts'

/** What tests get to know of the control plane that they share: `inject('controlPlane')`. All of it is plain data. */
export interface SharedControlPlane {
  /** Admin's. */
  readonly kubeconfigPath: string
  readonly context: string
  readonly url: string
  readonly serverVersion: string
}

/** A control plane with definitions, roles, and nodes that run pods. */
export interface ReadyControlPlane extends SharedControlPlane {
  close(): Promise<void>
}

/** Starts or takes what was found, and furnishes it. A cluster with machines of its own is refused: the tests' images exist nowhere. */
export async function readyControlPlane(found: FoundControlPlane): Promise<ReadyControlPlane> {
  const started = found.kind === 'binaries' ? await startControlPlane(found.directory) : undefined
  const access = found.kind === 'running' ? found : started
  if (access === undefined) throw new Error('no control plane')
  const { kubeconfigPath, context } = access
  const connection = await connectCluster({ userAgent: 'serin-test', kubeconfigPath, context })
  const { transport } = connection
  const closing: (() => Promise<void>)[] = [() => connection.close()]
  if (started !== undefined) closing.push(() => started.close())
  const close = async (): Promise<void> => {
    for (const one of closing) await one()
  }
  try {
    const version = await transport.send({ method: 'GET', path: '/version' })
    await furnish(transport)
    const nodes = (await createClient(transport).list({ apiVersion: 'v1', kind: 'Node' })).items
    const machines = nodes.filter(({ metadata }) => metadata.labels?.[FAKE_NODE_LABEL] !== 'true')
    if (machines.length > 0)
      throw new Error(
        `context ${context} has machines (${machines[0]?.metadata.name}): tests need a bare control plane`,
      )
    if (nodes.length === 0) {
      const kubelet = await startFakeKubelet({ transport })
      closing.unshift(() => kubelet.stop())
    }
    const serverVersion = stringAt(version.body, 'gitVersion') ?? 'unknown'
    return { kubeconfigPath, context, url: connection.serverUrl, serverVersion, close }
  } catch (error) {
    await close()
    throw error
  }
}
