import { tokenOf } from '../../support/service-account.ts'
import { join } from 'node:path'
import { createClient, type Client } from '../../../src/cluster/client.ts'
import type { KubeTransport } from '../../../src/cluster/transport.ts'
import { stringAt } from '../../../src/lib/json.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import { meshDefinitions } from '../../../src/playground/mesh-definitions.ts'
import { crds } from '../../../src/resources/crds.ts'
import { sharedData } from '../../support/shared-data.ts'
import { install as define, objectsBelow } from '../control-plane/furnish.ts'

export interface Installed {
  readonly client: Client
  /** A token of the ServiceAccount that `manifests/base` gives Serin. */
  readonly token: string
  /** Whether Istio's definitions are its own, or only its names. */
  readonly istio: 'as published' | 'without schemas'
}

const BASE = join(import.meta.dirname, '../../../manifests/base')
const OF_BASE = ['Namespace', 'ServiceAccount', 'ClusterRole', 'ClusterRoleBinding']
const OF_ISTIO = ['VirtualService', 'DestinationRule']

/** Installs what a cluster needs for Serin: its resources and its role as users install them, and Istio's definitions. */
export async function install(transport: KubeTransport): Promise<Installed> {
  const admin = createClient(transport)
  const published = sharedData('crds/istio')
  const mesh = published === undefined ? meshDefinitions() : await objectsBelow(published)
  await define(admin, [...crds(), ...mesh.filter(isOfIstio)])
  const base = (await objectsBelow(BASE)).filter(({ kind }) => OF_BASE.includes(kind))
  const namespacesFirst = base.toSorted((one, other) => OF_BASE.indexOf(one.kind) - OF_BASE.indexOf(other.kind))
  for (const object of namespacesFirst) await admin.apply(object, { fieldManager: 'real-pods', force: true })
  const token = await tokenOf(transport)
  const istio = published === undefined ? 'without schemas' : 'as published'
  return { client: createClient(transport), token, istio }
}

function isOfIstio({ spec }: KubeObject): boolean {
  return stringAt(spec, 'group') === 'networking.istio.io' && OF_ISTIO.includes(stringAt(spec, 'names', 'kind') ?? '')
}
