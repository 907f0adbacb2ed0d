import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { z } from 'zod'

export interface PrometheusOptions {
  /** What it scrapes: `http://127.0.0.1:<port>` or `127.0.0.1:<port>`, always at `/metrics`. */
  readonly targets: readonly string[]
  /** 1000 when absent. */
  readonly scrapeIntervalMs?: number
  /** Where its data goes; stays there after `close`. A directory of its own, which goes away, when absent. */
  readonly directory?: string
  /** Samples in OpenMetrics text that it has from the beginning; they must not be scraped as well. */
  readonly samples?: string
  /** Name and bcrypt hash of a password; requests without are answered 401. */
  readonly users?: Readonly<Record<string, string>>
}

/** A real Prometheus, in a process of its own. */
export interface RealPrometheus {
  /** `http://127.0.0.1:<port>`; stays the same over a restart. */
  readonly url: string
  /** Ends the process; the data stays. */
  stop(): Promise<void>
  /** Starts it again on the same port with the same data. */
  start(): Promise<void>
  restart(): Promise<void>
  /** Resolves when each target was scraped since the start; Prometheus begins to scrape up to 5 s after it. */
  scraped(): Promise<void>
  /** Ends the process and removes its directory, unless that was given. */
  close(): Promise<void>
}

/**
 * Starts the `prometheus` of the PATH on a free port of 127.0.0.1 and resolves when it is ready, which takes a tenth of a second.
 * Ask `needs('prometheus')` first. The process ends with the test's process, whatever ends that.
 */
export async function startPrometheus(options: PrometheusOptions): Promise<RealPrometheus> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'serin-prometheus-')))
  const discard = async (): Promise<void> => {
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true })
  }
  try {
    await configure(directory, options)
    let running = await run(directory, 0)
    const { port } = running
    const stop = (): Promise<void> => ended(running.process)
    const start = async (): Promise<void> => {
      running = await run(directory, port)
    }
    return {
      url: `http://127.0.0.1:${port}`,
      stop,
      start,
      restart: async () => {
        await stop()
        await start()
      },
      scraped: () => scraped(`http://127.0.0.1:${port}`, options),
      close: async () => {
        await stop()
        await discard()
      },
    }
  } catch (error) {
    await discard()
    throw error
  }
}

async function configure(directory: string, options: PrometheusOptions): Promise<void> {
  await mkdir(join(directory, 'data'), { recursive: true })
  const interval = `${options.scrapeIntervalMs ?? 1000}ms`
  const targets = options.targets.map((target) => target.replace(/^http:\/\//, '').replace(/\/$/, ''))
  const config = {
    global: { scrape_interval: interval, scrape_timeout: interval },
    scrape_configs: [{ job_name: 'test', honor_labels: true, static_configs: [{ targets }] }],
  }
  await writeFile(join(directory, 'prometheus.yml'), stringify(config))
  await writeFile(join(directory, 'web.yml'), stringify({ basic_auth_users: options.users ?? {} }))
  if (options.samples === undefined) return
  const file = join(directory, 'samples.txt')
  await writeFile(file, options.samples)
  execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', '--quiet', file, join(directory, 'data')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

interface Running {
  readonly process: ChildProcess
  readonly port: number
}

const startLimitMs = 20_000
const setpriv = '/usr/bin/setpriv'

async function run(directory: string, port: number): Promise<Running> {
  const command = [
    'prometheus',
    `--config.file=${join(directory, 'prometheus.yml')}`,
    `--web.config.file=${join(directory, 'web.yml')}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]
  // A test's process that is killed cannot clean up; the kernel does it where the program for that is there.
  const prefix = existsSync(setpriv) ? [setpriv, '--pdeathsig', 'KILL'] : []
  const [program = '', ...parameters] = [...prefix, ...command]
  const child = spawn(program, parameters, { stdio: ['ignore', 'ignore', 'pipe'] })
  return { process: child, port: await readyOn(child) }
}

/** The port, read from the log as soon as that says that the server is ready. */
function readyOn(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let log = ''
    let isReady = false
    const fail = (why: string): void => {
      if (isReady) return
      clearTimeout(limit)
      child.kill('SIGKILL')
      reject(new Error(`Prometheus ${why}:\n${log}`))
    }
    const limit = setTimeout(() => fail('did not get ready'), startLimitMs)
    child.once('error', (error) => fail(error.message))
    child.once('exit', (code) => fail(`ended with code ${code}`))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (isReady) return
      log += text
      const port = /msg="Listening on" address=127\.0\.0\.1:(\d+)/.exec(log)?.[1]
      if (port === undefined || !log.includes('ready to receive web requests')) return
      isReady = true
      clearTimeout(limit)
      resolve(Number(port))
    })
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  const limit = setTimeout(() => child.kill('SIGKILL'), 5000)
  await exit
  clearTimeout(limit)
}

const Targets = z.object({ data: z.object({ activeTargets: z.array(z.object({ health: z.string() })) }) })

async function scraped(url: string, { targets, users }: PrometheusOptions): Promise<void> {
  if (users !== undefined) throw new Error('a Prometheus that asks for a password does not tell its targets here')
  const limit = performance.now() + startLimitMs
  for (;;) {
    const response = await fetch(`${url}/api/v1/targets`)
    const { activeTargets } = Targets.parse(await response.json()).data
    const up = activeTargets.filter(({ health }) => health === 'up').length
    if (up === targets.length) return
    if (performance.now() > limit) throw new Error(`Prometheus scraped ${up} of ${targets.length} targets`)
    await sleep(50)
  }
}
