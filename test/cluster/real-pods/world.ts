import { join } from 'node:path'
import { createTimeline, type Timeline } from '../../../src/cli/demo/timeline.ts'
import type { Client } from '../../../src/cluster/client.ts'
import { connectCluster } from '../../../src/cluster/transport-http.ts'
import { startExporter } from '../../support/exporter.ts'
import { startPrometheus } from '../../support/prometheus.ts'
import { startControlPlane } from '../control-plane/start.ts'
import { firstFiles } from './fleet.ts'
import { writeImages, type Release } from './images.ts'
import { install } from './install.ts'
import { startMesh, type Mesh } from './mesh.ts'
import { NODE, startNode } from './node.ts'
import { startProxy, type ProxiedRequest, type Proxy } from './proxy.ts'
import { startRepository, type Repository } from './repository.ts'
import { LEDGER, startSerinProcess, type RunningSerin } from './serin.ts'

/** Everything that runs. It ends with the namespaces of the process, whatever ends that. */
export interface World {
  readonly client: Client
  readonly repository: Repository
  readonly proxy: Proxy
  readonly mesh: Mesh
  readonly serin: RunningSerin
  readonly timeline: Timeline
  /** Each sentence of Serin's log, with when it was read. */
  readonly sentences: readonly { readonly atMs: number; readonly text: string }[]
  readonly prometheusUrl: string
}

export interface WorldOptions {
  readonly directory: string
  /** The folder of the control plane's programs. */
  readonly programs: string
  readonly releases: readonly [Release, ...Release[]]
}

const NAMESPACE = 'test'
const NAME = 'podinfo'
const SERVICES = [`${NAME}-primary`, `${NAME}-canary`]
const BUCKETS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000]

/** Starts all parts, each when what it needs is there, and tells which they are. */
export async function startWorld({ directory, programs, releases }: WorldOptions): Promise<World> {
  const timeline = createTimeline(process.stdout)
  timeline.act('0  A machine with a cluster')
  const controlPlane = await startControlPlane(programs)
  const { kubeconfigPath, context } = controlPlane
  timeline.note(`etcd, API server, controllers and scheduler: Kubernetes ${controlPlane.serverVersion}`)
  const { transport } = await connectCluster({ userAgent: 'real-pods', kubeconfigPath, context })
  const { client, token, istio } = await install(transport)
  timeline.note(`Serin's resources and role as in manifests/, Istio's definitions ${istio}`)
  const images = writeImages(directory, join(directory, 'busybox'), releases)
  await startNode({ directory, programs, kubeconfigPath, client, images })
  timeline.note(
    `containerd with ${releases.length} releases of the application; the kubelet's node ${NODE.name} is ready`,
  )

  const { record, url: exporterUrl } = await measuredByProxy()
  const prometheus = await startPrometheus({ targets: [exporterUrl], directory: join(directory, 'prometheus') })
  const proxy = await startProxy(directory, SERVICES, record)
  const mesh = await startMesh({ client, namespace: NAMESPACE, name: NAME, proxy })
  timeline.note(
    `haproxy on ${proxy.url} follows VirtualService/${NAME}; Prometheus on ${prometheus.url} scrapes its counts`,
  )

  const repository = await startRepository(directory, firstFiles(releases[0].version), LEDGER)
  const sentences: { atMs: number; text: string }[] = []
  const serin = startSerinProcess({
    directory,
    repositoryUrl: repository.url,
    apiUrl: controlPlane.url,
    caPath: controlPlane.caPath,
    token,
    metricsServer: prometheus.url,
    onSentence: (text, level, commit) => {
      sentences.push({ atMs: Date.now(), text })
      timeline.serin({ type: level === 'info' ? 'Normal' : 'Warning', text }, commit)
    },
  })
  timeline.note(`Serin runs as its ServiceAccount and watches ${repository.url}`)
  const prometheusUrl = prometheus.url
  return { client, repository, proxy, mesh, serin, timeline, sentences, prometheusUrl }
}

/** What a mesh's proxies would tell Prometheus, from the proxy's log. */
async function measuredByProxy() {
  const exporter = await startExporter()
  const labelsOf = (service: string) => ({
    reporter: 'destination',
    destination_workload_namespace: NAMESPACE,
    // Istio counts by workload: the Service of the canary leads to the target itself.
    destination_workload: service === `${NAME}-canary` ? NAME : service,
  })
  for (const service of SERVICES) {
    for (const code of ['200', '500'])
      exporter.add('istio_requests_total', { ...labelsOf(service), response_code: code }, 0)
  }
  const record = ({ service, status, durationMs }: ProxiedRequest): void => {
    const labels = { ...labelsOf(service), response_code: String(status) }
    exporter.add('istio_requests_total', labels, 1)
    exporter.observe('istio_request_duration_milliseconds', labels, durationMs, BUCKETS_MS)
  }
  return { record, url: exporter.url }
}
