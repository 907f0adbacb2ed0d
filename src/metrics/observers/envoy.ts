import { doesNotMatch, is, literally, matches, type Observer, series } from './observer.ts'

/** What an Envoy counts of the requests to one of its clusters. */
const clusters: Omit<Observer, 'canary' | 'counter'> = {
  requests: series('envoy_cluster_upstream_rq'),
  success: doesNotMatch('envoy_response_code', '5.*'),
  duration: { kind: 'p99', buckets: series('envoy_cluster_upstream_rq_time_bucket'), unit: 'ms' },
}

/** Contour: a cluster for each Service and port. */
export const contour: Observer = {
  ...clusters,
  counter: "Contour's Envoy",
  canary: ({ namespace, service }) => [
    matches('envoy_cluster_name', `${literally(`${namespace}_${service}-canary_`)}[0-9a-zA-Z-]+`),
  ],
}

/** Gloo: a cluster for each Upstream, which are made for the canary in its own namespace. */
export const gloo: Observer = {
  ...clusters,
  counter: "Gloo's Envoy",
  canary: ({ namespace, service }) => [
    matches(
      'envoy_cluster_name',
      `${literally(`${namespace}-${service}-canaryupstream-`)}[0-9a-zA-Z-]+_${literally(namespace)}`,
    ),
  ],
}

/** Knative: a cluster for each revision. */
export const knative: Observer = {
  ...clusters,
  counter: "Knative's gateway",
  canary: ({ namespace, revision }) =>
    revision === undefined ? 'needs-revision' : [is('envoy_cluster_name', `${namespace}/${revision}`)],
}

/**
 * Kuma: each proxy is scraped with the name of the mesh service that it stands for. The clusters that are called like mesh
 * services are those that the pod itself sends requests to; they don't count.
 */
export const kuma: Observer = {
  ...clusters,
  counter: "Kuma's proxies at the target",
  canary: ({ namespace, service }) => [
    matches('service', `${literally(`${service}-canary_${namespace}_svc_`)}[0-9a-zA-Z-]+`),
    doesNotMatch('envoy_cluster_name', '.+_m?svc_.+'),
  ],
}
