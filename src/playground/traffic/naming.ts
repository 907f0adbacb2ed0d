import type { Naming } from './counters.ts'
import type { Stream } from './plan.ts'
import type { Backend } from './pods.ts'

/** Istio's standard metrics: https://istio.io/latest/docs/reference/config/metrics/ */
export function workloadNaming(
  stream: Stream,
  backend: Backend,
  reporter: 'source' | 'destination',
  code: string,
): Naming {
  return {
    name: 'istio_request_duration_milliseconds',
    unitMs: 1,
    labels: {
      ...serviceLabels(stream),
      reporter,
      destination_workload: backend.workload,
      destination_workload_namespace: backend.namespace,
      response_code: code,
      response_flags: '-',
    },
  }
}

/** No pod was ready: only the client's proxy knows of the request, and it has no workload to name. */
export function refusedNaming(stream: Stream): Naming {
  return {
    name: 'istio_request_duration_milliseconds',
    unitMs: 1,
    labels: {
      ...serviceLabels(stream),
      reporter: 'source',
      destination_workload: 'unknown',
      destination_workload_namespace: 'unknown',
      response_code: '503',
      response_flags: 'UH',
    },
  }
}

/** What an application's own HTTP metrics look like after a scrape by pod. */
export function podNaming(backend: Backend, code: string): Naming {
  return {
    name: 'http_request_duration_seconds',
    unitMs: 1000,
    labels: {
      kubernetes_namespace: backend.namespace,
      kubernetes_pod_name: backend.pod,
      method: 'GET',
      path: 'root',
      status: code,
    },
  }
}

function serviceLabels({ service, namespace }: Stream): Readonly<Record<string, string>> {
  return {
    source_workload: 'loadtester',
    source_workload_namespace: namespace,
    destination_service: `${service}.${namespace}.svc.cluster.local`,
    destination_service_name: service,
    destination_service_namespace: namespace,
    request_protocol: 'http',
  }
}
