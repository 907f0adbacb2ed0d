import type { Exporter, ExporterLabels } from '../support/exporter.ts'

/** A target and its stable copy, and what routes to them. */
export interface Workload {
  readonly namespace: string
  readonly kind: string
  readonly target: string
  readonly service: string
  readonly ingress: string
  readonly route: string
  readonly revision: string | undefined
}

export type Side = 'primary' | 'canary'

/** Requests of one kind: their status code, how long each took, how many. */
export interface Requests {
  readonly code: number
  readonly ms: number
  readonly times: number
}

export type Sink = Pick<Exporter, 'add' | 'observe'>

/** How one data plane shows requests to a workload: series and labels as the real one names them. */
export interface DataPlane {
  readonly name: string
  /** In `spec.provider`. */
  readonly provider: string
  readonly report: (sink: Sink, workload: Workload, side: Side, requests: Requests) => void
  /** The shown request duration is a mean. */
  readonly isMean?: boolean
  /** The data plane does not tell the canary's requests from the primary's. */
  readonly isMixed?: boolean
}

/** Upper bounds of the histograms, in milliseconds. */
export const boundsMs = [5, 10, 25, 50, 100, 250, 500, 1000, 2500] as const
const boundsSeconds = boundsMs.map((ms) => ms / 1000)

/** A workload that is called like its target everywhere. */
export function workloadOf(target: string, more: Partial<Workload> = {}): Workload {
  const namespace = 'test'
  return {
    namespace,
    kind: 'Deployment',
    target,
    service: target,
    ingress: target,
    route: target,
    revision: undefined,
    ...more,
  }
}

/** The name of the workload's object of this side. */
function workloadName({ target }: Workload, side: Side): string {
  return side === 'primary' ? `${target}-primary` : target
}

/** A pod's name as Kubernetes generates it: cut to 58 characters before the five random ones. */
export function podName(workload: Workload, side: Side): string {
  const owner = workloadName(workload, side)
  const base = workload.kind === 'DaemonSet' ? `${owner}-` : `${owner}-7d9f8b6c54-`
  return `${base.slice(0, 58)}x2k4f`
}

const istioReport = (reporters: readonly string[]): DataPlane['report'] => {
  return (sink, workload, side, { code, ms, times }) => {
    const service = `${workload.service}-${side}`
    for (const reporter of reporters) {
      const labels = {
        reporter,
        source_workload: 'gateway-istio',
        source_workload_namespace: 'istio-system',
        destination_workload: workloadName(workload, side),
        destination_workload_namespace: workload.namespace,
        destination_service: `${service}.${workload.namespace}.svc.cluster.local`,
        destination_service_name: service,
        destination_service_namespace: workload.namespace,
        request_protocol: 'http',
        response_code: String(code),
        response_flags: '-',
      }
      sink.add('istio_requests_total', labels, times)
      sink.observe('istio_request_duration_milliseconds', labels, ms, boundsMs, times)
    }
  }
}

/** An Envoy's cluster; the histogram has no status code. */
function reportCluster(sink: Sink, labels: ExporterLabels, { code, ms, times }: Requests): void {
  const codes = { envoy_response_code: String(code), envoy_response_code_class: String(Math.trunc(code / 100)) }
  sink.add('envoy_cluster_upstream_rq', { ...labels, ...codes }, times)
  sink.observe('envoy_cluster_upstream_rq_time', labels, ms, boundsMs, times)
}

const contourReport: DataPlane['report'] = (sink, { namespace, service }, side, requests) => {
  reportCluster(
    sink,
    { namespace: 'projectcontour', envoy_cluster_name: `${namespace}_${service}-${side}_80` },
    requests,
  )
}

const podsReport: DataPlane['report'] = (sink, workload, side, { code, ms, times }) => {
  const labels = {
    kubernetes_namespace: workload.namespace,
    kubernetes_pod_name: podName(workload, side),
    path: 'root',
    method: 'GET',
    status: String(code),
  }
  sink.observe('http_request_duration_seconds', labels, ms / 1000, boundsSeconds, times)
}

const linkerdReport: DataPlane['report'] = (sink, workload, side, { code, ms, times }) => {
  // Whatever is behind a Service target runs as some workload.
  const kind = workload.kind === 'Service' ? 'deployment' : workload.kind.toLowerCase()
  const status = { status_code: String(code), classification: code >= 500 ? 'failure' : 'success', tls: 'true' }
  const inbound = {
    direction: 'inbound',
    namespace: workload.namespace,
    [kind]: workloadName(workload, side),
    ...status,
  }
  const outbound = {
    direction: 'outbound',
    namespace: 'ingress',
    deployment: 'client',
    dst_namespace: workload.namespace,
    dst_service: `${workload.service}-${side}`,
    [`dst_${kind}`]: workloadName(workload, side),
    ...status,
  }
  for (const labels of [inbound, outbound]) {
    sink.add('response_total', labels, times)
    sink.observe('response_latency_ms', labels, ms, boundsMs, times)
  }
}

