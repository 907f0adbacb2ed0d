import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { createClient } from '../../../src/cluster/client.ts'
import { connectCluster } from '../../../src/cluster/transport-http.ts'
import { at, stringAt } from '../../../src/lib/json.ts'
import { FAKE_NODE_LABEL, startFakeKubelet } from './fake-kubelet.ts'
import type { FoundControlPlane } from './find.ts'
import { furnish } from './furnish.ts'
import { startControlPlane, type ControlPlane, type StartOptions } from './start.ts'

/** What tests get to know of the control plane that they share: `inject('controlPlane')`. All of it is plain data. */
export interface SharedControlPlane {
  /** Admin's. */
  readonly kubeconfigPath: string
  readonly context: string
  readonly url: string
  /** The certificate that the API server's is signed with. */
  readonly caPath: string
  readonly serverVersion: string
}

/** A control plane with definitions, roles, and nodes that run pods. */
export interface ReadyControlPlane extends SharedControlPlane {
  /** Its programs, to stop and start; undefined where it ran before. */
  readonly programs: ControlPlane | undefined
  close(): Promise<void>
}

/** Starts or takes what was found, and furnishes it. A cluster with machines of its own is refused: the tests' images exist nowhere. */
export async function readyControlPlane(
  found: FoundControlPlane,
  options: StartOptions = {},
): Promise<ReadyControlPlane> {
  const started = found.kind === 'binaries' ? await startControlPlane(found.directory, options) : undefined
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
    const caPath = started?.caPath ?? (await writeCa(kubeconfigPath, context, closing))
    return { kubeconfigPath, context, url: connection.serverUrl, caPath, serverVersion, programs: started, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The certificate authority of a context as a file of its own: in a kubeconfig it may be a file's path or data. */
async function writeCa(kubeconfigPath: string, context: string, closing: (() => Promise<void>)[]): Promise<string> {
  const config: unknown = parse(await readFile(kubeconfigPath, 'utf8'))
  const clusterName = stringAt(named(config, 'contexts', context), 'context', 'cluster') ?? ''
  const cluster = at(named(config, 'clusters', clusterName), 'cluster')
  const path = stringAt(cluster, 'certificate-authority')
  if (path !== undefined) return resolve(dirname(kubeconfigPath), path)
  const data = stringAt(cluster, 'certificate-authority-data')
  if (data === undefined) throw new Error(`${kubeconfigPath} names no certificate authority for context ${context}`)
  const folder = await mkdtemp(join(tmpdir(), 'serin-ca-'))
  closing.push(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'ca.crt')
  await writeFile(file, Buffer.from(data, 'base64'))
  return file
}

function named(config: unknown, list: string, name: string): unknown {
  const items = at(config, list)
  return Array.isArray(items) ? items.find((one) => stringAt(one, 'name') === name) : undefined
}
