import type { ApiRequest, ApiResponse, KubeTransport, WatchAnswer, WatchLine } from '../../cluster/transport.ts'
import type { Clock } from '../../lib/clock.ts'
import { timestamp } from '../../lib/clock.ts'
import type { KubeObject } from '../../lib/kube-object.ts'
import { Problem } from '../../lib/problem.ts'
import type { ApiContext, Reply, ServerRequest } from './api/context.ts'
import { handle, isWatch, watch } from './api/dispatch.ts'
import { serve } from './api/served.ts'
import type { WatchSink } from './api/watch.ts'
import { startControllers } from './controllers/start.ts'
import { freeze } from './document.ts'
import { Registry } from './registry.ts'
import { Store } from './store.ts'
import type { Change } from './store.ts'

/** What happens to one request on its way: nothing, a made-up answer, or no answer before or after it was done. */
export type Interception = 'pass' | { readonly fail: ApiResponse } | { readonly drop: 'before' | 'after' }

/** How an embedded cluster is set up. */
export interface ClusterSettings {
  readonly clock: Clock
  /** Seeded, in [0, 1): names, uids and addresses come from it, so that a run can be repeated exactly. */
  readonly random: () => number
  /** How long a pod takes to become ready, in milliseconds; 400 when absent. */
  readonly podStartMs?: number
  /** The version of autoscalers beside v1; `v2` when absent. */
  readonly autoscaling?: 'v2' | 'v2beta2'
  /** How many changes watches can replay; 5000 when absent. */
  readonly historyLimit?: number
  /** Faults to inject; asked once for every request and watch of the transport. */
  readonly intercept?: (request: ApiRequest) => Interception
}

/** A Kubernetes API server and its controllers inside the process. */
export interface EmbeddedCluster {
  readonly transport: KubeTransport
  /** The objects of a kind, ordered by namespace and name; they are frozen. Empty for a kind that the server does not know. */
  list(apiVersion: string, kind: string, namespace?: string): readonly KubeObject[]
  /** Calls back after every change until the returned function is called. The callback must not throw. */
  onChange(listener: (change: Change) => void): () => void
  /** Answers one request of a socket. */
  serve(request: ServerRequest): Reply
  /** Opens a watch for a socket: a refusal, or what stops it. */
  serveWatch(request: ServerRequest, sink: WatchSink): Reply | (() => void)
  /** Forgets the past: watches that start before now are answered 410 Gone. */
  compact(): void
  /** Stops the controllers and ends all watches of the transport. */
  stop(): void
}

/** Starts a cluster with the namespaces `default` and `kube-system` and one node. */
export function createEmbeddedCluster(settings: ClusterSettings): EmbeddedCluster {
  const context = createContext(settings)
  const stopControllers = startControllers(context, { podStartMs: settings.podStartMs ?? 400 })
  const open = new Set<() => void>()
  return {
    transport: createTransport(context, settings, open),
    list: (apiVersion, kind, namespace) => {
      const known = context.registry.ofObject(apiVersion, kind)
      if (known === undefined) return []
      const stored = context.store.list(known.storeKey, namespace)
      return known.convert === undefined ? stored : stored.map((object) => serve(object, known))
    },
    onChange: (listener) => context.store.onChange(listener),
    serve: (request) => handle(context, request),
    serveWatch: (request, sink) => watch(context, request, sink),
    compact: () => context.store.compact(),
    stop: () => {
      stopControllers()
      for (const end of open) end()
    },
  }
}

function createContext(settings: ClusterSettings): ApiContext {
  const { clock, random } = settings
  let address = 0
  let made = 0
  const next = (): number => (made += 1)
  return {
    store: new Store(settings.historyLimit ?? 5000),
    registry: new Registry(settings.autoscaling ?? 'v2'),
    clock,
    timestamp: () => timestamp(clock.now()),
    newUid: () => uuid(random, next()),
    newSuffix: () => {
      const number = next()
      const digits = [random() * 27, random() * 27, number, number / 27, number / 27 ** 2]
      return digits.map((digit) => letters[Math.floor(digit) % 27] ?? '').join('')
    },
    allocateIp: () => {
      address += 1
      return `10.96.${Math.floor(address / 250) % 256}.${(address % 250) + 1}`
    },
  }
}

