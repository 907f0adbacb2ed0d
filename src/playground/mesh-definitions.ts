import type { KubeObject } from '../lib/kube-object.ts'

interface Definition {
  readonly group: string
  readonly kind: string
  readonly plural: string
  readonly versions: readonly string[]
}

const definitions: readonly Definition[] = [
  { group: 'networking.istio.io', kind: 'VirtualService', plural: 'virtualservices', versions: ['v1beta1'] },
  { group: 'networking.istio.io', kind: 'DestinationRule', plural: 'destinationrules', versions: ['v1beta1'] },
  { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', plural: 'httproutes', versions: ['v1'] },
]

/** A real API server takes no definition of a group of Kubernetes' own without a word about its approval. */
const standIn = { 'api-approved.kubernetes.io': 'unapproved, a stand-in for the published definition' }

function isProtected(group: string): boolean {
  return group === 'k8s.io' || group.endsWith('.k8s.io')
}

/** The routing kinds of a mesh and a gateway, without their own schemas: enough for an embedded cluster to store them. */
export function meshDefinitions(): readonly KubeObject[] {
  return definitions.map(({ group, kind, plural, versions }) => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, annotations: { ...(isProtected(group) ? standIn : {}) } },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: versions.map((name) => ({
        name,
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      })),
    },
  }))
}
