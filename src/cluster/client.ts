import { type Json, type JsonObject, at, isObject, stringAt } from '../lib/json.ts'
import { type KubeObject, type ObjectRef, describeRef, refOf } from '../lib/kube-object.ts'
import { Problem } from '../lib/problem.ts'
import { apiProblem, isKindGone } from './api-problem.ts'
import { type ApiResource, type KindRef, createDiscovery, kindMissing } from './discovery.ts'
import { asKubeObject } from './kube-json.ts'
import type { ApiRequest, ApiResponse, KubeTransport, WatchAnswer } from './transport.ts'

/** One whole list: its objects and the version to watch from. */
export interface ObjectList {
  readonly items: readonly KubeObject[]
  readonly resourceVersion: string
}

export interface ListOptions {
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export interface WatchOptions {
  readonly namespace?: string | undefined
  readonly resourceVersion: string
  readonly signal?: AbortSignal | undefined
}

export interface ApplyOptions {
  readonly fieldManager: string
  /** Take fields over from other managers. Without it their conflict is a Problem CLUSTER_CONFLICT. */
  readonly force: boolean
  /** Only if the object still has this version; otherwise CLUSTER_CONFLICT. */
  readonly resourceVersion?: string | undefined
  readonly subresource?: 'status' | undefined
}

export interface PatchOptions {
  readonly type: 'merge' | 'json'
  readonly body: Json
  readonly fieldManager: string
  readonly subresource?: 'status' | 'scale' | undefined
}

export interface DeleteOptions {
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan' | undefined
  /** Only the object with this uid. */
  readonly uid?: string | undefined
}

/**
 * Requests for whole objects as plain JSON, so that no field is lost on the way. Every refusal is a Problem that names
 * the object (see `apiProblem`); a kind that the cluster does not serve is CLUSTER_KIND_MISSING.
 */
export interface Client {
  /** Whether the cluster serves a kind. */
  serves(kind: KindRef): Promise<boolean>
  /** The object, or undefined when there is none. */
  get(ref: ObjectRef): Promise<KubeObject | undefined>
  /** All objects of a kind, read in pages of 500. */
  list(kind: KindRef, options?: ListOptions): Promise<ObjectList>
  create(object: KubeObject, options: { readonly fieldManager: string }): Promise<KubeObject>
  /** Writes the whole object; with `metadata.resourceVersion` only over that version. */
  replace(object: KubeObject, options: { readonly fieldManager: string }): Promise<KubeObject>
  /** Deletes the object. The answer is what is left of it while finalizers or dependants hold it, else undefined. */
  delete(ref: ObjectRef, options?: DeleteOptions): Promise<KubeObject | undefined>
  patch(ref: ObjectRef, options: PatchOptions): Promise<KubeObject>
  /** Server-side apply. */
  apply(object: KubeObject, options: ApplyOptions): Promise<KubeObject>
  /** Opens a watch with bookmarks. */
  watch(kind: KindRef, options: WatchOptions): Promise<WatchAnswer>
}

const pageSize = 500

/** A client over a transport. It keeps no state but the discovered kinds. */
export function createClient(transport: KubeTransport): Client {
  const discovery = createDiscovery(transport)

  async function resourceOf(kind: KindRef): Promise<ApiResource> {
    const found = await discovery.find(kind)
    if (found === undefined) throw kindMissing(kind)
    return found
  }

  async function pathOf(ref: ObjectRef, subresource?: string): Promise<string> {
    const resource = await resourceOf(ref)
    const path = `${collectionPath(resource, namespaceFor(resource, ref))}/${encodeURIComponent(ref.name)}`
    return subresource === undefined ? path : `${path}/${subresource}`
  }

  async function write(verb: string, ref: ObjectRef, request: ApiRequest): Promise<KubeObject> {
    const response = await transport.send(request)
    if (response.status === 404) discovery.forget(ref.apiVersion)
    return objectOf(response, verb, ref)
  }

  return {
    serves: async (kind) => (await discovery.find(kind)) !== undefined,
    get: async (ref) => {
      const response = await transport.send({ method: 'GET', path: await pathOf(ref) })
      if (isKindGone(response)) discovery.forget(ref.apiVersion)
      else if (response.status === 404) return undefined
      return objectOf(response, 'get', ref)
    },
    list: async (kind, options = {}) => {
      const path = collectionPath(await resourceOf(kind), options.namespace)
      const pages = { transport, kind, path, forget: () => discovery.forget(kind.apiVersion) }
      return listPages(pages, options)
    },
    create: async (object, { fieldManager }) => {
      const ref = refOf(object)
      const resource = await resourceOf(ref)
      const path = `${collectionPath(resource, namespaceFor(resource, ref))}${query({ fieldManager })}`
      return write('create', ref, { method: 'POST', path, body: asJson(object) })
    },
    replace: async (object, { fieldManager }) => {
      const ref = refOf(object)
      const path = `${await pathOf(ref)}${query({ fieldManager })}`
      return write('update', ref, { method: 'PUT', path, body: asJson(object) })
    },
    delete: async (ref, options = {}) => {
      const response = await transport.send({ method: 'DELETE', path: await pathOf(ref), body: deleteBody(options) })
      if (isKindGone(response)) discovery.forget(ref.apiVersion)
      else if (response.status === 404) return undefined
      if (!isSuccess(response)) throw apiProblem(response, { verb: 'delete', object: describeRef(ref) })
      return stringAt(response.body, 'kind') === ref.kind ? asKubeObject(response.body, ref) : undefined
    },
    patch: async (ref, { type, body, fieldManager, subresource }) => {
      const path = `${await pathOf(ref, subresource)}${query({ fieldManager })}`
      const contentType = `application/${type === 'merge' ? 'merge' : 'json'}-patch+json`
      return write('patch', ref, { method: 'PATCH', path, body, contentType })
    },
    apply: async (object, { fieldManager, force, resourceVersion, subresource }) => {
      const ref = refOf(object)
      const path = `${await pathOf(ref, subresource)}${query({ fieldManager, force: String(force) })}`
      const body = asJson(
        resourceVersion === undefined ? object : { ...object, metadata: { ...object.metadata, resourceVersion } },
      )
      return write('patch', ref, { method: 'PATCH', path, body, contentType: 'application/apply-patch+yaml' })
    },
    watch: async (kind, { namespace, resourceVersion, signal }) => {
      const collection = collectionPath(await resourceOf(kind), namespace)
      const path = `${collection}${query({ watch: '1', allowWatchBookmarks: 'true', resourceVersion })}`
      const answer = await transport.watch({ method: 'GET', path, ...(signal === undefined ? {} : { signal }) })
      if (answer.kind === 'refused' && answer.response.status === 404) discovery.forget(kind.apiVersion)
      return answer
    },
  }
}

function collectionPath(resource: ApiResource, namespace: string | undefined): string {
  const middle = resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${resource.root}${middle}/${resource.plural}`
}

function namespaceFor(resource: ApiResource, ref: ObjectRef): string | undefined {
  if (!resource.namespaced || ref.namespace !== undefined) return ref.namespace
  throw new Problem({
    kind: 'bug',
    code: 'CLUSTER_NAMESPACE_UNSET',
    message: `no namespace given for ${describeRef(ref)}`,
  })
}

function query(parameters: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`
}

function deleteBody({ propagation = 'Background', uid }: DeleteOptions): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    propagationPolicy: propagation,
    ...(uid === undefined ? {} : { preconditions: { uid } }),
  }
}

