import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '../../src/cluster/client.ts'
import { connectCluster, type ClusterConnection } from '../../src/cluster/transport-http.ts'
import type { KubeTransport } from '../../src/cluster/transport.ts'
import { kubeconfigText } from '../cluster/control-plane/kubeconfig.ts'
import type { SharedControlPlane } from '../cluster/control-plane/ready.ts'
import { SERIN_ACCOUNT, tokenOf } from '../support/service-account.ts'

/** What the fleets of the scenarios hold besides the kinds that Serin's own role covers. */
const MANIFEST_RULES = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'patch'] }]

/** A token of the service account that `manifests/base` makes, which may apply the scenarios' manifests too. */
export async function accountToken(admin: KubeTransport): Promise<string> {
  await grantManifests(admin)
  return tokenOf(admin)
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
  const subjects = [{ kind: 'ServiceAccount', ...SERIN_ACCOUNT }]
  const binding = { apiVersion, kind: 'ClusterRoleBinding', metadata, roleRef, subjects }
  for (const object of [role, binding]) await client.apply(object, { fieldManager: 'serin-test', force: true })
}

/** Makes the namespace of a scenario, which a Serin for some namespaces only does not make. */
export async function makeNamespace(admin: KubeTransport, name: string): Promise<void> {
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
  await createClient(admin).create(object, { fieldManager: 'serin-test' })
}
