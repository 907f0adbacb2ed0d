import { isObject } from '../../../lib/json.ts'
import { isDoc } from '../document.ts'
import type { Doc, Draft } from '../document.ts'

/** Sets a member that is absent. */
export function fallback(target: Doc, key: string, value: Draft): void {
  target[key] ??= value
}

/** The objects of a list member, or none. */
export function docs(parent: Doc, key: string): readonly Doc[] {
  const found = parent[key]
  return Array.isArray(found) ? found.filter((item) => isDoc(item)) : []
}

/** Defaults of a pod's spec. */
export function defaultPodSpec(spec: Doc): void {
  for (const container of [...docs(spec, 'containers'), ...docs(spec, 'initContainers')]) defaultContainer(container)
  for (const volume of docs(spec, 'volumes')) defaultVolume(volume)
  fallback(spec, 'restartPolicy', 'Always')
  fallback(spec, 'terminationGracePeriodSeconds', 30)
  fallback(spec, 'dnsPolicy', 'ClusterFirst')
  fallback(spec, 'securityContext', {})
  fallback(spec, 'schedulerName', 'default-scheduler')
  if (spec['serviceAccountName'] === undefined && spec['serviceAccount'] !== undefined) {
    spec['serviceAccountName'] = spec['serviceAccount']
  } else if (spec['serviceAccountName'] !== undefined) spec['serviceAccount'] = spec['serviceAccountName']
}

function defaultContainer(container: Doc): void {
  const image = container['image']
  const latest = typeof image === 'string' && (!/:[^/]*$/.test(image) || image.endsWith(':latest'))
  fallback(container, 'terminationMessagePath', '/dev/termination-log')
  fallback(container, 'terminationMessagePolicy', 'File')
  fallback(container, 'imagePullPolicy', latest && !image.includes('@') ? 'Always' : 'IfNotPresent')
  for (const port of docs(container, 'ports')) fallback(port, 'protocol', 'TCP')
  for (const env of docs(container, 'env')) {
    const from = env['valueFrom']
    const field = isDoc(from) ? from['fieldRef'] : undefined
    if (isDoc(field)) fallback(field, 'apiVersion', 'v1')
  }
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = container[name]
    if (isDoc(probe)) defaultProbe(probe)
  }
}

function defaultProbe(probe: Doc): void {
  fallback(probe, 'timeoutSeconds', 1)
  fallback(probe, 'periodSeconds', 10)
  fallback(probe, 'successThreshold', 1)
  fallback(probe, 'failureThreshold', 3)
  const http = probe['httpGet']
  if (isDoc(http)) {
    fallback(http, 'path', '/')
    fallback(http, 'scheme', 'HTTP')
  }
}

function defaultVolume(volume: Doc): void {
  for (const source of ['configMap', 'secret', 'projected', 'downwardAPI']) {
    const found = volume[source]
    if (isDoc(found)) fallback(found, 'defaultMode', 420)
  }
  if (Object.keys(volume).filter((key) => isObject(volume[key])).length === 0) volume['emptyDir'] = {}
}
