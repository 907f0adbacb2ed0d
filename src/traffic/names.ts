import type { Canary } from '../resources/canary.ts'

/** The Services of a canary: the one clients call, the stable copy and the one under analysis. */
export interface ServiceNames {
  readonly apex: string
  readonly primary: string
  readonly canary: string
}

/** The names of a canary's Services: `service.name`, or the target's name, with `-primary` and `-canary`. */
export function serviceNames(canary: Canary): ServiceNames {
  const apex = canary.spec.service.name ?? canary.spec.targetRef.name
  return { apex, primary: `${apex}-primary`, canary: `${apex}-canary` }
}

/** `Canary/podinfo.test spec.service.x`: where a Problem of a traffic provider points. */
export function placeIn(canary: Canary, field: string): string {
  return `Canary/${canary.metadata.name}.${canary.metadata.namespace} ${field}`
}

/**
 * True when a route's host names this Service: the short name, which routers take as one of the route's own namespace,
 * or the longer forms `name.namespace`, `name.namespace.svc` and `name.namespace.svc.cluster.local`.
 */
export function isHostOf(host: string, service: string, namespace: string): boolean {
  if (host === service) return true
  const qualified = `${service}.${namespace}`
  return host === qualified || host === `${qualified}.svc` || host.startsWith(`${qualified}.svc.`)
}
