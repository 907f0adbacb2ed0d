import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSerin, type SerinProcess } from '../../../src/cli/serin-process.ts'
import { withDerived, type Config } from '../../../src/config/config.ts'
import { ConfigFile } from '../../../src/config/schema.ts'
import type { KubeTransport } from '../../../src/cluster/transport.ts'
import type { Logger } from '../../../src/reconciler/ports.ts'
import { controlPlane } from '../namespace.ts'
import type { GitAccess } from './repository.ts'
import { kubeconfigText } from '../../cluster/control-plane/kubeconfig.ts'
import { tokenOf } from '../../support/service-account.ts'

/** What Serin says of a canary: in its log, in an event, in the ledger. */
export interface Said {
  readonly atMs: number
  /** `<namespace>/<name>` */
  readonly canary: string
  readonly text: string
  /** The ledger's commit that records it, if it has one already. */
  readonly commit: string | undefined
}

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly code: string | undefined
  readonly place: string | undefined
  readonly text: string
}

/** A Serin on the real control plane, with the rights of its ServiceAccount. */
export interface SerinOnCluster {
  readonly config: Config
  readonly said: readonly Said[]
  readonly log: readonly LogLine[]
  /** A person puts another password into the file that Serin reads it from. */
  setPassword(password: string): Promise<void>
  look(): Promise<void>
  ready(): { readonly ok: boolean; readonly reasons: readonly string[] }
  close(): Promise<void>
}

export interface SerinOptions {
  /** Admin's. */
  readonly transport: KubeTransport
  readonly git: GitAccess
  /** The only one that it looks after: others share the cluster. */
  readonly namespace: string
  readonly metricsServer: string
  /** When it looks at the branches by itself; cron. Each second when absent. */
  readonly poll?: string
}

/** Starts Serin as `serin run` does. */
export async function startSerinOnCluster(options: SerinOptions): Promise<SerinOnCluster> {
  const { git, namespace, metricsServer, transport, poll = '* * * * * *' } = options
  const directory = await mkdtemp(join(tmpdir(), 'serin-on-cluster-'))
  const passwordFile = join(directory, 'password')
  const kubeconfigPath = join(directory, 'kubeconfig')
  const setPassword = (password: string): Promise<void> => writeFile(passwordFile, `${password}\n`)
  await setPassword(git.password)
  const { url, caPath } = controlPlane()
  const access = { name: 'serin', url, caPath, token: await tokenOf(transport) }
  await writeFile(kubeconfigPath, kubeconfigText(access), { mode: 0o600 })
  const settings = {
    repository: { url: git.url, paths: ['apps'], poll, username: git.username, passwordFile },
    cluster: { name: 'real', namespaces: [namespace] },
    metricsServer,
    minimumInterval: '1s',
    dataDirectory: join(directory, 'data'),
    server: { host: '127.0.0.1', port: 0, webhookSecret: 'secret' },
  }
  const config = withDerived(ConfigFile.parse(settings))
  const said: Said[] = []
  const log: LogLine[] = []
  const serin: SerinProcess = await startSerin({
    config,
    kubeconfigPath,
    context: undefined,
    log: collect(log),
    onSentence: (canary, { text }, commit) => void said.push({ atMs: Date.now(), canary, text, commit }),
  })
  return {
    config,
    said,
    log,
    setPassword,
    look: () => serin.look(),
    ready: () => serin.ready(),
    async close() {
      await serin.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function collect(lines: LogLine[]): Logger {
  const take =
    (level: LogLine['level']) =>
    (fields: object, text: string): void => {
      const { code, place, message } = fields as { code?: string; place?: string; message?: string }
      lines.push({ level, code, place, text: message === undefined ? text : `${text}: ${message}` })
    }
  return { debug: () => {}, info: take('info'), warn: take('warn'), error: take('error') }
}
