import { createSocket } from 'node:dgram'
import { existsSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { component } from '../control-plane/component.ts'
import { until } from './until.ts'

/** One request that the proxy has answered. */
export interface ProxiedRequest {
  /** The Service that it was routed to. */
  readonly service: string
  readonly status: number
  readonly durationMs: number
}

export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** A running haproxy: clients on one side, two groups of pods on the other. */
export interface Proxy {
  /** Where clients go. */
  readonly url: string
  /** Divides the requests between Services; the weights of all of them. */
  setWeights(weights: ReadonlyMap<string, number>): Promise<void>
  /** The pods behind a Service. */
  setEndpoints(service: string, endpoints: readonly Endpoint[]): Promise<void>
}

const PORTS = { clients: 8000, log: 8514, firstService: 8001 } as const
const SLOTS = 8

/**
 * Starts haproxy in front of Services that have no pods and no weight yet. Each Service is a listener of its own behind
 * the clients', so that a weight is exactly that of its Service, however many pods it has. `onRequest` is told of each
 * request by haproxy's own log.
 */
export async function startProxy(
  directory: string,
  services: readonly string[],
  onRequest: (request: ProxiedRequest) => void,
): Promise<Proxy> {
  const log = createSocket('udp4')
  log.on('message', (line) => {
    const [service, status, ms] = line.toString('latin1').trim().split(' ')
    if (service !== undefined) onRequest({ service, status: Number(status), durationMs: Number(ms) })
  })
  await new Promise<void>((resolve) => log.bind(PORTS.log, '127.0.0.1', resolve))
  const socket = join(directory, 'haproxy.sock')
  const config = join(directory, 'haproxy.cfg')
  writeFileSync(config, configuration(socket, services))
  const haproxy = component('haproxy', 'haproxy', ['-db', '-f', config], directory)
  haproxy.start()
  await until('haproxy answers', 10_000, () => existsSync(socket), haproxy)
  const order = (commands: readonly string[]): Promise<void> => command(socket, commands)
  const weights = new Map(services.map((service) => [service, 0]))
  const slots = new Map(
    services.map((service) => [service, Array.from({ length: SLOTS }, (): string | undefined => undefined)]),
  )
  return {
    url: `http://127.0.0.1:${PORTS.clients}`,
    async setWeights(wanted) {
      // What rises first: were all at zero for a moment, requests would find no server.
      const changes = [...wanted]
        .filter(([service, weight]) => weights.get(service) !== weight)
        .toSorted(([one, a], [other, b]) => b - (weights.get(other) ?? 0) - (a - (weights.get(one) ?? 0)))
      await order(changes.map(([service, weight]) => `set server clients/${service} weight ${weight}`))
      for (const [service, weight] of changes) weights.set(service, weight)
    },
    async setEndpoints(service, endpoints) {
      const taken = slots.get(service)
      if (taken === undefined) throw new Error(`the proxy has no Service ${service}`)
      const commands = changesOf(service, taken, endpoints)
      await order(commands)
    },
  }
}

/** The commands that bring pods in and then take out those that are gone; `taken` says afterwards who has which slot. */
function changesOf(service: string, taken: (string | undefined)[], endpoints: readonly Endpoint[]): readonly string[] {
  const wanted = new Map(endpoints.map((endpoint) => [`${endpoint.address}:${endpoint.port}`, endpoint]))
  const gone = taken.flatMap((key, slot) => (key === undefined || wanted.has(key) ? [] : [slot]))
  const come = [...wanted].filter(([key]) => !taken.includes(key))
  const commands: string[] = []
  for (const [key, { address, port }] of come) {
    const slot = taken.indexOf(undefined)
    if (slot < 0) throw new Error(`${service} has more than ${SLOTS} pods`)
    taken[slot] = key
    commands.push(`set server ${service}/pod${slot + 1} addr ${address} port ${port}`)
    commands.push(`set server ${service}/pod${slot + 1} state ready`)
  }
  for (const slot of gone) {
    taken[slot] = undefined
    commands.push(`set server ${service}/pod${slot + 1} state maint`)
  }
  return commands
}

/** Commands in one line are carried out one after the other; each that fails says why, the others say nothing. */
async function command(socket: string, commands: readonly string[]): Promise<void> {
  if (commands.length === 0) return
  const answer = await new Promise<string>((resolve, reject) => {
    let text = ''
    const connection = createConnection(socket, () => connection.write(`${commands.join('; ')}\n`))
    connection.setEncoding('utf8').on('data', (part: string) => (text += part))
    connection.once('end', () => resolve(text)).once('error', reject)
    connection.setTimeout(5000, () => connection.destroy(new Error('haproxy does not answer')))
  })
  const complaints = answer
    .split('\n')
    .filter((line) => line !== '' && !/^(no need to change|IP changed|port changed)/.test(line))
  if (complaints.length > 0) throw new Error(`haproxy: ${complaints.join(' ')}`)
}

function configuration(socket: string, services: readonly string[]): string {
  const listeners = services.map(
    (service, index) => `
frontend ${service}
  bind 127.0.0.1:${PORTS.firstService + index}
  log 127.0.0.1:${PORTS.log} format raw local0
  log-format "%ft %ST %Ta"
  default_backend ${service}
backend ${service}
  balance roundrobin
  server-template pod 1-${SLOTS} 127.0.0.1:9 disabled
`,
  )
  const servers = services.map((name, index) => `  server ${name} 127.0.0.1:${PORTS.firstService + index} weight 0\n`)
  return `global
  stats socket ${socket} mode 600 level admin
  maxconn 2000
  nbthread 1
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  # A connection that a pod refuses is tried again, as every mesh does; an answer is never asked for twice.
  retries 3
  option redispatch
frontend clients
  bind 127.0.0.1:${PORTS.clients}
  default_backend clients
backend clients
  balance roundrobin
${servers.join('')}${listeners.join('')}`
}
