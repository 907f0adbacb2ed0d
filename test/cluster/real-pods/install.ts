import { createClient, type Client } from '../../../src/cluster/client.ts'
import type { KubeTransport } from '../../../src/cluster/transport.ts'
import { stringAt } from '../../../src/lib/json.ts'
import { sharedData } from '../../support/shared-data.ts'
import { furnish } from '../control-plane/furnish.ts'

export interface Installed {
  readonly client: Client
  /** A token of the ServiceAccount that `manifests/base` gives Serin. */
  readonly token: string
  /** Whether Istio's definitions are its own, or only its names. */
  readonly istio: 'as published' | 'without schemas'
}

/** Installs what a cluster needs for Serin: its resources and its role as users install them, and Istio's definitions. */
export async function install(transport: KubeTransport): Promise<Installed> {
  await furnish(transport)
  const answer = await transport.send({
    method: 'POST',
    path: '/api/v1/namespaces/serin-system/serviceaccounts/serin/token',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 7200 } },
  })
  const token = stringAt(answer.body, 'status', 'token')
  if (token === undefined) throw new Error(`no token for the ServiceAccount: ${JSON.stringify(answer.body)}`)
  const istio = sharedData('crds') === undefined ? 'without schemas' : 'as published'
  return { client: createClient(transport), token, istio }
}
