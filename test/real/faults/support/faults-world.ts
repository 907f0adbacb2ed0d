import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startSerin, type SerinProcess } from '../../../../src/cli/serin-process.ts'
import { createClient, type Client } from '../../../../src/cluster/client.ts'
import { connectCluster } from '../../../../src/cluster/transport-http.ts'
import { withDerived, type Config } from '../../../../src/config/config.ts'
import { ConfigFile } from '../../../../src/config/schema.ts'
import { systemClock } from '../../../../src/lib/clock.ts'
import { at, stringAt, type JsonObject } from '../../../../src/lib/json.ts'
import type { KubeObject } from '../../../../src/lib/kube-object.ts'
import { createBareRepository } from '../../../../src/playground/git-repository.ts'
import { serveGit } from '../../../../src/playground/git-server.ts'
import { createPlaygroundPrometheus } from '../../../../src/playground/prometheus/prometheus.ts'
import { SeriesStore } from '../../../../src/playground/prometheus/series-store.ts'
import { servePrometheus } from '../../../../src/playground/prometheus/serve.ts'
import { kubeconfigText } from '../../../cluster/control-plane/kubeconfig.ts'
import type { SharedControlPlane } from '../../../cluster/control-plane/ready.ts'
import { makeAccount, type Account } from './account.ts'
import { startApiDoor, type ApiDoor } from './api-door.ts'
import { LedgerFile } from './ledger-file.ts'
import { LogBook } from './log-book.ts'
import { canaryText, deploymentText, namespaceObject, type AppOptions } from './manifests.ts'
import { WeightObserver } from './weight-observer.ts'

const PERSON = { name: 'Ada', email: 'ada@example.com' }
const LEDGER = 'serin/faults'
const PATIENCE_MS = 40_000
const LOOK_EVERY_MS = 20

export interface FaultsWorldOptions {
  readonly plane: SharedControlPlane
  readonly apps: readonly string[]
  readonly app?: AppOptions
}

/**
 * A namespace of a real control plane with applications from a Git repository, the production Serin with rights of its own
 * behind a door that a test can do harm with, and an observer that looks at the weights past that door.
 */
export class FaultsWorld {
  readonly namespace: string
  readonly door: ApiDoor
  readonly account: Account
  /** Admin's, past the door. */
  readonly client: Client
  readonly ledger: LedgerFile
  readonly observer: WeightObserver
  readonly log = new LogBook()
  readonly directory: string
  readonly kubeconfigPath: string
  readonly config: Config
  serin: SerinProcess | undefined
  private readonly parts: Parts

  constructor(parts: Parts) {
    this.parts = parts
    this.namespace = parts.namespace
    this.door = parts.door
    this.account = parts.account
    this.client = parts.client
    this.directory = parts.directory
    this.config = parts.config
    this.kubeconfigPath = join(parts.directory, 'kubeconfig')
    this.ledger = new LedgerFile(parts.repository, LEDGER)
    this.observer = new WeightObserver(parts.client, parts.namespace, this.ledger)
  }

  async start(more: { readonly clusterDeadlineMs?: number } = {}): Promise<void> {
    const { config, kubeconfigPath } = this
    this.serin = await startSerin({ config, kubeconfigPath, context: undefined, log: this.log.logger, ...more })
  }

  async stop(): Promise<void> {
    await this.serin?.stop()
    this.serin = undefined
  }

  ready(): { readonly ok: boolean; readonly reasons: readonly string[] } {
    return this.serin?.ready() ?? { ok: false, reasons: ['not running'] }
  }

  /** The share of an application's requests that succeed, in percent, as Prometheus tells it from now on. */
  setSuccess(app: string, percent: number): void {
    this.parts.success.set(app, percent)
  }

  /** Commits a new version of an application's Deployment and makes Serin look. */
  async release(name: string, options: AppOptions): Promise<void> {
    const path = `apps/${name}/deployment.yaml`
    await this.commit({ [path]: deploymentText(this.namespace, name, options) }, `Release ${name} ${options.tag ?? ''}`)
    // Where the cluster is away, a look takes as long as that.
    void this.serin?.look()
  }