/** One for each provider with built-in queries, and for each data plane of the Gateway API. */
export const dataPlanes: readonly DataPlane[] = [
  { name: 'istio', provider: 'istio', report: istioReport(['source', 'destination']) },
  { name: 'smi', provider: 'smi:v1alpha2', report: istioReport(['source', 'destination']) },
  { name: 'linkerd', provider: 'linkerd', report: linkerdReport },
  {
    name: 'osm',
    provider: 'osm',
    report: (sink, workload, side, { code, ms, times }) => {
      const labels = {
        source_namespace: 'ingress',
        source_kind: 'Deployment',
        source_name: 'client',
        destination_namespace: workload.namespace,
        destination_kind: workload.kind,
        destination_name: workloadName(workload, side),
        destination_pod: podName(workload, side),
      }
      sink.add('osm_request_total', { ...labels, response_code: String(code) }, times)
      sink.observe('osm_request_duration_ms', labels, ms, boundsMs, times)
    },
  },
  {
    name: 'appmesh',
    provider: 'appmesh:v1beta2',
    report: (sink, workload, side, requests) => {
      const pod = { kubernetes_namespace: workload.namespace, kubernetes_pod_name: podName(workload, side) }
      const node = `${workload.target}_${workload.namespace}_http_9898`
      reportCluster(sink, { ...pod, envoy_cluster_name: `cds_ingress_mesh_${node}` }, requests)
      // The pod's own requests to a database that is down.
      const own = { code: 503, ms: 2000, times: requests.times }
      reportCluster(sink, { ...pod, envoy_cluster_name: 'cds_egress_mesh_database_test_http_80' }, own)
    },
  },
  { name: 'contour', provider: 'contour', report: contourReport },
  {
    name: 'gloo',
    provider: 'gloo',
    report: (sink, { namespace, service }, side, requests) => {
      const upstream = `${namespace}-${service}-${side}upstream-80`
      reportCluster(sink, { envoy_cluster_name: `${upstream}_${namespace}` }, requests)
    },
  },
  {
    name: 'knative',
    provider: 'knative',
    report: (sink, { namespace, target, revision }, side, requests) => {
      const served = side === 'canary' ? (revision ?? `${target}-00002`) : `${target}-00001`
      reportCluster(sink, { envoy_cluster_name: `${namespace}/${served}` }, requests)
    },
  },
  {
    name: 'kuma',
    provider: 'kuma',
    report: (sink, { namespace, service }, side, requests) => {
      const proxy = { mesh: 'default', service: `${service}-${side}_${namespace}_svc_80` }
      reportCluster(sink, { ...proxy, envoy_cluster_name: 'localhost_9898' }, requests)
      const own = { code: 503, ms: 2000, times: requests.times }
      reportCluster(sink, { ...proxy, envoy_cluster_name: `database_${namespace}_svc_5432` }, own)
    },
  },
  {
    name: 'nginx',
    provider: 'nginx',
    isMean: true,
    report: (sink, { namespace, service, ingress }, side, { code, ms, times }) => {
      const labels = {
        controller_class: 'k8s.io/ingress-nginx',
        host: 'app.example.com',
        path: '/',
        method: 'GET',
        namespace,
        ingress,
        service,
        status: String(code),
        canary: side === 'canary' ? `${namespace}-${service}-canary-80` : '',
      }
      sink.add('nginx_ingress_controller_requests', labels, times)
      sink.observe('nginx_ingress_controller_response_duration_seconds', labels, ms / 1000, boundsSeconds, times)
    },
  },
  {
    name: 'skipper',
    provider: 'skipper',
    isMean: true,
    report: (sink, { namespace, service, ingress }, side, { code, ms, times }) => {
      const [space, from, to] = [namespace, `${ingress}-canary`, `${service}-${side}`].map((name) =>
        name.replaceAll(/\W/g, '_'),
      )
      const route = `kube_${space}__${from}__app_example_com____${to}`
      const labels = { code: String(code), method: 'GET', route }
      sink.observe('skipper_response_duration_seconds', labels, ms / 1000, boundsSeconds, times)
      sink.observe('skipper_serve_route_duration_seconds', labels, ms / 1000, boundsSeconds, times)
    },
  },
  {
    name: 'traefik',
    provider: 'traefik',
    report: (sink, { namespace, service }, side, { code, ms, times }) => {
      const name = `${namespace}-${service}-${side}-80@kubernetescrd`
      const labels = { code: String(code), method: 'GET', protocol: 'http', service: name }
      sink.observe('traefik_service_request_duration_seconds', labels, ms / 1000, boundsSeconds, times)
    },
  },
  {
    name: 'apisix',
    provider: 'apisix',
    isMixed: true,
    report: (sink, { namespace, service, route }, side, { code, ms, times }) => {
      // Both sides are upstreams of the route that has the weights; only their addresses differ.
      const labels = {
        route: `${namespace}_${route}-${service}-canary_http`,
        node: side === 'canary' ? '10.0.0.2' : '10.0.0.1',
      }
      sink.add('apisix_http_status', { ...labels, code: String(code), matched_host: 'app.example.com' }, times)
      for (const type of ['request', 'upstream', 'apisix']) {
        sink.observe('apisix_http_latency', { ...labels, type }, type === 'apisix' ? 1 : ms, boundsMs, times)
      }
    },
  },
  { name: 'kubernetes', provider: 'kubernetes', report: podsReport },
  { name: 'gatewayapi, counted by the pods', provider: 'gatewayapi:v1', report: podsReport },
  { name: 'gatewayapi on istio', provider: 'gatewayapi:v1', report: istioReport(['source']) },
  { name: 'gatewayapi on linkerd', provider: 'gatewayapi:v1beta1', report: linkerdReport },
  { name: 'gatewayapi on contour', provider: 'gatewayapi:v1', report: contourReport },
]
