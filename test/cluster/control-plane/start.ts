import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectCluster } from '../../../src/cluster/transport-http.ts'
import { stringAt } from '../../../src/lib/json.ts'
import { freePort } from '../../../src/playground/free-port.ts'
import { component, type Component } from './component.ts'
import { kubeconfigText } from './kubeconfig.ts'

/** A control plane of real Kubernetes programs on 127.0.0.1, with RBAC on and no nodes. */
export interface ControlPlane {
  /** Admin's. */
  readonly kubeconfigPath: string
  readonly context: string
  /** `https://127.0.0.1:<port>` */
  readonly url: string
  /** What signs the API server's certificate. */
  readonly caPath: string
  /** For example `v1.20.2`. */
  readonly serverVersion: string
  readonly etcd: Component
  readonly apiServer: Component
  readonly controllerManager: Component
  readonly scheduler: Component
  /** Resolves when the API server answers `/readyz` with 200; rejects after 60 s with the end of its log. */
  untilReady(): Promise<void>
  /** Ends all programs and removes their data. */
  close(): Promise<void>
}

export interface StartOptions {
  /** More flags for the API server. */
  readonly apiServerFlags?: readonly string[]
}

export const ADMIN_CONTEXT = 'serin-test'
const PATIENCE_MS = 60_000
const LOOK_EVERY_MS = 100

/**
 * Starts the programs of a folder with generated keys and waits until the API server is ready and the controllers work.
 * Extra API server flags go last. Whatever was started is ended again when it fails.
 */
export async function startControlPlane(
  directory: string,
  { apiServerFlags = [] }: StartOptions = {},
): Promise<ControlPlane> {
  const work = await mkdtemp(join(tmpdir(), 'serin-control-plane-'))
  const [etcdPort, peerPort, apiPort] = [await freePort(), await freePort(), await freePort()]
  const url = `https://127.0.0.1:${apiPort}`
  const adminToken = randomBytes(24).toString('hex')
  const files = writeKeys(work, adminToken)
  const kubeconfigPath = join(work, 'admin.kubeconfig')
  const at = (name: string): string => join(directory, name)
  const etcd = component('etcd', at('etcd'), etcdFlags(work, etcdPort, peerPort), work)
  const flags = [...serverFlags(files, etcdPort, apiPort), ...apiServerFlags]
  const apiServer = component('kube-apiserver', at('kube-apiserver'), flags, work)
  const noPlainPort = hasPlainPort(at('kube-scheduler')) ? ['--port=0'] : []
  const managerFlags = [...controllerFlags(files, kubeconfigPath), ...noPlainPort]
  const controllerManager = component('kube-controller-manager', at('kube-controller-manager'), managerFlags, work)
  const schedulingFlags = [...schedulerFlags(kubeconfigPath), ...noPlainPort]
  const scheduler = component('kube-scheduler', at('kube-scheduler'), schedulingFlags, work)
  const all = [scheduler, controllerManager, apiServer, etcd]
  const close = async (): Promise<void> => {
    for (const one of all) await one.stop()
    await rm(work, { recursive: true, force: true })
  }
  try {
    etcd.start()
    apiServer.start()
    await until(() => isWritten(files.ca), apiServer, 'makes its certificate')
    writeFileSync(kubeconfigPath, kubeconfigText({ name: ADMIN_CONTEXT, url, caPath: files.ca, token: adminToken }))
    const untilReady = (): Promise<void> =>
      until(async () => (await get(kubeconfigPath, '/readyz')).status === 200, apiServer, 'is ready')
    await untilReady()
    controllerManager.start()
    scheduler.start()
    const account = '/api/v1/namespaces/default/serviceaccounts/default'
    await until(async () => (await get(kubeconfigPath, account)).status === 200, controllerManager, 'works')
    const version = await get(kubeconfigPath, '/version')
    const serverVersion = stringAt(version.body, 'gitVersion') ?? 'unknown'
    const parts = { etcd, apiServer, controllerManager, scheduler }
    return { kubeconfigPath, context: ADMIN_CONTEXT, url, caPath: files.ca, serverVersion, ...parts, untilReady, close }
  } catch (error) {
    await close()
    throw error
  }
}

