import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { createClient, type Client } from '../../../src/cluster/client.ts'
import { connectCluster } from '../../../src/cluster/transport-http.ts'
import { tokenOf } from '../../support/service-account.ts'
import { manifestsInText } from '../../../src/source/manifest.ts'
import { controlPlane } from '../namespace.ts'

const RBAC = 'rbac.authorization.k8s.io/v1'
const Rules = z.array(
  z.strictObject({ apiGroups: z.array(z.string()), resources: z.array(z.string()), verbs: z.array(z.string()) }),
)
export type Rule = z.infer<typeof Rules>[number]

/** The rules of all roles in a file of `manifests`. */
export function rulesIn(path: string): readonly Rule[] {
  const file = resolve(import.meta.dirname, '../../../manifests', path)
  const { manifests, problems } = manifestsInText(readFileSync(file, 'utf8'), file)
  if (problems[0] !== undefined) throw problems[0]
  const roles = manifests.filter(({ object }) => object.kind === 'ClusterRole' || object.kind === 'Role')
  return roles.flatMap(({ object }) => Rules.parse(object['rules']))
}

/** `group/resource verb` for each right that rules give. */
export function rightsOf(rules: readonly Rule[]): readonly string[] {
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${group}/${resource} ${verb}`))),
  )
}

/** A service account of a namespace with the rights of one Role there. */
export interface Account {
  readonly token: string
  /** Gives it these rights and no others. */
  grant(rules: readonly Rule[]): Promise<void>
  close(): Promise<void>
}

const fieldManager = 'serin-test'

/** Makes a service account in a namespace, with a Role that holds exactly these rules. */
export async function openAccount(namespace: string, rules: readonly Rule[]): Promise<Account> {
  const { kubeconfigPath, context } = controlPlane()
  const connection = await connectCluster({ userAgent: 'serin-test', kubeconfigPath, context })
  const client: Client = createClient(connection.transport)
  const metadata = { name: 'serin', namespace }
  const grant = async (granted: readonly Rule[]): Promise<void> => {
    await client.apply({ apiVersion: RBAC, kind: 'Role', metadata, rules: granted }, { fieldManager, force: true })
  }
  await client.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata }, { fieldManager, force: true })
  await grant(rules)
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'serin' }
  const subjects = [{ kind: 'ServiceAccount', ...metadata }]
  const binding = { apiVersion: RBAC, kind: 'RoleBinding', metadata, roleRef, subjects }
  await client.apply(binding, { fieldManager, force: true })
  const token = await tokenOf(connection.transport, metadata)
  return { token, grant, close: () => connection.close() }
}