// Without vowels and the signs that look like them, as Kubernetes has it.
const letters = 'bcdfghjklmnpqrstvwxz2456789'

// A count in the end keeps uids and names apart even where chance is not: a pod that took another's name would never rest.
function uuid(random: () => number, number: number): string {
  const hex = (digits: number): string =>
    Math.floor(random() * 16 ** digits)
      .toString(16)
      .padStart(digits, '0')
  const variant = (8 + Math.floor(random() * 4)).toString(16)
  return `${hex(8)}-${hex(4)}-4${hex(3)}-${variant}${hex(3)}-${hex(4)}${number.toString(16).padStart(8, '0')}`
}

function createTransport(context: ApiContext, settings: ClusterSettings, open: Set<() => void>): KubeTransport {
  const decide = (request: ApiRequest): Interception => settings.intercept?.(request) ?? 'pass'
  return {
    send: async (request) => {
      request.signal?.throwIfAborted()
      const decision = decide(request)
      if (decision === 'pass') return perform(context, request)
      if ('fail' in decision) return decision.fail
      if (decision.drop === 'after') perform(context, request)
      throw lost(request)
    },
    watch: async (request): Promise<WatchAnswer> => {
      request.signal?.throwIfAborted()
      const decision = decide(request)
      if (decision !== 'pass') {
        if ('fail' in decision) return { kind: 'refused', response: decision.fail }
        throw lost(request)
      }
      const stream = new LineStream()
      const path = isWatch(request) ? request.path : `${request.path}${request.path.includes('?') ? '&' : '?'}watch=1`
      const started = watch(context, { ...request, path }, stream)
      if (typeof started !== 'function') return { kind: 'refused', response: responseOf(started) }
      const close = (): void => {
        started()
        stream.end()
        open.delete(close)
      }
      open.add(close)
      stream.onEnd = () => open.delete(close)
      stream.onLeave = close
      request.signal?.addEventListener('abort', () => {
        started()
        open.delete(close)
        const reason: unknown = request.signal?.reason
        stream.fail(reason instanceof Error ? reason : new Error('aborted'))
      })
      return { kind: 'stream', lines: stream }
    },
  }
}

function lost(request: ApiRequest): Problem {
  return new Problem({
    kind: 'retry',
    code: 'K8S_NO_ANSWER',
    message: `no answer from the embedded cluster to ${request.method}`,
    place: request.path,
  })
}

function perform(context: ApiContext, request: ApiRequest): ApiResponse {
  return responseOf(handle(context, { userAgent: 'serin', ...request }))
}

function responseOf(reply: Reply): ApiResponse {
  const retryAfterMs = reply.retryAfterSeconds === undefined ? {} : { retryAfterMs: reply.retryAfterSeconds * 1000 }
  return { status: reply.status, body: freeze(reply.body), ...retryAfterMs }
}

/** The lines of one watch: kept until somebody reads them. */
class LineStream implements WatchSink, AsyncIterable<WatchLine> {
  onEnd: () => void = () => {}
  onLeave: () => void = () => {}
  private readonly waiting: WatchLine[] = []
  private wake: (() => void) | undefined
  private outcome: 'open' | 'ended' | Error = 'open'

  line(line: WatchLine): void {
    if (this.outcome !== 'open') return
    this.waiting.push(line)
    this.wake?.()
  }

  end(): void {
    if (this.outcome === 'open') this.outcome = 'ended'
    this.onEnd()
    this.wake?.()
  }

  /** Breaks the stream: who reads it gets the error, lines that wait are lost, as on a broken connection. */
  fail(error: Error): void {
    if (this.outcome === 'open') this.outcome = error
    this.waiting.length = 0
    this.wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncIterator<WatchLine> {
    try {
      for (;;) {
        const next = this.waiting.shift()
        if (next !== undefined) yield next
        else if (this.outcome === 'ended') return
        else if (this.outcome !== 'open') throw this.outcome
        else await this.arrival()
      }
    } finally {
      this.onLeave()
    }
  }

  private async arrival(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.wake = resolve
    })
    this.wake = undefined
  }
}