interface KeyFiles {
  readonly serviceAccountKey: string
  readonly serviceAccountPublicKey: string
  readonly tokens: string
  readonly certificates: string
  readonly ca: string
}

function writeKeys(work: string, adminToken: string): KeyFiles {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const files = {
    serviceAccountKey: join(work, 'service-account.key'),
    serviceAccountPublicKey: join(work, 'service-account.pub'),
    tokens: join(work, 'tokens.csv'),
    certificates: join(work, 'certificates'),
    ca: join(work, 'certificates', 'apiserver.crt'),
  }
  mkdirSync(files.certificates)
  const secret = { mode: 0o600 }
  writeFileSync(files.serviceAccountKey, privateKey.export({ type: 'pkcs1', format: 'pem' }), secret)
  writeFileSync(files.serviceAccountPublicKey, publicKey.export({ type: 'spki', format: 'pem' }))
  writeFileSync(files.tokens, `${adminToken},admin,admin,"system:masters"\n`, secret)
  return files
}

function etcdFlags(work: string, clientPort: number, peerPort: number): readonly string[] {
  const [client, peer] = [`http://127.0.0.1:${clientPort}`, `http://127.0.0.1:${peerPort}`]
  return [
    `--data-dir=${join(work, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    // Nothing of it is to outlive the machine.
    '--unsafe-no-fsync',
  ]
}

function serverFlags(files: KeyFiles, etcdPort: number, port: number): readonly string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${files.certificates}`,
    `--service-account-key-file=${files.serviceAccountPublicKey}`,
    `--service-account-signing-key-file=${files.serviceAccountKey}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--token-auth-file=${files.tokens}`,
    '--authorization-mode=RBAC',
    '--service-cluster-ip-range=10.0.0.0/16',
    '--endpoint-reconciler-type=none',
  ]
}

function controllerFlags(files: KeyFiles, kubeconfigPath: string): readonly string[] {
  return [
    `--kubeconfig=${kubeconfigPath}`,
    '--bind-address=127.0.0.1',
    '--secure-port=0',
    '--leader-elect=false',
    `--service-account-private-key-file=${files.serviceAccountKey}`,
    `--root-ca-file=${files.ca}`,
    '--use-service-account-credentials=true',
    '--horizontal-pod-autoscaler-sync-period=2s',
    // Nodes here have no heartbeat.
    '--controllers=*,-nodeipam,-nodelifecycle,-cloud-node-lifecycle',
  ]
}

function schedulerFlags(kubeconfigPath: string): readonly string[] {
  return [`--kubeconfig=${kubeconfigPath}`, '--bind-address=127.0.0.1', '--secure-port=0', '--leader-elect=false']
}

/** Before 1.24 these programs open a fixed port besides, so that no second control plane could start on the machine. */
function hasPlainPort(program: string): boolean {
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' })
  return Number(/v1\.(\d+)/.exec(version)?.[1] ?? 99) < 24
}

/** One GET as admin. Until the server is up there is no answer: status 0. */
async function get(kubeconfigPath: string, path: string): Promise<{ status: number; body: unknown }> {
  const connection = await connectCluster({ userAgent: 'serin-test', kubeconfigPath, context: ADMIN_CONTEXT })
  try {
    return await connection.transport.send({ method: 'GET', path })
  } catch {
    return { status: 0, body: undefined }
  } finally {
    await connection.close()
  }
}

function isWritten(path: string): boolean {
  try {
    return readFileSync(path, 'utf8').includes('END CERTIFICATE')
  } catch {
    return false
  }
}

async function until(holds: () => boolean | Promise<boolean>, part: Component, what: string): Promise<void> {
  const endMs = Date.now() + PATIENCE_MS
  while (!(await holds())) {
    if (part.pid() === undefined) throw new Error(`${part.name} has ended:\n${part.lastWords()}`)
    if (Date.now() > endMs) throw new Error(`${part.name} never ${what}:\n${part.lastWords()}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}
