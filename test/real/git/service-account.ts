import { readFile, writeFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'
import type { KubeTransport } from '../../../src/cluster/transport.ts'
import { stringAt } from '../../../src/lib/json.ts'

const Kubeconfig = z.object({
  contexts: z.array(z.object({ name: z.string(), context: z.object({ cluster: z.string() }) })),
  clusters: z.array(z.object({ name: z.string(), cluster: z.record(z.string(), z.unknown()) })),
})

export interface Access {
  /** Admin's. */
  readonly transport: KubeTransport
  readonly kubeconfigPath: string
  readonly context: string
  /** Where the new kubeconfig goes. */
  readonly path: string
}

/** Writes a kubeconfig with a token of the ServiceAccount of manifests/base: Serin has its released rights and no more. */
export async function asServiceAccount({ transport, kubeconfigPath, context, path }: Access): Promise<void> {
  const answer = await transport.send({
    method: 'POST',
    path: '/api/v1/namespaces/serin-system/serviceaccounts/serin/token',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } },
  })
  const token = stringAt(answer.body, 'status', 'token')
  if (token === undefined) throw new Error(`no token for the ServiceAccount serin: HTTP ${answer.status}`)
  const admin = Kubeconfig.parse(parse(await readFile(kubeconfigPath, 'utf8')))
  const named = admin.contexts.find(({ name }) => name === context)?.context.cluster
  const cluster = admin.clusters.find(({ name }) => name === named)?.cluster
  const name = 'serin'
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    contexts: [{ name, context: { cluster: name, user: name } }],
    clusters: [{ name, cluster }],
    users: [{ name, user: { token } }],
  }
  // JSON is YAML.
  await writeFile(path, JSON.stringify(config), { mode: 0o600 })
}
