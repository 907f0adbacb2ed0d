import { freePort } from '../../../src/playground/free-port.ts'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inject } from 'vitest'
import { startSerin, type SerinProcess } from '../../../src/cli/serin-process.ts'
import { withDerived, type Config } from '../../../src/config/config.ts'
import { ConfigFile } from '../../../src/config/schema.ts'
import { at, numberAt, stringAt } from '../../../src/lib/json.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import type { Reply, ServerRequest } from '../../../src/playground/cluster/api/context.ts'
import { createForge, type PlaygroundForge } from '../../../src/playground/forge/forge.ts'
import { createBareRepository } from '../../../src/playground/git-repository.ts'
import { serveGit, type GitServerFault, type GitServerRequest } from '../../../src/playground/git-server.ts'
import type { Logger } from '../../../src/reconciler/ports.ts'
import { namespace, renewNamespace } from '../namespace.ts'
import { embeddedBackend, type Backend, type Door } from './backend.ts'
import { realBackend } from './real-backend.ts'

export const GIT_TOKEN = 'right-token'
export const WEBHOOK_SECRET = 'webhook-secret'
const PERSON = { name: 'Ada', email: 'ada@example.com' }
const PATIENCE_MS = 30_000
const LOOK_EVERY_MS = 20

/** What goes wrong outside right now; tests set and clear the members. */
export interface Trouble {
  git: ((request: GitServerRequest) => GitServerFault | undefined) | undefined
  prometheus: 'html' | 'hang' | 'error' | undefined
  /** Answers a request in the place of the API server. */
  api: ((request: ServerRequest) => Reply | undefined) | undefined
}

export interface LogLine {
  readonly level: string
  readonly text: string
  readonly place: string | undefined
  readonly code: string | undefined
  readonly canary: string | undefined
}

/** Everything that Serin talks to, each part a server on 127.0.0.1, and the Serin that talks to it. */
export class World {
  readonly directory: string
  readonly repository: string
  /** The cluster as a bystander sees it. */
  readonly cluster: Backend['view']
  readonly forge: PlaygroundForge
  readonly config: Config
  readonly kubeconfigPath: string
  readonly tokenPath: string
  readonly trouble: Trouble
  readonly log: LogLine[] = []
  serin: SerinProcess | undefined
  private readonly parts: Parts

  constructor(parts: Parts) {
    this.parts = parts
    this.directory = parts.directory
    this.repository = parts.repository
    this.cluster = parts.backend.view
    this.forge = parts.forge
    this.config = parts.config
    this.kubeconfigPath = join(parts.directory, 'kubeconfig')
    this.tokenPath = join(parts.directory, 'token')
    this.trouble = parts.trouble
  }

  async start(): Promise<void> {
    const options = { config: this.config, kubeconfigPath: this.kubeconfigPath, context: undefined }
    this.serin = await startSerin({ ...options, log: collect(this.log) })
  }

  async stop(): Promise<void> {
    await this.serin?.stop()
    this.serin = undefined
  }

