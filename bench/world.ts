import { installDefinitions } from '../src/playground/cluster/install-definitions.ts'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/lib/clock.ts'
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
/** The branch that Serin writes by default. */
export const LEDGER = 'serin/default'

/** What a Serin of a measurement talks to: a Git server and an API server over HTTP, both counting. */
export interface World {
  readonly directory: string
  /** Of the repository for Serin, whose requests are counted. */
  readonly repositoryUrl: string
  /** Of the same repository for people. */
  readonly personUrl: string
  readonly kubeconfigPath: string
  /** Requests to the API server so far, watches counted when they open. */
  apiRequests(): number
  gitRequests(): number
  /** Whether all canaries are initialised, with their targets at zero. */
  isSettled(): boolean
  close(): Promise<void>
}

/** Told when the server has taken a push, of a person or of Serin. */
export interface Pushes {
  byPerson(): void
  bySerin(): void
}

const unheard: Pushes = { byPerson: () => {}, bySerin: () => {} }

/** Starts a world with so many canaries in its repository. */
export async function startWorld(canaries: number, pushes: Pushes = unheard): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'serin-bench-'))
  const options = { branch: 'main', author: person, timeMs: Date.now() }
  await createBareRepository(directory, 'fleet.git', fleetFiles(canaries), options)
  const git = await serveGit({ root: directory, onPush: () => pushes.bySerin() })
  const people = await serveGit({ root: directory, onPush: () => pushes.byPerson() })
  const cluster = createEmbeddedCluster({
    clock: systemClock,
    random: seededRandom(1),
    podStartMs: 20,
    // A real API server remembers minutes; here thousands of changes fall into seconds.
    historyLimit: 200_000,
  })
  installDefinitions(cluster, [...crds(), ...meshDefinitions()])
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
    personUrl: `${people.url}/fleet.git`,
    kubeconfigPath,
    apiRequests: () => apiRequests,
    gitRequests: () => git.requests(),
    isSettled: () => isSettled(cluster, canaries),
    async close() {
      await served.close()
      cluster.stop()
      await Promise.all([git.close(), people.close()])
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function isSettled(cluster: EmbeddedCluster, canaries: number): boolean {
  const all = cluster.list('flagger.app/v1beta1', 'Canary')
  if (all.length !== canaries) return false
  if (!all.every(({ status }) => isObject(status) && status['phase'] === 'Initialized')) return false
  const atZero = cluster.list('apps/v1', 'Deployment').filter(({ spec }) => spec?.['replicas'] === 0)
  return atZero.length === canaries
}