  /** Commits files on main. */
  async commit(files: Readonly<Record<string, string>>, message: string): Promise<string> {
    const index = { ...process.env, GIT_INDEX_FILE: join(this.directory, 'index') }
    const git = async (...args: readonly string[]): Promise<string> => {
      const prefix = ['--git-dir', this.parts.repository, '-c', 'user.name=Ada', '-c', 'user.email=ada@example.com']
      const { stdout } = await promisify(execFile)('git', [...prefix, ...args], { env: index })
      return stdout.trim()
    }
    await git('read-tree', 'main')
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.directory, 'next-content')
      await writeFile(file, text)
      const blob = await git('hash-object', '-w', file)
      await git('update-index', '--add', '--cacheinfo', `100644,${blob},${path}`)
    }
    const commit = await git('commit-tree', await git('write-tree'), '-p', 'main', '-m', message)
    await git('update-ref', 'refs/heads/main', commit)
    return commit
  }

  get(apiVersion: string, kind: string, name: string): Promise<KubeObject | undefined> {
    return this.client.get({ apiVersion, kind, namespace: this.namespace, name })
  }

  canary(name: string): Promise<KubeObject | undefined> {
    return this.get('flagger.app/v1beta1', 'Canary', name)
  }

  /** Status, reason and message of a condition of a Canary in one line. */
  async condition(name: string, type: string): Promise<string> {
    const conditions = at((await this.canary(name))?.status, 'conditions')
    const found = Array.isArray(conditions) ? conditions.find((one) => stringAt(one, 'type') === type) : undefined
    if (found === undefined) return 'none'
    return `${stringAt(found, 'status')} ${stringAt(found, 'reason')} ${stringAt(found, 'message')}`
  }

  async tagOf(deployment: string): Promise<string | undefined> {
    const found = await this.get('apps/v1', 'Deployment', deployment)
    return stringAt(found, 'spec', 'template', 'spec', 'containers', 0, 'image')?.split(':').at(-1)
  }

  /** The messages of the Kubernetes events about a Canary. */
  async events(name: string): Promise<readonly string[]> {
    const { items } = await this.client.list({ apiVersion: 'v1', kind: 'Event' }, { namespace: this.namespace })
    const about = items.filter((event) => stringAt(event, 'involvedObject', 'name') === name)
    return about.filter((event) => stringAt(event, 'involvedObject', 'kind') === 'Canary').map(messageOf)
  }

  /** The subjects of what is recorded of a canary, oldest first; only those after a commit where one is given. */
  async recorded(name: string, after?: string): Promise<readonly string[]> {
    const history = await this.ledger.history(`${this.namespace}/${name}`)
    const from = after === undefined ? 0 : history.findIndex(({ oid }) => oid === after) + 1
    return history.slice(from).map(({ subject }) => subject)
  }

  /** The newest commit about a canary. */
  async mark(name: string): Promise<string | undefined> {
    return (await this.ledger.history(`${this.namespace}/${name}`)).at(-1)?.oid
  }

  async patch(apiVersion: string, kind: string, name: string, body: JsonObject): Promise<void> {
    const ref = { apiVersion, kind, namespace: this.namespace, name }
    await this.client.patch(ref, { type: 'merge', body, fieldManager: 'ada' })
  }

  remove(apiVersion: string, kind: string, name: string): Promise<unknown> {
    return this.client.delete({ apiVersion, kind, namespace: this.namespace, name })
  }

  async until(what: string, holds: () => boolean | Promise<boolean>, ms = PATIENCE_MS): Promise<void> {
    const endMs = Date.now() + ms
    while (!(await holds())) {
      if (Date.now() > endMs) throw new Error(`waited ${ms} ms in vain until ${what}\n${this.log.recent()}`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }

  untilWeight(name: string, weight: number): Promise<void> {
    return this.until(`${name} has weight ${weight}`, () => this.observer.weight(name) === weight)
  }

  /** Waits for a sentence on the ledger. */
  untilRecorded(name: string, subject: string | RegExp, after?: string): Promise<void> {
    return this.until(`the ledger says ${subject} of ${name}`, async () =>
      (await this.recorded(name, after)).some((one) => new RegExp(subject).test(one)),
    )
  }

  async untilPhase(name: string, phase: string, tag?: string): Promise<void> {
    await this.until(`${name} is ${phase} ${tag ?? ''}`, async () => {
      try {
        if (stringAt((await this.canary(name))?.status, 'phase') !== phase) return false
        return tag === undefined || (await this.tagOf(`${name}-primary`)) === tag
      } catch {
        return false
      }
    })
  }

  async close(): Promise<void> {
    await this.stop()
    await this.observer.stop()
    await this.parts.close()
    await rm(this.directory, { recursive: true, force: true })
  }
}

interface Parts {
  readonly namespace: string
  readonly directory: string
  readonly repository: string
  readonly config: Config
  readonly client: Client
  readonly account: Account
  readonly door: ApiDoor
  readonly success: Map<string, number>
  close(): Promise<void>
}

/** Makes everything but Serin itself, which starts with `start`. */
export async function createFaultsWorld({ plane, apps, app = {} }: FaultsWorldOptions): Promise<FaultsWorld> {
  const directory = await mkdtemp(join(tmpdir(), 'serin-faults-'))
  const namespace = `faults-${randomBytes(3).toString('hex')}`
  const files = manifests(namespace, apps, app)
  const first = { branch: 'main', author: PERSON, timeMs: Date.now(), message: 'Start the fleet\n' }
  const repository = await createBareRepository(directory, 'fleet.git', files, first)
  const git = await serveGit({ root: directory })
  const success = new Map(apps.map((name) => [name, 100]))
  const prometheus = await serveSuccess(success)
  const { kubeconfigPath, context } = plane
  const admin = await connectCluster({ userAgent: 'serin-test', kubeconfigPath, context })
  const account = await makeAccount(admin.transport, namespace)
  const door = await startApiDoor(plane.url, plane.caPath)
  const client = createClient(admin.transport)
  await client.create(namespaceObject(namespace), { fieldManager: 'ada' })
  await writeFile(join(directory, 'kubeconfig'), kubeconfigText({ name: 'serin', url: door.url, token: account.token }))
  const settings = {
    repository: { url: `${git.url}/fleet.git`, paths: ['apps'], poll: '0 0 1 1 *' },
    ledger: { branch: LEDGER },
    // Other tests have canaries of their own in the same cluster.
    cluster: { namespaces: [namespace] },
    forge: { kind: 'none' },
    metricsServer: prometheus.url,
    minimumInterval: '1s',
    dataDirectory: join(directory, 'serin'),
    server: { host: '127.0.0.1', port: 0 },
  }
  await writeFile(join(directory, 'serin.yaml'), JSON.stringify(settings, undefined, 2))
  return new FaultsWorld({
    namespace,
    directory,
    repository,
    config: withDerived(ConfigFile.parse(settings)),
    client,
    account,
    door,
    success,
    async close() {
      await door.close()
      await prometheus.close()
      await git.close()
      // The control plane may be gone already; then there is nothing to tidy up.
      await client.delete({ apiVersion: 'v1', kind: 'Namespace', name: namespace }).catch(() => undefined)
      await account.remove().catch(() => undefined)
      await admin.close()
    },
  })
}

function manifests(namespace: string, apps: readonly string[], app: AppOptions): Record<string, string> {
  const files: Record<string, string> = {}
  for (const name of apps) {
    files[`apps/${name}/deployment.yaml`] = deploymentText(namespace, name, app)
    files[`apps/${name}/canary.yaml`] = canaryText(namespace, name, app)
  }
  return files
}

/** A Prometheus that knows one number of each application: what the test says now. */
function serveSuccess(success: ReadonlyMap<string, number>): ReturnType<typeof servePrometheus> {
  const store = new SeriesStore(60_000)
  const sample = (): void => {
    for (const [app, percent] of success) {
      // A little ago: a query is about the moment at which it came in.
      store.writer({ __name__: 'app_success_rate', app }).append(Date.now() - 10, percent)
    }
  }
  return servePrometheus({ prometheus: createPlaygroundPrometheus(store, sample), clock: systemClock })
}

function messageOf(event: KubeObject): string {
  return stringAt(event, 'message') ?? ''
}
