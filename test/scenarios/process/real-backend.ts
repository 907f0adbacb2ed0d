import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient } from '../../../src/cluster/client.ts'
import { connectCluster } from '../../../src/cluster/transport-http.ts'
import type { SeriesStore } from '../../../src/playground/prometheus/series-store.ts'
import { accountToken, makeNamespace } from '../real-account.ts'
import { kubeconfigText } from '../../cluster/control-plane/kubeconfig.ts'
import type { SharedControlPlane } from '../../cluster/control-plane/ready.ts'
import { startApiProxy } from '../../support/api-proxy.ts'
import { mirrorNamespace } from '../../support/cluster-mirror.ts'
import { seriesText, valueText } from '../../support/exporter.ts'
import { needs } from '../../support/needs.ts'
import { startPrometheus } from '../../support/prometheus.ts'
import { startTraffic, type Backend, type Door } from './backend.ts'

const SCRAPE_MS = 200

/**
 * A namespace of the real control plane, with Serin's own service account and role, and a real Prometheus that scrapes the
 * counters of the simulated clients.
 */
export async function realBackend(shared: SharedControlPlane, namespace: string): Promise<Backend> {
  if (needs('prometheus') === undefined) throw new Error('these scenarios need prometheus: apt-get install prometheus')
  const { kubeconfigPath, context, url, caPath } = shared
  const admin = await connectCluster({ userAgent: 'serin-test', kubeconfigPath, context })
  await makeNamespace(admin.transport, namespace)
  const view = await mirrorNamespace(admin.transport, namespace)
  const { traffic, stop } = startTraffic(view)
  const exporter = await exportSeries(traffic.store, () => traffic.advance())
  const prometheus = await startPrometheus({ targets: [exporter.url], scrapeIntervalMs: SCRAPE_MS })
  const token = await accountToken(admin.transport)
  await prometheus.scraped()
  return {
    view,
    openApi: (answer, port) => startApiProxy({ url, caPath, answer, ...(port === undefined ? {} : { port }) }),
    kubeconfig: (apiUrl) => kubeconfigText({ name: 'serin', url: apiUrl, token }),
    prometheusUrl: prometheus.url,
    close: async () => {
      stop()
      view.stop()
      await prometheus.close()
      await exporter.close()
      await createClient(admin.transport).delete({ apiVersion: 'v1', kind: 'Namespace', name: namespace })
      await admin.close()
    },
  }
}

/** The last sample of each series that is alive, for a Prometheus to scrape. */
async function exportSeries(store: SeriesStore, advance: () => void): Promise<Door> {
  const server = createServer((_request, response) => {
    advance()
    const alive = store.select(undefined).filter(({ endedAtMs }) => endedAtMs === undefined)
    const lines = alive.map(({ labels: { __name__: name = '', ...labels }, values }) => {
      return `${seriesText(name, labels)} ${valueText(values.at(-1) ?? 0)}\n`
    })
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(lines.join(''))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
