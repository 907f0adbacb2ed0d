import { installDefinitions } from '../../playground/cluster/install-definitions.ts'
import { freePort } from '../../playground/free-port.ts'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withDerived, type Config } from '../../config/config.ts'
import { ConfigFile } from '../../config/schema.ts'
import { systemClock } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/seeded-random.ts'
import { createEmbeddedCluster, type EmbeddedCluster } from '../../playground/cluster/embedded-cluster.ts'
import { kubeconfig } from '../../playground/cluster/kubeconfig.ts'
import { serveCluster } from '../../playground/cluster/serve-cluster.ts'
import { createForge, type PlaygroundForge } from '../../playground/forge/forge.ts'
import { createBareRepository } from '../../playground/git-repository.ts'
import { serveGit } from '../../playground/git-server.ts'
import { meshDefinitions } from '../../playground/mesh-definitions.ts'
import { createPlaygroundPrometheus } from '../../playground/prometheus/prometheus.ts'
import { servePrometheus } from '../../playground/prometheus/serve.ts'
import { Traffic } from '../../playground/traffic/traffic.ts'
import { crds } from '../../resources/crds.ts'
import { firstFiles } from './files.ts'

/** The demo's world: everything that Serin talks to, each part a server on 127.0.0.1. */
export interface DemoStage {
  readonly cluster: EmbeddedCluster
  readonly forge: PlaygroundForge
  readonly traffic: Traffic
  /** The bare repository on disk. */
  readonly repositoryPath: string
  readonly kubeconfigPath: string
  /** What `serin run` would read. */
  readonly config: Config
  readonly clusterUrl: string
  close(): Promise<void>
}

const TRAFFIC_EVERY_MS = 50

/** Starts the world in a folder; its repository becomes `<directory>/fleet.git`. */
export async function startDemoStage(directory: string): Promise<DemoStage> {
  await mkdir(directory, { recursive: true })
  const author = { name: 'Ada', email: 'ada@example.com' }
  const repositoryPath = await createBareRepository(directory, 'fleet.git', firstFiles(), {
    branch: 'main',
    author,
    timeMs: Date.now(),
    message: 'Start the fleet\n',
  })
  const git = await serveGit({ root: directory })
  const cluster = createEmbeddedCluster({ clock: systemClock, random: seededRandom(Date.now()) })
  installDefinitions(cluster, [...crds(), ...meshDefinitions()])
  const served = await serveCluster(cluster)
  const traffic = new Traffic({ cluster, clock: systemClock, requestsPerSecond: 1000, scrapeIntervalMs: 250 })
  const stopTraffic = traffic.start(TRAFFIC_EVERY_MS)
  const prometheus = await servePrometheus({
    prometheus: createPlaygroundPrometheus(traffic.store, () => traffic.advance()),
    clock: systemClock,
  })
  const port = await freePort()
  const webhook = { url: `http://127.0.0.1:${port}/webhooks/push`, secret: 'not-a-secret-in-a-demo' }
  const forge = await createForge({ repositoryPath, name: 'demo/fleet', webhook })
  const kubeconfigPath = join(directory, 'kubeconfig')
  await writeFile(kubeconfigPath, kubeconfig(served.url))
  const config = withDerived(
    ConfigFile.parse({
      repository: { url: `${git.url}/fleet.git`, paths: ['apps'], poll: '*/5 * * * * *' },
      cluster: { name: 'demo' },
      forge: { kind: 'github', apiUrl: forge.api, repository: 'demo/fleet', token: 'demo' },
      metricsServer: prometheus.url,
      minimumInterval: '1s',
      dataDirectory: join(directory, 'serin'),
      server: { host: '127.0.0.1', port, webhookSecret: webhook.secret },
    }),
  )
  return {
    cluster,
    forge,
    traffic,
    repositoryPath,
    kubeconfigPath,
    config,
    clusterUrl: served.url,
    async close() {
      stopTraffic()
      await forge.close()
      await prometheus.close()
      await served.close()
      cluster.stop()
      await git.close()
    },
  }
}