function asJson(object: KubeObject): Json {
  // A KubeObject is plain JSON whose unknown fields are typed `unknown`.
  return object as JsonObject
}

function isSuccess(response: ApiResponse): boolean {
  return response.status >= 200 && response.status < 300
}

function objectOf(response: ApiResponse, verb: string, ref: ObjectRef): KubeObject {
  if (!isSuccess(response)) throw apiProblem(response, { verb, object: describeRef(ref) })
  return asKubeObject(response.body, ref)
}

interface Pages {
  readonly transport: KubeTransport
  readonly kind: KindRef
  readonly path: string
  readonly forget: () => void
}

async function listPages(
  { transport, kind, path, forget }: Pages,
  { labelSelector, signal }: ListOptions,
): Promise<ObjectList> {
  const items: KubeObject[] = []
  let token: string | undefined
  let limit: string | undefined = String(pageSize)
  for (;;) {
    const request = { method: 'GET' as const, path: `${path}${query({ labelSelector, limit, continue: token })}` }
    const response = await transport.send(signal === undefined ? request : { ...request, signal })
    if (response.status === 410 && token !== undefined) {
      // The list is older than the server remembers: read it again in one piece.
      items.length = 0
      token = undefined
      limit = undefined
      continue
    }
    if (response.status === 404) forget()
    const page = at(response.body, 'items')
    if (!isSuccess(response) || !(Array.isArray(page) || page === null)) {
      throw apiProblem(response, { verb: 'list', object: kind.kind })
    }
    for (const item of page ?? [])
      items.push(asKubeObject(isObject(item) ? { apiVersion: kind.apiVersion, kind: kind.kind, ...item } : item, kind))
    token = stringAt(response.body, 'metadata', 'continue')
    if (token === undefined || token === '') {
      return { items, resourceVersion: stringAt(response.body, 'metadata', 'resourceVersion') ?? '' }
    }
  }
}
