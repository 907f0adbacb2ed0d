import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { createClient, type Client } from '../../src/cluster/client.ts'
import { connectCluster } from '../../src/cluster/transport-http.ts'
import type { JsonObject } from '../../src/lib/json.ts'
import type { KubeObject } from '../../src/lib/kube-object.ts'
import type { SharedControlPlane } from '../cluster/control-plane/ready.ts'

/** A namespace of one test, and an admin's hands in it. Reads go to the API server each time. */
export interface TestNamespace {
  readonly name: string
  readonly client: Client
  create(object: KubeObject): Promise<KubeObject>
  get(apiVersion: string, kind: string, name: string): Promise<KubeObject | undefined>
  list(apiVersion: string, kind: string, labelSelector?: string): Promise<readonly KubeObject[]>
  /** A JSON merge patch. */
  patch(apiVersion: string, kind: string, name: string, body: JsonObject): Promise<KubeObject>
  remove(apiVersion: string, kind: string, name: string): Promise<void>
  /** Waits until something holds, for 20 s at most. */
  until(what: string, holds: () => Promise<boolean>): Promise<void>
  /** Asks for its deletion and does not wait for it. */
  close(): Promise<void>
}

const PATIENCE_MS = 20_000
const LOOK_EVERY_MS = 50

/** The control plane that the tests of project `real` share. */
export function controlPlane(): SharedControlPlane {
  const shared = inject('controlPlane')
  if (shared === undefined) throw new Error('this test runs in project "real" only')
  return shared
}

/** Makes a fresh namespace. */
export async function openNamespace(): Promise<TestNamespace> {
  const { kubeconfigPath, context } = controlPlane()
  const connection = await connectCluster({ userAgent: 'serin-test', kubeconfigPath, context })
  const client = createClient(connection.transport)
  const name = `test-${randomBytes(4).toString('hex')}`
  const fieldManager = 'serin-test'
  await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { fieldManager })
  const refOf = (
    apiVersion: string,
    kind: string,
    of: string,
  ): { apiVersion: string; kind: string; namespace: string; name: string } => ({
    apiVersion,
    kind,
    namespace: name,
    name: of,
  })
  return {
    name,
    client,
    create: (object) => client.create(object, { fieldManager }),
    get: (apiVersion, kind, of) => client.get(refOf(apiVersion, kind, of)),
    list: async (apiVersion, kind, labelSelector) =>
      (await client.list({ apiVersion, kind }, { namespace: name, labelSelector })).items,
    patch: (apiVersion, kind, of, body) =>
      client.patch(refOf(apiVersion, kind, of), { type: 'merge', body, fieldManager }),
    remove: async (apiVersion, kind, of) =>
      void (await client.delete(refOf(apiVersion, kind, of), { propagation: 'Background' })),
    until: async (what, holds) => {
      const endMs = Date.now() + PATIENCE_MS
      while (!(await holds())) {
        if (Date.now() > endMs) throw new Error(`waited ${PATIENCE_MS} ms in vain until ${what}`)
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
      }
    },
    close: async () => {
      await client.delete({ apiVersion: 'v1', kind: 'Namespace', name })
      await connection.close()
    },
  }
}
