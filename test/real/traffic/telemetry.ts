import type { Exporter } from '../../support/exporter.ts'
import type { Served } from './backend.ts'
import type { LivePod } from './pods.ts'

/** Where requests are counted: by the proxies beside the pods, with a workload's name, or by the pods themselves. */
export type Telemetry = 'istio' | 'pods'

const BOUNDS_MS = [5, 10, 25, 50, 100, 250, 500, 1000, 2500]

/** Counts requests into the series that the built-in queries of a traffic provider ask for. */
export interface Recorder {
  /** A pod begins to serve: its counters are there from now on, at 0, as an application shows them. */
  began(workload: string, pod: LivePod): void
  served(workload: string, served: Served): void
}

/** A recorder of one namespace. */
export function recorder(exporter: Exporter, telemetry: Telemetry, namespace: string): Recorder {
  const series = telemetry === 'istio' ? istioSeries(namespace) : podSeries(namespace)
  const count = (labels: Readonly<Record<string, string>>, durationMs: number, times: number): void => {
    if (series.counter !== undefined) exporter.add(series.counter, labels, times)
    const bounds = BOUNDS_MS.map((ms) => ms * series.perMs)
    exporter.observe(series.histogram, labels, durationMs * series.perMs, bounds, times)
  }
  return {
    began: (workload, pod) => {
      for (const status of [200, 500]) count(series.labels(workload, pod, status), 0, 0)
    },
    served: (workload, { pod, status, durationMs }) => count(series.labels(workload, pod, status), durationMs, 1),
  }
}

interface Series {
  readonly counter?: string
  readonly histogram: string
  readonly perMs: number
  readonly labels: (workload: string, pod: LivePod, status: number) => Readonly<Record<string, string>>
}

function istioSeries(namespace: string): Series {
  return {
    counter: 'istio_requests_total',
    histogram: 'istio_request_duration_milliseconds',
    perMs: 1,
    labels: (workload, _pod, status) => ({
      reporter: 'destination',
      destination_workload_namespace: namespace,
      destination_workload: workload,
      response_code: String(status),
    }),
  }
}

function podSeries(namespace: string): Series {
  return {
    histogram: 'http_request_duration_seconds',
    perMs: 0.001,
    labels: (_workload, pod, status) => ({
      kubernetes_namespace: namespace,
      kubernetes_pod_name: pod.name,
      status: String(status),
    }),
  }
}
