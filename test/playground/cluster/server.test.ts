import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { createEmbeddedCluster } from '../../../src/playground/cluster/embedded-cluster.ts'
import { kubeconfig } from '../../../src/playground/cluster/kubeconfig.ts'
import { serveCluster } from '../../../src/playground/cluster/serve-cluster.ts'
import type { ServedCluster } from '../../../src/playground/cluster/serve-cluster.ts'
import { configMap, deployment, maps, seeded } from './support.ts'
import { needs } from '../../support/needs.ts'

const hasKubectl = needs('kubectl', 'kubernetes-client') !== undefined

const cluster = createEmbeddedCluster({ clock: systemClock, random: seeded(1), podStartMs: 20 })
const folder = mkdtempSync(join(tmpdir(), 'serin-cluster-'))
let served: ServedCluster = { url: '', close: async () => {} }

beforeAll(async () => {
  served = await serveCluster(cluster)
  writeFileSync(join(folder, 'config'), kubeconfig(served.url))
})
afterAll(async () => {
  cluster.stop()
  await served.close()
  rmSync(folder, { recursive: true })
})

async function kubectl(...words: readonly string[]): Promise<string> {
  const environment = { ...process.env, HOME: folder, KUBECONFIG: join(folder, 'config') }
  const { stdout } = await promisify(execFile)('kubectl', [...words], { env: environment })
  return stdout
}

describe('playground/cluster: over HTTP', () => {
  it('writes objects, errors and plain text as the real server does', async () => {
    const headers = { 'content-type': 'application/json', 'user-agent': 'suite/1.0' }
    const body = JSON.stringify(configMap('over-http', { k: 'v' }))

    const created = await fetch(`${served.url}${maps}`, { method: 'POST', headers, body })
    const missing = await fetch(`${served.url}${maps}/none`)
    const health = await fetch(`${served.url}/healthz`)

    expect([created.status, created.headers.get('content-type')]).toEqual([201, 'application/json'])
    expect(await created.json()).toMatchObject({ metadata: { managedFields: [{ manager: 'suite' }] } })
    expect([missing.status, await missing.json()]).toMatchObject([404, { reason: 'NotFound' }])
    expect([health.status, await health.text()]).toEqual([200, 'ok'])
  })

  it('reads YAML and warns about fields that it does not know', async () => {
    const headers = { 'content-type': 'application/yaml' }
    const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yaml}\ndata: {k: "1"}\nodd: true\n'

    const created = await fetch(`${served.url}${maps}`, { method: 'POST', headers, body })

    expect(created.status).toBe(201)
    expect(created.headers.get('warning')).toBe('299 - "unknown field \\"odd\\""')
  })

  it('refuses what it cannot read', async () => {
    const path = await fetch(`${served.url}/api/v1/namespaces/%zz/configmaps`)
    const body = await fetch(`${served.url}${maps}/x`, { method: 'DELETE', body: '{' })

    expect([path.status, body.status]).toEqual([400, 400])
  })

  it('refuses a body that is too large', async () => {
    const answer = await fetch(`${served.url}${maps}`, { method: 'POST', body: 'x'.repeat(4 * 1024 * 1024) })

    expect(answer.status).toBe(413)
  })

  it('streams a watch line by line', async () => {
    const abort = new AbortController()
    const answer = await fetch(`${served.url}${maps}?watch=1&fieldSelector=metadata.name%3Dwatched`, {
      signal: abort.signal,
    })
    const reader = answer.body?.getReader()

    cluster.serve({ method: 'POST', path: maps, body: configMap('watched', {}) })
    const chunk: unknown = (await reader?.read())?.value
    abort.abort()

    expect(JSON.parse(Buffer.from(chunk instanceof Uint8Array ? chunk : []).toString())).toMatchObject({
      type: 'ADDED',
      object: { metadata: { name: 'watched' } },
    })
  })
})

describe.skipIf(!hasKubectl)('playground/cluster: kubectl', () => {
  it('applies, rolls out, shows and deletes a Deployment', { timeout: 20_000 }, async () => {
    const file = join(folder, 'web.json')
    writeFileSync(file, JSON.stringify(deployment('web')))

    const applied = await kubectl('apply', '-f', file)
    const rolled = await kubectl('rollout', 'status', 'deployment/web', '--timeout=10s')
    const image = await kubectl('set', 'image', 'deployment/web', 'app=app:2')
    const table = await kubectl('get', 'deployment', 'web')
    const described = await kubectl('describe', 'deployment', 'web')
    const forced = await kubectl('apply', '--server-side', '--force-conflicts', '-f', file)
    const deleted = await kubectl('delete', '-f', file)

    expect(applied).toBe('deployment.apps/web created\n')
    expect(rolled).toContain('deployment "web" successfully rolled out')
    expect(image).toBe('deployment.apps/web image updated\n')
    expect(table).toMatch(/^NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE\nweb\s+\d\/1/)
    expect(described).toContain('MinimumReplicasAvailable')
    expect(forced).toBe('deployment.apps/web serverside-applied\n')
    expect(deleted).toBe('deployment.apps "web" deleted\n')
  })

  it('goes back a revision, explains fields, and says what may be done', { timeout: 20_000 }, async () => {
    const file = join(folder, 'back.json')
    writeFileSync(file, JSON.stringify(deployment('back')))
    await kubectl('apply', '-f', file)
    await kubectl('set', 'image', 'deployment/back', 'app=app:2')

    const history = await kubectl('rollout', 'history', 'deployment/back')
    const undone = await kubectl('rollout', 'undo', 'deployment/back')
    const explained = await kubectl('explain', 'deployment.spec.template.spec.containers')
    const may = await kubectl('auth', 'can-i', 'create', 'deployments')
    const all = await kubectl('get', 'all')
    const deleted = await kubectl('delete', 'deployment/back', '--wait', '--timeout=10s')

    expect(history).toMatch(/\n1 .*\n2 /)
    expect(undone).toBe('deployment.apps/back rolled back\n')
    expect(explained).toMatch(/image\s+<string>/)
    expect(may).toBe('yes\n')
    expect(all).toContain('deployment.apps/back')
    expect(deleted).toBe('deployment.apps "back" deleted\n')
  })

  it('says what it can not do here, and what to do instead', async () => {
    const made = kubectl('create', 'configmap', 'made', '--from-literal=a=b')
    await expect(made).rejects.toThrow('kubectl create … --dry-run=client -o yaml | kubectl apply -f -')

    const log = cluster.serve({ method: 'GET', path: '/api/v1/namespaces/default/pods/any/log' })
    expect(log.status).toBe(405)
    expect(JSON.stringify(log.body)).toContain('pods of the embedded cluster are only pretended')
  })
})
