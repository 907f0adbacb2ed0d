import { doesNotMatch, is, type LabelMatcher, literally, matches, type Observer, series } from './observer.ts'

/** What the pods themselves count, scraped with their name and namespace as labels. */
export const pods: Observer = {
  counter: 'the pods themselves',
  requests: series('http_request_duration_seconds_count'),
  success: doesNotMatch('status', '5.*'),
  duration: { kind: 'p99', buckets: series('http_request_duration_seconds_bucket'), unit: 's' },
  canary: (subject) => canaryPods(subject),
}

/** App Mesh: what the Envoy beside each pod counts of requests to it, and not of the pod's own requests to others. */
export const appMesh: Observer = {
  counter: 'the Envoy beside each pod',
  requests: series('envoy_cluster_upstream_rq'),
  success: doesNotMatch('envoy_response_code', '5.*'),
  duration: { kind: 'p99', buckets: series('envoy_cluster_upstream_rq_time_bucket'), unit: 'ms' },
  canary: (subject) => {
    const labels = canaryPods(subject)
    return labels === 'needs-workload' ? labels : [...labels, doesNotMatch('envoy_cluster_name', 'cds_egress_.*')]
  },
}

/** Kubernetes cuts the name that it generates a pod's from, to leave room for five random characters in 63. */
const longestBase = 58
/** A dash, the ten digits or letters of a pod template's hash, a dash. */
const hashLength = 12
const segment = '[0-9a-zA-Z]+'

/**
 * The pods of the target and not those of its primary. A Deployment's pods have two generated segments after its name, a
 * DaemonSet's one; where a long name was cut, the two have grown together. The primary's pods are left out by
 * their own name: with long names they may look just like the canary's.
 */
function canaryPods({ namespace, kind, target }: Parameters<Observer['canary']>[0]): LabelMatcher[] | 'needs-workload' {
  if (kind === 'Service') return 'needs-workload'
  const isCut = target.length + hashLength > longestBase
  const generated = kind === 'DaemonSet' ? segment : `${segment}(-${segment})${isCut ? '?' : ''}`
  const primary = `${target}-primary-`.slice(0, longestBase)
  return [
    is('kubernetes_namespace', namespace),
    matches('kubernetes_pod_name', `${literally(target)}-${generated}`),
    doesNotMatch('kubernetes_pod_name', `${literally(primary)}.*`),
  ]
}
