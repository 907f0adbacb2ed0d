import { systemClock } from '../../../src/lib/clock.ts'
import { seededRandom } from '../../../src/lib/seeded-random.ts'
import type { Reply, ServerRequest } from '../../../src/playground/cluster/api/context.ts'
import { createEmbeddedCluster, type EmbeddedCluster } from '../../../src/playground/cluster/embedded-cluster.ts'
import { installDefinitions } from '../../../src/playground/cluster/install-definitions.ts'
import { kubeconfig } from '../../../src/playground/cluster/kubeconfig.ts'
import { serveCluster } from '../../../src/playground/cluster/serve-cluster.ts'
import { meshDefinitions } from '../../../src/playground/mesh-definitions.ts'
import { createPlaygroundPrometheus } from '../../../src/playground/prometheus/prometheus.ts'
import { servePrometheus } from '../../../src/playground/prometheus/serve.ts'
import { Traffic } from '../../../src/playground/traffic/traffic.ts'
import type { ClusterView } from '../../../src/playground/traffic/cluster-view.ts'
import { crds } from '../../../src/resources/crds.ts'

/** A server on 127.0.0.1. */
export interface Door {
  readonly url: string
  close(): Promise<void>
}

/** The cluster, its traffic and its metrics, whoever plays them. */
export interface Backend {
  /** What is in the cluster now, seen without Serin's help. */
  readonly view: ClusterView & { onChange(handler: () => void): () => void }
  /** Opens the API server's door; `answer` may reply in its place. */
  openApi(answer: (request: ServerRequest) => Reply | undefined, port?: number): Promise<Door>
  /** How Serin gets through that door. */
  kubeconfig(apiUrl: string): string
  /** Where Prometheus' API is. */
  readonly prometheusUrl: string
  close(): Promise<void>
}

const PODS_START_MS = 50
const REQUESTS_PER_SECOND = 400
const SCRAPE_MS = 200

/** Simulated clients of what is in the cluster, and the counters that they leave. */
export function startTraffic(cluster: ClusterView): { readonly traffic: Traffic; readonly stop: () => void } {
  const options = { requestsPerSecond: REQUESTS_PER_SECOND, scrapeIntervalMs: SCRAPE_MS }
  const traffic = new Traffic({ cluster, clock: systemClock, ...options })
  return { traffic, stop: traffic.start(PODS_START_MS) }
}

/** Everything in this process: what newcomers get. */
export async function embeddedBackend(): Promise<Backend> {
  const cluster = createEmbeddedCluster({ clock: systemClock, random: seededRandom(1), podStartMs: PODS_START_MS })
  installDefinitions(cluster, [...crds(), ...meshDefinitions()])
  const { traffic, stop } = startTraffic(cluster)
  const prometheus = await servePrometheus({
    prometheus: createPlaygroundPrometheus(traffic.store, () => traffic.advance()),
    clock: systemClock,
  })
  return {
    view: cluster,
    openApi: (answer, port) => serveCluster(guarded(cluster, answer), port === undefined ? {} : { port }),
    kubeconfig,
    prometheusUrl: prometheus.url,
    close: async () => {
      stop()
      await prometheus.close()
      cluster.stop()
    },
  }
}

function guarded(cluster: EmbeddedCluster, answer: (request: ServerRequest) => Reply | undefined): EmbeddedCluster {
  return {
    ...cluster,
    serve: (request) => answer(request) ?? cluster.serve(request),
    serveWatch: (request, sink) => answer(request) ?? cluster.serveWatch(request, sink),
  }
}
