import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '../../src/cluster/client.ts'
import { connectCluster, type ClusterConnection } from '../../src/cluster/transport-http.ts'
import type { KubeTransport } from '../../src/cluster/transport.ts'
import { stringAt } from '../../src/lib/json.ts'
import { kubeconfigText } from '../cluster/control-plane/kubeconfig.ts'
import type { SharedControlPlane } from '../cluster/control-plane/ready.ts'

const ACCOUNT = { namespace: 'serin-system', name: 'serin' }
/** What the fleets of the scenarios hold besides the kinds that Serin's own role covers. */
const MANIFEST_RULES = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'patch'] }]

/** A token of the service account that `manifests/base` makes, which may apply the scenarios' manifests too. */
export async function accountToken(admin: KubeTransport): Promise<string> {
  await grantManifests(admin)
  const path = `/api/v1/namespaces/${ACCOUNT.namespace}/serviceaccounts/${ACCOUNT.name}/token`
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 7200 } }
  const answer = await admin.send({ method: 'POST', path, body })
  const token = stringAt(answer.body, 'status', 'token')
  if (token === undefined) throw new Error(`no token for ${ACCOUNT.name}: ${answer.status}`)
  return token
}

/** A connection with exactly the rights of Serin's manifests. */
export async function connectAsSerin(shared: SharedControlPlane, admin: KubeTransport): Promise<ClusterConnection> {
  const { url, caPath } = shared
  const path = join(mkdtempSync(join(tmpdir(), 'serin-account-')), 'kubeconfig')
  writeFileSync(path, kubeconfigText({ name: 'serin', url, caPath, token: await accountToken(admin) }), { mode: 0o600 })
  return connectCluster({ userAgent: 'serin/test', kubeconfigPath: path, context: undefined })
}

async function grantManifests(admin: KubeTransport): Promise<void> {
  const client = createClient(admin)
  const metadata = { name: 'serin-test-manifests' }
  const apiVersion = 'rbac.authorization.k8s.io/v1'
  const role = { apiVersion, kind: 'ClusterRole', metadata, rules: MANIFEST_RULES }
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: metadata.name }
  const subjects = [{ kind: 'ServiceAccount', ...ACCOUNT }]
  const binding = { apiVersion, kind: 'ClusterRoleBinding', metadata, roleRef, subjects }
  for (const object of [role, binding]) await client.apply(object, { fieldManager: 'serin-test', force: true })
}

/** Makes the namespace of a scenario, which a Serin for some namespaces only does not make. */
export async function makeNamespace(admin: KubeTransport, name: string): Promise<void> {
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
  await createClient(admin).create(object, { fieldManager: 'serin-test' })
}
