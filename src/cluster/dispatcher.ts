import { Agent, type Dispatcher, ProxyAgent } from 'undici'
import { Problem } from '../lib/problem.ts'
import type { Tls } from './kubeconfig.ts'

/** Pooled connections to one server: few for requests, one more for each open watch. */
export interface Connections {
  readonly requests: Dispatcher
  readonly watches: Dispatcher
}

/** Keeps connections open between requests and opens new ones only when the TLS settings change. */
export interface ConnectionPool {
  for(tls: Tls): Connections
  close(): Promise<void>
}

/** At most this many requests run at once; more wait their turn. Watches do not count. */
const requestConnections = 8

/** A pool, through a proxy where the kubeconfig names one. Throws a Problem (`stalled`) for proxies that are not spoken. */
export function createConnectionPool(proxyUrl: string | undefined): ConnectionPool {
  if (proxyUrl !== undefined && !/^https?:/.test(proxyUrl)) {
    throw new Problem({
      kind: 'stalled',
      code: 'KUBECONFIG_INVALID',
      message: 'the proxy-url of the kubeconfig is no http or https proxy',
      hint: 'use an HTTP proxy, or a tunnel to the API server on this machine',
    })
  }
  let current: { readonly key: string; readonly connections: Connections } | undefined

  async function retire({ requests, watches }: Connections): Promise<void> {
    await requests.close()
    await watches.close()
  }

  return {
    for: (tls) => {
      const key = JSON.stringify(tls)
      if (current?.key === key) return current.connections
      const old = current?.connections
      current = {
        key,
        connections: { requests: open(tls, proxyUrl, requestConnections), watches: open(tls, proxyUrl, null) },
      }
      // Running requests and watches on the old connections end by themselves, and no later than their own deadlines.
      if (old !== undefined) retire(old).catch(() => undefined)
      return current.connections
    },
    close: async () => {
      const old = current?.connections
      current = undefined
      await Promise.all([old?.requests.destroy(), old?.watches.destroy()])
    },
  }
}

function open(tls: Tls, proxyUrl: string | undefined, connections: number | null): Dispatcher {
  // Load balancers drop idle connections after a minute or more; half of that keeps them and notices a dead peer.
  const keepAlive = { keepAlive: true, keepAliveInitialDelay: 30_000 }
  const limits = { connections, keepAliveTimeout: 30_000, connectTimeout: 10_000 }
  if (proxyUrl === undefined) return new Agent({ ...limits, connect: { ...tls, ...keepAlive } })
  return new ProxyAgent({ ...limits, uri: proxyUrl, requestTls: { ...tls, ...keepAlive } })
}
