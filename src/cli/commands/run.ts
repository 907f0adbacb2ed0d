import { pino } from 'pino'
import type { Logger } from '../../reconciler/ports.ts'
import { exitCodes } from '../exit-codes.ts'
import { configFrom } from '../load-config.ts'
import { startSerin } from '../serin-process.ts'

export interface RunOptions extends Readonly<Record<string, unknown>> {
  readonly config: string
  readonly kubeconfig?: string
  readonly context?: string
}

/** `serin run`: reconciles until SIGTERM or SIGINT; SIGHUP looks at once. */
export async function run(options: RunOptions): Promise<number> {
  const config = await configFrom(options.config, options)
  const log = createLog(config.log.level)
  const { promise: stopped, resolve: stop } = withResolvers()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop(signal))
  const serin = await startSerin({ config, kubeconfigPath: options.kubeconfig, context: options.context, log })
  log.info({ repository: config.repository.url, ledger: config.ledger.branch, url: serin.url }, 'reconciling')
  process.on('SIGHUP', () => void serin.look())
  // The timers of the watches do not keep a process alive; this does, until it is told to stop.
  const alive = setInterval(() => {}, 60_000)
  const signal = await stopped
  log.info({ signal }, 'stopping')
  clearInterval(alive)
  await serin.stop()
  log.info({}, 'stopped')
  return exitCodes.done
}

function createLog(level: string): Logger {
  return pino({
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: ['*.token', '*.password', '*.authorization', 'token', 'password', 'authorization'],
  })
}

function withResolvers(): { readonly promise: Promise<string>; readonly resolve: (signal: string) => void } {
  let resolve: (signal: string) => void = () => {}
  const promise = new Promise<string>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
