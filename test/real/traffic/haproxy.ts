import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../../src/playground/free-port.ts'
import { component, type Component } from '../../cluster/control-plane/component.ts'

/** Weights from 0 to 100. */
export interface Weights {
  readonly primary: number
  readonly canary: number
}

/** A real haproxy before two servers, in a process of its own. */
export interface Haproxy {
  /** Where clients go. */
  readonly url: string
  /** What was set last; nothing gets traffic at first. */
  readonly weights: Weights
  /** Resolves when the running haproxy divides requests in this way. At no moment both weights are 0, unless that is asked for. */
  setWeights(weights: Weights): Promise<void>
  close(): Promise<void>
}

const START_LIMIT_MS = 10_000
const ANSWER_LIMIT_MS = 5000

/** Starts the `haproxy` of the PATH on a free port of 127.0.0.1 before two ports. Ask `needs('haproxy')` first. */
export async function startHaproxy(ports: Weights): Promise<Haproxy> {
  const directory = await mkdtemp(join(tmpdir(), 'serin-haproxy-'))
  const socket = join(directory, 'admin.sock')
  const config = join(directory, 'haproxy.cfg')
  const port = await freePort()
  await writeFile(config, configuration(socket, port, ports))
  // By its whole path where the search path of a user who is not root leaves it out.
  const program = existsSync('/usr/sbin/haproxy') ? '/usr/sbin/haproxy' : 'haproxy'
  const haproxy = component('haproxy', program, ['-db', '-f', config], directory)
  const close = async (): Promise<void> => {
    await haproxy.stop()
    await rm(directory, { recursive: true, force: true })
  }
  haproxy.start()
  try {
    await untilListening(haproxy, socket)
  } catch (error) {
    await close()
    throw error
  }
  let weights: Weights = { primary: 0, canary: 0 }
  return {
    url: `http://127.0.0.1:${port}`,
    get weights() {
      return weights
    },
    async setWeights(wanted) {
      const servers = ['primary', 'canary'] as const
      // What rises first: were both at 0 for a moment, requests would find no server.
      const order = servers.toSorted((one, other) => wanted[other] - weights[other] - (wanted[one] - weights[one]))
      await command(
        socket,
        order.map((server) => `set server app/${server} weight ${wanted[server]}`),
      )
      weights = wanted
    },
    close,
  }
}

async function untilListening(haproxy: Component, socket: string): Promise<void> {
  const endMs = performance.now() + START_LIMIT_MS
  while (!existsSync(socket)) {
    if (haproxy.pid() === undefined || performance.now() > endMs) {
      throw new Error(`haproxy does not start:\n${haproxy.lastWords()}`)
    }
    await sleep(10)
  }
}

/** Commands in one line are carried out one after the other; each that fails says why, the others say nothing. */
async function command(socket: string, commands: readonly string[]): Promise<void> {
  const answer = await new Promise<string>((resolve, reject) => {
    let text = ''
    const connection = createConnection(socket, () => connection.write(`${commands.join('; ')}\n`))
    connection.setEncoding('utf8').on('data', (part: string) => (text += part))
    connection.once('end', () => resolve(text)).once('error', reject)
    connection.setTimeout(ANSWER_LIMIT_MS, () => connection.destroy(new Error('haproxy does not answer')))
  })
  if (answer.trim() !== '') throw new Error(`haproxy: ${answer.trim()}`)
}

/** No request is tried a second time, so that none that is lost goes unseen. */
function configuration(socket: string, port: number, servers: Weights): string {
  return `global
  stats socket ${socket} mode 600 level admin
  maxconn 1000
  nbthread 1
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  retries 0
frontend clients
  bind 127.0.0.1:${port}
  default_backend app
backend app
  balance roundrobin
  server primary 127.0.0.1:${servers.primary} weight 0
  server canary 127.0.0.1:${servers.canary} weight 0
`
}