  /** Waits until something holds, looking at the branches never: webhooks and the schedule must do. */
  async until(what: string, holds: () => boolean | Promise<boolean>, ms = PATIENCE_MS): Promise<void> {
    const endMs = Date.now() + ms
    while (!(await holds())) {
      if (Date.now() > endMs) throw new Error(`waited ${ms} ms in vain until ${what}\n${this.recentLog()}`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }

  /** Waits for a rollout's end. */
  async untilPhase(name: string, phase: string, tag?: string): Promise<void> {
    await this.until(
      `${name} is ${phase} ${tag ?? ''}`,
      () => this.phase(name) === phase && (tag === undefined || this.tagOf(`${name}-primary`) === tag),
    )
  }

  untilLogged(code: string, text: string | RegExp = ''): Promise<void> {
    return this.until(`the log says ${code} ${text}`, () => this.logged(code, text) !== undefined)
  }

  logged(code: string, text: string | RegExp = ''): LogLine | undefined {
    return this.log.find((line) => line.code === code && new RegExp(text).test(`${line.place ?? ''} ${line.text}`))
  }

  private recentLog(): string {
    return this.log
      .slice(-25)
      .map(({ level, text, place, code, canary }) => `${level} ${code ?? ''} ${canary ?? ''} ${place ?? ''} ${text}`)
      .join('\n')
  }

  canary(name: string): KubeObject | undefined {
    return this.objects('flagger.app/v1beta1', 'Canary').find((one) => one.metadata.name === name)
  }

  phase(name: string): string | undefined {
    return stringAt(this.canary(name), 'status', 'phase')
  }

  condition(name: string, type: string): string {
    const conditions = at(this.canary(name)?.status, 'conditions')
    const found = Array.isArray(conditions) ? conditions.find((one) => stringAt(one, 'type') === type) : undefined
    if (found === undefined) return 'none'
    return `${stringAt(found, 'status')} ${stringAt(found, 'reason')} ${stringAt(found, 'message')}`
  }

  /** The messages of the Kubernetes events about a Canary. */
  events(name: string): readonly string[] {
    return this.objects('v1', 'Event')
      .filter((event) => stringAt(event, 'involvedObject', 'name') === name)
      .map((event) => stringAt(event, 'message') ?? '')
  }

  /** The canary's weight in the route that clients follow. */
  weight(name: string): number {
    const route = this.objects('networking.istio.io/v1beta1', 'VirtualService').find((r) => r.metadata.name === name)
    return numberAt(route, 'spec', 'http', 0, 'route', 1, 'weight') ?? 0
  }

  tagOf(deployment: string): string | undefined {
    const found = this.objects('apps/v1', 'Deployment').find((one) => one.metadata.name === deployment)
    return stringAt(found, 'spec', 'template', 'spec', 'containers', 0, 'image')?.split(':').at(-1)
  }

  private objects(apiVersion: string, kind: string): readonly KubeObject[] {
    return this.cluster.list(apiVersion, kind, namespace)
  }

  /** Opens a pull request and merges it; resolves to its number. */
  async merge(title: string, files: Readonly<Record<string, string>>): Promise<number> {
    const { number } = await this.forge.openPullRequest({ title, author: 'ada', files })
    await this.forge.merge(number, { by: 'ada' })
    return number
  }

  comments(number: number): readonly string[] {
    return this.forge.comments(number).map(({ body }) => body)
  }

  /** Git in the bare repository, without any server. */
  async git(...args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)('git', ['--git-dir', this.repository, ...args])
    return stdout.trim()
  }

  /** Commits one file on main past the forge, so that nobody is told. */
  async commit(path: string, text: string, message: string): Promise<void> {
    const file = join(this.directory, 'next-content')
    await writeFile(file, text)
    const blob = await this.git('hash-object', '-w', file)
    await this.git('read-tree', 'main')
    await this.git('update-index', '--add', '--cacheinfo', `100644,${blob},${path}`)
    const tree = await this.git('write-tree')
    const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com']
    const commit = await this.git(...identity, 'commit-tree', tree, '-p', 'main', '-m', message)
    await this.git('update-ref', 'refs/heads/main', commit)
  }

  /** The subjects of the ledger's commits about a canary, oldest first. */
  async ledger(name: string): Promise<readonly string[]> {
    const text = await this.git(
      'log',
      '--reverse',
      '--format=%s',
      this.config.ledger.branch,
      '--',
      `${namespace}/${name}`,
    )
    return text.split('\n')
  }

  /** Nobody listens on the API server's port any more, as after a crash of the machine. */
  async closeApi(): Promise<void> {
    await this.parts.api.close()
  }

  async openApi(): Promise<void> {
    this.parts.api = await this.parts.openApi(Number(new URL(this.parts.api.url).port))
  }

  async close(): Promise<void> {
    await this.stop()
    await this.parts.close()
    // It may be closed already.
    await this.parts.api.close().catch(() => undefined)
    await rm(this.directory, { recursive: true, force: true })
  }
}

interface Parts {
  readonly directory: string
  readonly repository: string
  readonly backend: Backend
  readonly openApi: (port?: number) => Promise<Door>
  readonly forge: PlaygroundForge
  readonly config: Config
  readonly trouble: Trouble
  api: Door
  close(): Promise<void>
}

export interface WorldOptions {
  /** Called when the namespace of the scenario is known. */
  readonly files: () => Readonly<Record<string, string>>
  /** Cron; by default so rarely that only webhooks, signals and `look` make Serin look. */
  readonly poll?: string
}

/** Starts the servers; Serin itself starts with `start`. */
export async function createWorld({ files, poll = '0 0 1 1 *' }: WorldOptions): Promise<World> {
  renewNamespace()
  const directory = await mkdtemp(join(tmpdir(), 'serin-world-'))
  const trouble: Trouble = { git: undefined, prometheus: undefined, api: undefined }
  const first = { branch: 'main', author: PERSON, timeMs: Date.now(), message: 'Start the fleet\n' }
  const repository = await createBareRepository(directory, 'fleet.git', files(), first)
  const git = await serveGit({
    root: directory,
    auth: { username: 'x-access-token', password: GIT_TOKEN },
    fault: (request) => trouble.git?.(request),
  })
  const controlPlane = inject('controlPlane')
  const backend = controlPlane === undefined ? await embeddedBackend() : await realBackend(controlPlane, namespace)
  const openApi = (at?: number): Promise<Door> => backend.openApi((request) => trouble.api?.(request), at)
  const api = await openApi()
  const prometheus = await openDoor(trouble, backend.prometheusUrl)
  const port = await freePort()
  const webhook = { url: `http://127.0.0.1:${port}/webhooks/push`, secret: WEBHOOK_SECRET }
  const forge = await createForge({ repositoryPath: repository, name: 'demo/fleet', webhook })
  const tokenPath = join(directory, 'token')
  await writeFile(tokenPath, `${GIT_TOKEN}\n`)
  await writeFile(join(directory, 'kubeconfig'), backend.kubeconfig(api.url))
  const settings = {
    repository: { url: `${git.url}/fleet.git`, paths: ['apps'], poll, tokenFile: tokenPath },
    cluster: { name: 'demo', ...(controlPlane === undefined ? {} : { namespaces: [namespace] }) },
    forge: { kind: 'github', apiUrl: forge.api, repository: 'demo/fleet', token: 'demo' },
    metricsServer: prometheus.url,
    minimumInterval: '1s',
    dataDirectory: join(directory, 'serin'),
    server: { host: '127.0.0.1', port, webhookSecret: WEBHOOK_SECRET },
  }
  // JSON is YAML: the same settings for `serin run --config`.
  await writeFile(join(directory, 'serin.yaml'), JSON.stringify(settings, undefined, 2))
  return new World({
    directory,
    repository,
    backend,
    openApi,
    forge,
    trouble,
    api,
    config: withDerived(ConfigFile.parse(settings)),
    async close() {
      await forge.close()
      await prometheus.close()
      await git.close()
      await backend.close()
    },
  })
}

/** A Prometheus behind a door that may be shut, lead elsewhere, or open to nothing. */
async function openDoor(trouble: Trouble, url: string): Promise<Door> {
  const answer = async (path: string, response: ServerResponse): Promise<void> => {
    switch (trouble.prometheus) {
      case 'hang':
        return
      case 'html':
        return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Please sign in</html>')
      case 'error':
        return void response.writeHead(500, { 'content-type': 'text/plain' }).end('out of memory')
      case undefined: {
        const got = await fetch(`${url}${path}`)
        return void response.writeHead(got.status, { 'content-type': 'application/json' }).end(await got.text())
      }
    }
  }
  const server = createServer((request, response) => {
    answer(request.url ?? '/', response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function collect(lines: LogLine[]): Logger {
  const at_ =
    (level: string) =>
    (fields: object, text: string): void => {
      const { place, code, canary } = fields as { place?: string; code?: string; canary?: string }
      lines.push({ level, text, place, code, canary })
    }
  return { debug: () => {}, info: at_('info'), warn: at_('warn'), error: at_('error') }
}
