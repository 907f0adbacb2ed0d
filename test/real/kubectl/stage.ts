import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import { createEmbeddedCluster } from '../../../src/playground/cluster/embedded-cluster.ts'
import { installDefinitions } from '../../../src/playground/cluster/install-definitions.ts'
import { kubeconfig } from '../../../src/playground/cluster/kubeconfig.ts'
import { serveCluster } from '../../../src/playground/cluster/serve-cluster.ts'
import { meshDefinitions } from '../../../src/playground/mesh-definitions.ts'
import { crds } from '../../../src/resources/crds.ts'
import { manifestsInText } from '../../../src/source/manifest.ts'
import { sharedData } from '../../support/shared-data.ts'
import { openShell, type Shell } from './shell.ts'

/** A shell before a cluster, in a namespace that nothing is in yet. */
export interface KubectlStage extends Shell {
  readonly namespace: string
}

/** Opens the control plane that the tests share, or an embedded cluster where there is none. No Serin runs there. */
export async function openStage(): Promise<KubectlStage> {
  const namespace = `kubectl-${randomBytes(4).toString('hex')}`
  const shared = inject('controlPlane')
  const embedded = shared === undefined ? await startEmbedded() : undefined
  const shell = await openShell({
    kubeconfigPath: shared?.kubeconfigPath ?? embedded?.kubeconfigPath ?? '',
    context: shared?.context,
    namespace,
  })
  await shell.kubectl(['apply', '-f', '-'], namespaceManifest(namespace))
  return {
    ...shell,
    namespace,
    async close() {
      await shell.ask(['delete', 'namespace', namespace, '--wait=false'])
      await shell.close()
      await embedded?.close()
    },
  }
}

/** For `kubectl apply`, not `create`: kubectl does that in protobuf, which the embedded server does not read. */
export function namespaceManifest(name: string): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
}

async function startEmbedded(): Promise<{ readonly kubeconfigPath: string; close(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'serin-kubectl-'))
  const kubeconfigPath = join(directory, 'kubeconfig')
  const cluster = createEmbeddedCluster({ clock: systemClock, random: Math.random, podStartMs: 50 })
  installDefinitions(cluster, [...crds(), ...(await istioDefinitions())])
  const served = await serveCluster(cluster)
  await writeFile(kubeconfigPath, kubeconfig(served.url))
  return {
    kubeconfigPath,
    async close() {
      await served.close()
      cluster.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** The published ones where they are at hand: the playground's have no Gateway. */
async function istioDefinitions(): Promise<readonly KubeObject[]> {
  const path = sharedData('crds', 'istio', 'crds.yaml')
  if (path === undefined) return meshDefinitions()
  return manifestsInText(await readFile(path, 'utf8'), path).manifests.map(({ object }) => object)
}
