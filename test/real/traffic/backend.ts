import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { LivePod, Pods } from './pods.ts'

/** How a version of the application answers. */
export interface Behaviour {
  /** The share of requests that it answers with 500, drawn by lot. */
  readonly errorShare: number
  readonly delayMs: number
}

/** A request that a pod has answered. */
export interface Served {
  readonly pod: LivePod
  readonly status: number
  readonly durationMs: number
}

export interface BackendOptions {
  readonly side: 'primary' | 'canary'
  readonly pods: Pods
  readonly behaviourOf: (version: string) => Behaviour
  /** In [0, 1). */
  readonly random: () => number
  readonly onServed: (served: Served) => void
}

/** Plays the pods of one side behind the proxy. */
export interface Backend {
  readonly port: number
  /** How many requests came while there was no pod to take them; they were answered 503. */
  unserved(): number
  /** How many requests each version answered. */
  readonly served: ReadonlyMap<string, number>
  close(): Promise<void>
}

/** Serves on a free port of 127.0.0.1, each request as the pod whose turn it is, as its version behaves. */
export async function startBackend({ side, pods, behaviourOf, random, onServed }: BackendOptions): Promise<Backend> {
  const served = new Map<string, number>()
  let unserved = 0
  const server = createServer((request, response) => {
    const startMs = performance.now()
    request.resume()
    const pod = pods.next()
    const headers = { 'x-side': side, 'content-type': 'text/plain' }
    if (pod === undefined) {
      unserved += 1
      return void response.writeHead(503, headers).end('no pod\n')
    }
    const { errorShare, delayMs } = behaviourOf(pod.version)
    const status = random() < errorShare ? 500 : 200
    const answer = (): void => {
      served.set(pod.version, (served.get(pod.version) ?? 0) + 1)
      onServed({ pod, status, durationMs: performance.now() - startMs })
      response.writeHead(status, { ...headers, 'x-version': pod.version }).end(`${pod.name}\n`)
    }
    if (delayMs === 0) answer()
    else setTimeout(answer, delayMs)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    unserved: () => unserved,
    served,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
