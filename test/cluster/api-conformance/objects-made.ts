import type { Json } from '../../../src/lib/json.ts'

/** A ConfigMap as people write it. */
export function configMap(name: string, data: Readonly<Record<string, string>> = {}, metadata: Metadata = {}): Body {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data }
}

export type Body = { readonly [field: string]: Json }
type Metadata = Body

export interface Template {
  readonly replicas?: number
  readonly image?: string
  /** More of the spec. */
  readonly spec?: Body
  /** More of the pod's spec. */
  readonly pod?: Body
}

/** A Deployment of one container `app`, with pods that take no time to go. */
export function deployment(name: string, { replicas = 1, image = 'app:1', spec = {}, pod = {} }: Template = {}): Body {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'app', image }], ...pod },
      },
      ...spec,
    },
  }
}

/** A Service of port 80. */
export function service(name: string, spec: Body = {}): Body {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80 }], ...spec },
  }
}
