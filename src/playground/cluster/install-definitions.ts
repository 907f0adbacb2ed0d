import type { Json } from '../../lib/json.ts'
import type { KubeObject } from '../../lib/kube-object.ts'
import type { EmbeddedCluster } from './embedded-cluster.ts'

const PATH = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

/**
 * Makes a cluster serve further kinds: straight at the server, so that no injected fault keeps a stage from being built.
 * Throws when the server does not take a definition.
 */
export function installDefinitions(cluster: EmbeddedCluster, definitions: readonly KubeObject[]): void {
  for (const definition of definitions) {
    const body: Json = JSON.parse(JSON.stringify(definition))
    const { status } = cluster.serve({ method: 'POST', path: PATH, body, userAgent: 'stage' })
    if (status !== 201) throw new Error(`the definition ${definition.metadata.name} was answered ${status}`)
  }
}
