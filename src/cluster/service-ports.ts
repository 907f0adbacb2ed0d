import { type Json, at, isObject } from '../lib/json.ts'
import type { KubeObject } from '../lib/kube-object.ts'

/**
 * A Service whose ports all name their protocol, TCP where they named none. Part of a port's identity, it can't be left
 * to the server: Kubernetes 1.20 knows no default for it when a Service is applied. Other kinds stay as they are.
 */
export function withPortProtocols(object: KubeObject): KubeObject {
  const ports = at(object, 'spec', 'ports')
  if (object.kind !== 'Service' || object.apiVersion !== 'v1' || !Array.isArray(ports)) return object
  const named = ports.map((port: Json) => (isObject(port) ? { protocol: 'TCP', ...port } : port))
  return { ...object, spec: { ...object.spec, ports: named } }
}
