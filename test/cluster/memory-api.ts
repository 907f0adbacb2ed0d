import { type Json, type JsonObject, isObject, stringAt } from '../../src/lib/json.ts'
import type { ApiRequest, ApiResponse, KubeTransport, WatchAnswer, WatchLine } from '../../src/cluster/transport.ts'

type Answer = (request: ApiRequest) => ApiResponse | Promise<ApiResponse> | undefined

interface OpenWatch {
  readonly prefix: string
  push(line: WatchLine | undefined): void
  fail(error: Error): void
}

/** A few resources of a cluster in memory: only what tests of failures need, with answers that can be replaced. */
export class MemoryApi implements KubeTransport {
  /** Method and path of every request. */
  readonly requests: string[] = []
  /** Asked first; an answer of its own wins. */
  before: Answer = () => undefined
  readonly objects = new Map<string, JsonObject>()
  readonly watches = new Set<OpenWatch>()
  version = 100
  readonly served: Record<string, readonly (readonly [kind: string, plural: string])[]> = {
    '/api/v1': [
      ['Service', 'services'],
      ['ConfigMap', 'configmaps'],
      ['Event', 'events'],
    ],
    '/apis/apps/v1': [['Deployment', 'deployments']],
    '/apis/flagger.app/v1beta1': [['Canary', 'canaries']],
  }

  async send(request: ApiRequest): Promise<ApiResponse> {
    this.requests.push(`${request.method} ${request.path}`)
    request.signal?.throwIfAborted()
    const own = await this.before(request)
    if (own !== undefined) return own
    const path = request.path.split('?')[0] ?? ''
    const kinds = this.served[path]
    if (kinds !== undefined) {
      const resources = kinds.map(([kind, name]) => ({ kind, name, namespaced: true }))
      return { status: 200, body: { kind: 'APIResourceList', resources } }
    }
    if (request.method === 'GET') return this.#read(path)
    return this.#write(request, path)
  }

  async watch(request: ApiRequest): Promise<WatchAnswer> {
    this.requests.push(`WATCH ${request.path}`)
    const refused = await this.before(request)
    if (refused !== undefined) return { kind: 'refused', response: refused }
    const waiting: (WatchLine | Error | undefined)[] = []
    let wake = (): void => undefined
    const arrive = (item: WatchLine | Error | undefined): void => {
      waiting.push(item)
      wake()
    }
    const open: OpenWatch = { prefix: request.path.split('?')[0] ?? '', push: arrive, fail: arrive }
    this.watches.add(open)
    request.signal?.addEventListener('abort', () => arrive(new Error('aborted')))
    const watches = this.watches
    async function* lines(): AsyncGenerator<WatchLine> {
      try {
        for (;;) {
          while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve))
          const item = waiting.shift()
          if (item === undefined) return
          if (item instanceof Error) throw item
          yield item
        }
      } finally {
        watches.delete(open)
      }
    }
    return { kind: 'stream', lines: lines() }
  }

  /** Puts an object in, as if somebody else wrote it, and tells the watches. */
  put(collection: string, object: JsonObject): JsonObject {
    this.version += 1
    const metadata = isObject(object['metadata']) ? object['metadata'] : {}
    const path = `${collection}/${stringAt(object, 'metadata', 'name') ?? ''}`
    const known = this.objects.get(path)
    const uid = metadata['uid'] ?? (isObject(known?.['metadata']) ? known['metadata']['uid'] : `uid-${this.version}`)
    const stored = { ...object, metadata: { ...metadata, uid, resourceVersion: String(this.version) } }
    this.objects.set(path, stored)
    this.tell(collection, { type: known === undefined ? 'ADDED' : 'MODIFIED', object: stored })
    return stored
  }

  remove(path: string): void {
    const known = this.objects.get(path)
    if (known === undefined) return
    this.version += 1
    this.objects.delete(path)
    const metadata = isObject(known['metadata']) ? known['metadata'] : {}
    const object = { ...known, metadata: { ...metadata, resourceVersion: String(this.version) } }
    this.tell(path.slice(0, path.lastIndexOf('/')), { type: 'DELETED', object })
  }

  tell(collection: string, line: WatchLine): void {
    for (const watch of this.watches) {
      const everywhere = collection.replace(/\/namespaces\/[^/]+/, '')
      if (watch.prefix === collection || watch.prefix === everywhere) watch.push(line)
    }
  }

  #read(path: string): ApiResponse {
    const one = this.objects.get(path)
    if (one !== undefined) return { status: 200, body: one }
    const plural = Object.values(this.served).some((kinds) => kinds.some(([, name]) => path.endsWith(`/${name}`)))
    if (!plural) return { status: 404, body: { kind: 'Status', message: `${path} not found`, reason: 'NotFound' } }
    const everywhere = (key: string): string => key.replace(/\/namespaces\/[^/]+/, '')
    const items: Json[] = []
    for (const [key, object] of this.objects) {
      const collection = key.slice(0, key.lastIndexOf('/'))
      if (collection === path || everywhere(collection) === path) items.push(object)
    }
    return { status: 200, body: { kind: 'List', metadata: { resourceVersion: String(this.version) }, items } }
  }

  #write(request: ApiRequest, path: string): ApiResponse {
    if (request.method === 'DELETE') {
      const known = this.objects.has(path)
      this.remove(path)
      return { status: known ? 200 : 404, body: { kind: 'Status', status: known ? 'Success' : 'Failure' } }
    }
    const body = isObject(request.body) ? request.body : {}
    const collection = request.method === 'POST' ? path : path.slice(0, path.lastIndexOf('/'))
    return { status: request.method === 'POST' ? 201 : 200, body: this.put(collection, body) }
  }
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve))
}
