import { doesNotMatch, is, isNot, type Observer, series } from './observer.ts'

/**
 * Istio: what the proxies at the target count. A Service target has no workload name, so for it the callers' proxies are asked,
 * which know the Service that they called.
 */
export const istio: Observer = {
  counter: "Istio's proxies at the target",
  remark: "For a Service target the callers' proxies are asked by the Service's name.",
  requests: series('istio_requests_total'),
  success: doesNotMatch('response_code', '5.*'),
  duration: { kind: 'p99', buckets: series('istio_request_duration_milliseconds_bucket'), unit: 'ms' },
  canary: ({ kind, namespace, target, service }) =>
    kind === 'Service'
      ? [
          is('reporter', 'source'),
          is('destination_service_namespace', namespace),
          is('destination_service_name', `${service}-canary`),
        ]
      : [
          is('reporter', 'destination'),
          is('destination_workload_namespace', namespace),
          is('destination_workload', target),
        ],
}

/** Istio as a gateway before pods without proxies: what the gateway counts of its own requests to the canary's Service. */
export const istioGateway: Observer = {
  ...istio,
  counter: "Istio's gateway and other callers",
  remark: 'Where the pods have no proxies.',
  canary: (subject) => istio.canary({ ...subject, kind: 'Service' }),
}

/** Linkerd: what the proxies at the target count; for a Service target what the callers' proxies count. */
export const linkerd: Observer = {
  counter: "Linkerd's proxies at the target",
  remark: "For a DaemonSet the label is `daemonset`; for a Service target the callers' proxies are asked.",
  requests: series('response_total'),
  success: isNot('classification', 'failure'),
  duration: { kind: 'p99', buckets: series('response_latency_ms_bucket'), unit: 'ms' },
  canary: ({ kind, namespace, target, service }) =>
    kind === 'Service'
      ? [is('dst_namespace', namespace), is('dst_service', `${service}-canary`), is('direction', 'outbound')]
      : [is('namespace', namespace), is(kind.toLowerCase(), target), is('direction', 'inbound')],
}

/** Open Service Mesh: what the callers' proxies count by the workload that they called. */
export const osm: Observer = {
  counter: "Open Service Mesh's proxies",
  requests: series('osm_request_total'),
  success: doesNotMatch('response_code', '5.*'),
  duration: { kind: 'p99', buckets: series('osm_request_duration_ms_bucket'), unit: 'ms' },
  canary: ({ kind, namespace, target }) =>
    kind === 'Service'
      ? 'needs-workload'
      : [is('destination_namespace', namespace), is('destination_kind', kind), is('destination_name', target)],
}
