import type { KubeTransport } from '../../src/cluster/transport.ts'
import { stringAt } from '../../src/lib/json.ts'

/** The ServiceAccount that `manifests/base` makes: what it may do is what Serin's users grant it. */
export const SERIN_ACCOUNT = { namespace: 'serin-system', name: 'serin' }

/** A token of a ServiceAccount that holds for two hours, by the TokenRequest API. */
export async function tokenOf(admin: KubeTransport, { namespace, name } = SERIN_ACCOUNT): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 7200 } }
  const answer = await admin.send({ method: 'POST', path, body })
  const token = stringAt(answer.body, 'status', 'token')
  if (token === undefined) throw new Error(`no token for ${name}.${namespace}: HTTP ${answer.status}`)
  return token
}
