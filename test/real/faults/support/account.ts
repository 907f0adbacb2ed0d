import { readFileSync } from 'node:fs'
import { createClient, type Client } from '../../../../src/cluster/client.ts'
import type { KubeTransport } from '../../../../src/cluster/transport.ts'
import { at, isObject, stringAt, type JsonObject } from '../../../../src/lib/json.ts'
import { manifestsInText } from '../../../../src/source/manifest.ts'

const RBAC = 'rbac.authorization.k8s.io/v1'
const ROLE_FILE = 'manifests/base/rbac.yaml'
const fieldManager = 'serin-test'

/** A service account of one test with the rights that `manifests/base` gives, which the test may take away. */
export interface Account {
  readonly token: string
  /** Leaves out the rules about a resource, as a person would who edits the role. */
  revoke(resource: string): Promise<void>
  /** All rules again. */
  restore(): Promise<void>
  remove(): Promise<void>
}

/** Makes an account with a role of its own, both called `name`. */
export async function makeAccount(transport: KubeTransport, name: string): Promise<Account> {
  const client = createClient(transport)
  const namespace = 'serin-system'
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } }
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name }
  const subjects = [{ kind: 'ServiceAccount', name, namespace }]
  const binding = { apiVersion: RBAC, kind: 'ClusterRoleBinding', metadata: { name }, roleRef, subjects }
  const rules = productionRules()
  const setRules = async (some: readonly JsonObject[]): Promise<void> => {
    const role = { apiVersion: RBAC, kind: 'ClusterRole', metadata: { name }, rules: some }
    await client.apply(role, { fieldManager, force: true })
  }
  await setRules(rules)
  for (const object of [account, binding]) await client.apply(object, { fieldManager, force: true })
  return {
    token: await tokenOf(transport, namespace, name),
    revoke: (resource) => setRules(rules.filter((rule) => !namesResource(rule, resource))),
    restore: () => setRules(rules),
    remove: () => removeAll(client, namespace, name),
  }
}

async function removeAll(client: Client, namespace: string, name: string): Promise<void> {
  await client.delete({ apiVersion: 'v1', kind: 'ServiceAccount', namespace, name })
  await client.delete({ apiVersion: RBAC, kind: 'ClusterRoleBinding', name })
  await client.delete({ apiVersion: RBAC, kind: 'ClusterRole', name })
}

function productionRules(): readonly JsonObject[] {
  const { manifests } = manifestsInText(readFileSync(ROLE_FILE, 'utf8'), ROLE_FILE)
  const role = manifests.find(({ object }) => object.kind === 'ClusterRole' && object.metadata.name === 'serin')?.object
  const rules = at(role, 'rules')
  if (!Array.isArray(rules)) throw new Error(`${ROLE_FILE} has no ClusterRole serin`)
  return rules.filter((rule) => isObject(rule))
}

function namesResource(rule: JsonObject, resource: string): boolean {
  const { resources } = rule
  return Array.isArray(resources) && resources.includes(resource)
}

async function tokenOf(transport: KubeTransport, namespace: string, name: string): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 7200 } }
  const answer = await transport.send({ method: 'POST', path, body })
  const token = stringAt(answer.body, 'status', 'token')
  if (token === undefined) throw new Error(`no token for ${name}: HTTP ${answer.status}`)
  return token
}
