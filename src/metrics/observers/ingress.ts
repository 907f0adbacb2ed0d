import { doesNotMatch, is, literally, matches, type Observer, series } from './observer.ts'

/** A histogram's bucket of everything, which is the count of requests. */
const all = is('le', '+Inf')

/** ingress-nginx: requests that it gave to the canary's backend, `<namespace>-<service>-<port>`. */
export const nginx: Observer = {
  counter: 'ingress-nginx',
  requests: series('nginx_ingress_controller_requests'),
  success: doesNotMatch('status', '5.*'),
  duration: {
    kind: 'mean',
    sum: series('nginx_ingress_controller_response_duration_seconds_sum'),
    count: series('nginx_ingress_controller_response_duration_seconds_count'),
    unit: 's',
  },
  canary: ({ namespace, ingress, service }) => [
    is('namespace', namespace),
    is('ingress', ingress),
    matches('canary', `${literally(`${namespace}-${service}-canary-`)}[0-9a-zA-Z-]+`),
  ],
}

/** Skipper: routes of the canary's Ingress to its Service. A route's name holds `_` for whatever is no letter or digit. */
export const skipper: Observer = {
  counter: 'Skipper',
  requests: series('skipper_response_duration_seconds_bucket', all),
  success: doesNotMatch('code', '5..'),
  duration: {
    kind: 'mean',
    sum: series('skipper_serve_route_duration_seconds_sum'),
    count: series('skipper_serve_route_duration_seconds_count'),
    unit: 's',
  },
  canary: ({ namespace, ingress, service }) => {
    const [space, from, to] = [namespace, `${ingress}-canary`, `${service}-canary`].map((name) =>
      name.replaceAll(/\W/g, '_'),
    )
    return [matches('route', `kube(ew)?_${space}__${from}__.*__${to}(_[0-9]+)?`)]
  },
}

/** Traefik: a service for each Service and port that a TraefikService names. */
export const traefik: Observer = {
  counter: 'Traefik',
  requests: series('traefik_service_request_duration_seconds_bucket', all),
  success: doesNotMatch('code', '5..'),
  duration: { kind: 'p99', buckets: series('traefik_service_request_duration_seconds_bucket'), unit: 's' },
  canary: ({ namespace, service }) => [
    matches('service', `${literally(`${namespace}-${service}-canary-`)}[0-9a-zA-Z-]+@kubernetescrd`),
  ],
}

/**
 * APISIX: the rules of the ApisixRoute that is made for the canary; it has the target's route and apex Service in its name. The
 * primary is behind the same rule and the labels name no Service, so its requests cannot be left out.
 */
export const apisix: Observer = {
  counter: 'APISIX',
  remark: 'Counts the requests that the route gives to the primary as well: APISIX does not tell them apart.',
  requests: series('apisix_http_status'),
  success: doesNotMatch('code', '5..'),
  duration: { kind: 'p99', buckets: series('apisix_http_latency_bucket', is('type', 'request')), unit: 'ms' },
  canary: ({ namespace, route, service }) => [
    matches('route', `${literally(`${namespace}_${route}-${service}-canary_`)}.+`),
  ],
}
