import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/lib/clock.ts'
import type { KubeObject } from '../src/lib/kube-object.ts'
import { isObject } from '../src/lib/json.ts'
import { seededRandom } from '../src/lib/seeded-random.ts'
import { createEmbeddedCluster, type EmbeddedCluster } from '../src/playground/cluster/embedded-cluster.ts'
import { kubeconfig } from '../src/playground/cluster/kubeconfig.ts'
import { serveCluster } from '../src/playground/cluster/serve-cluster.ts'
import { createBareRepository } from '../src/playground/git-repository.ts'
import { serveGit } from '../src/playground/git-server.ts'
import { meshDefinitions } from '../src/playground/mesh-definitions.ts'
import { crds } from '../src/resources/crds.ts'
import { fleetFiles } from './fleet.ts'

/** Who commits in a measurement. */
export const person = { name: 'Ada', email: 'ada@example.com' }
export const LEDGER = 'serin/default'

/** What a Serin of a measurement talks to: a Git server and an API server over HTTP, both counting. */
export interface World {
  readonly directory: string
  readonly repositoryUrl: string
  readonly kubeconfigPath: string
  /** Requests to the API server so far, watches counted when they open. */
  apiRequests(): number
  gitRequests(): number
  /** The commit that the ledger is at; undefined before there is one. */
  ledgerTip(): Promise<string | undefined>
  /** Whether all canaries are initialised, with their targets at zero. */
  isSettled(): boolean
  close(): Promise<void>
}

/** Starts a world with so many canaries in its repository. */
export async function startWorld(canaries: number, onPush: () => void = () => {}): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'serin-bench-'))
  const options = { branch: 'main', author: person, timeMs: Date.now() }
  const repository = await createBareRepository(directory, 'fleet.git', fleetFiles(canaries), options)
  const git = await serveGit({ root: directory, onPush })
  const cluster = createEmbeddedCluster({
    clock: systemClock,
    random: seededRandom(1),
    podStartMs: 20,
    // A real API server remembers minutes; here thousands of changes fall into seconds.
    historyLimit: 200_000,
  })
  for (const definition of [...crds(), ...meshDefinitions()]) await install(cluster, definition)
  let apiRequests = 0
  const served = await serveCluster({
    ...cluster,
    serve: (request) => {
      apiRequests += 1
      return cluster.serve(request)
    },
    serveWatch: (request, sink) => {
      apiRequests += 1
      return cluster.serveWatch(request, sink)
    },
  })
  const kubeconfigPath = join(directory, 'kubeconfig')
  await writeFile(kubeconfigPath, kubeconfig(served.url))
  return {
    directory,
    repositoryUrl: `${git.url}/fleet.git`,
    kubeconfigPath,
    apiRequests: () => apiRequests,
    gitRequests: () => git.requests(),
    ledgerTip: () => readFile(join(repository, 'refs/heads', LEDGER), 'utf8').catch(() => undefined),
    isSettled: () => isSettled(cluster, canaries),
    async close() {
      await served.close()
      cluster.stop()
      await git.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function install(cluster: EmbeddedCluster, definition: KubeObject): Promise<void> {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  const body = JSON.parse(JSON.stringify(definition)) as never
  const { status } = await cluster.transport.send({ method: 'POST', path, body })
  if (status !== 201) throw new Error(`the definition ${definition.metadata.name} was answered ${status}`)
}

function isSettled(cluster: EmbeddedCluster, canaries: number): boolean {
  const all = cluster.list('flagger.app/v1beta1', 'Canary')
  if (all.length !== canaries) return false
  if (!all.every(({ status }) => isObject(status) && status['phase'] === 'Initialized')) return false
  const atZero = cluster.list('apps/v1', 'Deployment').filter(({ spec }) => spec?.['replicas'] === 0)
  return atZero.length === canaries
}
