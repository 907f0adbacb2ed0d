import { spawn } from 'node:child_process'
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { kubeconfigText } from '../control-plane/kubeconfig.ts'

export interface SerinOptions {
  readonly directory: string
  readonly repositoryUrl: string
  readonly apiUrl: string
  readonly caPath: string
  readonly token: string
  readonly metricsServer: string
  /** Told of each sentence that Serin logs about the canary, and of its errors. */
  readonly onSentence: (text: string, level: string, commit: string | undefined) => void
}

/** The branch that Serin writes for a cluster of this name. */
const CLUSTER = 'real'
export const LEDGER = `serin/${CLUSTER}`

/** Serin as it is released, in a process of its own and with the rights of its ServiceAccount. */
export interface RunningSerin {
  /** The end of its log, once it has ended by itself. */
  lastWords(): string | undefined
  /** As an operator stops it. Resolves to its exit code. */
  stop(): Promise<number | null>
}

/** Starts `serin run` from the bundle in the directory. */
export function startSerinProcess(options: SerinOptions): RunningSerin {
  const { directory } = options
  const kubeconfig = join(directory, 'serin.kubeconfig')
  const access = { name: 'serin', url: options.apiUrl, caPath: options.caPath, token: options.token }
  writeFileSync(kubeconfig, kubeconfigText(access), { mode: 0o600 })
  const config = join(directory, 'serin.yaml')
  writeFileSync(config, configuration(options))
  const args = [join(directory, 'serin/serin.mjs'), 'run', '--config', config, '--kubeconfig', kubeconfig]
  const child = spawn(process.execPath, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
  const logPath = join(directory, 'serin.log')
  const log = createWriteStream(logPath)
  child.stderr.pipe(log, { end: false })
  createInterface({ input: child.stdout }).on('line', (line) => {
    log.write(`${line}\n`)
    tell(line, options.onSentence)
  })
  let stopping = false
  let lastWords: string | undefined
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  void ended.then((code) => {
    if (!stopping) lastWords = `exit status ${code}\n${readFileSync(logPath, 'utf8').slice(-2000)}`
  })
  return {
    lastWords: () => lastWords,
    async stop() {
      stopping = true
      child.kill('SIGTERM')
      const limit = setTimeout(() => child.kill('SIGKILL'), 10_000)
      const code = await ended
      clearTimeout(limit)
      return code
    },
  }
}

function tell(line: string, onSentence: SerinOptions['onSentence']): void {
  const entry = JSON.parse(line) as { level: string; msg: string; ledgerCommit?: string; canary?: string }
  if (entry.canary !== undefined || entry.level === 'error') onSentence(entry.msg, entry.level, entry.ledgerCommit)
}

function configuration({ directory, repositoryUrl, metricsServer }: SerinOptions): string {
  return `repository:
  url: ${repositoryUrl}
  paths: [apps]
  poll: '*/2 * * * * *'
cluster:
  name: ${CLUSTER}
metricsServer: ${metricsServer}
minimumInterval: 1s
dataDirectory: ${join(directory, 'serin-data')}
server:
  host: 127.0.0.1
  port: 8090
  webhookSecret: not-a-secret-in-a-demonstration
`
}
