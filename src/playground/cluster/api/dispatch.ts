import type { Json } from '../../../lib/json.ts'
import { at, isObject, stringAt } from '../../../lib/json.ts'
import type { Kind } from '../kinds/kind.ts'
import type { StoredObject } from '../store.ts'
import { mediaType, readBody, readJson } from './body.ts'
import { wrong } from './causes.ts'
import type { ApiContext, Reply, ServerRequest } from './context.ts'
import { coreVersions, groupDocument, groupList, resourceList, version } from './discovery.ts'
import {
  ApiFailure,
  badRequest,
  invalid,
  notAcceptable,
  pretended,
  unknownPath,
  unknownResource,
  wrongMethod,
} from './failure.ts'
import { openApiDocument, openApiIndex } from './open-api.ts'
import { writeOptions } from './options.ts'
import { patch } from './patch.ts'
import { listBody, listObjects } from './read.ts'
import { deleteOptions, remove } from './remove.ts'
import { findRoute } from './route.ts'
import type { Route } from './route.ts'
import { scale } from './scale.ts'
import { serve } from './served.ts'
import { partialMetadata, tableBody } from './table.ts'
import { startWatch } from './watch.ts'
import type { WatchSink } from './watch.ts'
import { create, find, replace } from './write.ts'

interface Call {
  readonly context: ApiContext
  readonly request: ServerRequest
  readonly query: URLSearchParams
}

const noQuery = new URLSearchParams()

function parse(path: string): readonly [string, URLSearchParams] {
  const mark = path.indexOf('?')
  return mark < 0 ? [path, noQuery] : [path.slice(0, mark), new URLSearchParams(path.slice(mark + 1))]
}

/** Answers a request that is no watch. */
export function handle(context: ApiContext, request: ServerRequest): Reply {
  try {
    const [path, query] = parse(request.path)
    return answer(findRoute(path, context.registry), { context, request, query })
  } catch (error) {
    return refusal(error)
  }
}

// A path or a body that can't be parsed at all is the client's fault; anything else that was thrown is ours.
function refusal(error: unknown): Reply {
  if (error instanceof URIError || error instanceof SyntaxError) return refusal(badRequest(error.message))
  if (!(error instanceof ApiFailure)) throw error
  const retry = error.status === 504 ? { retryAfterSeconds: 1 } : {}
  return { status: error.status, body: error.body, ...retry }
}

/** True for a request that opens a watch. */
export function isWatch(request: ServerRequest): boolean {
  const [, query] = parse(request.path)
  const asked = query.get('watch')
  return request.method === 'GET' && (asked === '1' || asked === 'true')
}

/** Opens a watch, or says why not. */
export function watch(context: ApiContext, request: ServerRequest, sink: WatchSink): Reply | (() => void) {
  try {
    const [path, query] = parse(request.path)
    const route = findRoute(path, context.registry)
    if (route.to !== 'collection' && route.to !== 'object') throw unknownResource()
    const { kind, namespace } = route
    const form = representation(request.accept)
    const output = form === 'object' ? sink : shaped({ context, request, query }, kind, form, sink)
    if (route.to === 'object') query.set('fieldSelector', `metadata.name=${route.name}`)
    return startWatch(context, kind, namespace, query, output)
  } catch (error) {
    return refusal(error)
  }
}

function shaped(call: Call, kind: Kind, form: 'table' | 'metadata', sink: WatchSink): WatchSink {
  let headed = false
  return {
    end: () => sink.end(),
    line: ({ type, object }) => {
      if (type === 'ERROR' || !isStoredLike(object)) return sink.line({ type, object })
      if (form === 'metadata') return sink.line({ type, object: partialMetadata(object) })
      const table = shape(call, kind, [object], {
        resourceVersion: stringAt(object, 'metadata', 'resourceVersion') ?? '',
      })
      const once = headed && isObject(table) ? { ...table, columnDefinitions: null } : table
      headed = true
      sink.line({ type, object: once })
    },
  }
}

function isStoredLike(object: Json): object is StoredObject {
  return stringAt(object, 'metadata', 'name') !== undefined
}

function answer(route: Route, call: Call): Reply {
  switch (route.to) {
    case 'document':
    case 'group':
    case 'version':
      if (call.request.method !== 'GET') throw wrongMethod()
      return { status: 200, body: documentBody(route, call.context) }
    case 'review':
      return review(route.kind, call.request)
    case 'collection':
      return collection(route, call)
    case 'object':
      return object(route, call)
  }
}

type DocumentRoute = Extract<Route, { readonly to: 'document' | 'group' | 'version' }>

function documentBody(route: DocumentRoute, { registry }: ApiContext): Json {
  if (route.to === 'version') return resourceList(registry, route.group, route.version)
  if (route.to === 'group') {
    const group = registry.groups().find((one) => one.name === route.group)
    if (group === undefined) throw unknownPath()
    return groupDocument(group)
  }
  switch (route.name) {
    case 'api':
      return coreVersions
    case 'apis':
      return groupList(registry)
    case 'version':
      return version
    case 'healthz':
    case 'readyz':
    case 'livez':
      return 'ok'
    case 'openapi/v3':
      return JSON.stringify(openApiIndex(registry))
    default:
      return openApi(route.name, registry)
  }
}

function openApi(name: string, registry: ApiContext['registry']): Json {
  const [, , root, group, version] = name.split('/')
  if (root === 'api') return openApiDocument(registry, '', group ?? '')
  if (root !== 'apis' || group === undefined || version === undefined) throw unknownPath()
  return openApiDocument(registry, group, version)
}

// Everybody may do everything here, whatever was asked: kubectl asks in protobuf, which is not even read.
function review(kind: string, request: ServerRequest): Reply {
  if (request.method !== 'POST') throw wrongMethod()
  const isProtobuf = mediaType(request) === 'application/vnd.kubernetes.protobuf'
  const asked = isProtobuf ? {} : (request.body ?? readJson(request.text ?? ''))
  if (!isObject(asked)) throw unknownResource()
  const attributes = ['resourceAttributes', 'nonResourceAttributes'].filter(
    (field) => at(asked, 'spec', field) !== undefined,
  )
  if (kind === 'SelfSubjectAccessReview' && !isProtobuf && attributes.length !== 1) {
    const message = 'exactly one of nonResourceAttributes or resourceAttributes must be specified'
    const cause = wrong('spec.resourceAttributes', at(asked, 'spec', 'resourceAttributes'), message)
    throw invalid({ group: 'authorization.k8s.io', kind: '' }, [cause])
  }
  const every = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] }
  const rules = { resourceRules: [every], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] }
  const status = kind === 'SelfSubjectAccessReview' ? { allowed: true } : { ...rules, incomplete: false }
  return { status: 201, body: { apiVersion: 'authorization.k8s.io/v1', kind, spec: {}, ...asked, status } }
}

type CollectionRoute = Extract<Route, { readonly to: 'collection' }>

function collection(route: CollectionRoute, call: Call): Reply {
  const { kind, namespace } = route
  const { context, request, query } = call
  const { method } = request
  const whole = kind.namespaced && !route.scoped
  if (method === 'GET') {
    const listing = listObjects(context, kind, namespace, query)
    const form = representation(request.accept)
    if (form === 'object') return { status: 200, body: listBody(listing, kind) }
    const metadata = {
      resourceVersion: listing.revision,
      ...(listing.next === undefined ? {} : { continue: listing.next }),
      ...(listing.remaining === undefined ? {} : { remainingItemCount: listing.remaining }),
    }
    if (form === 'table') return { status: 200, body: shape(call, kind, listing.items, metadata) }
    const items = listing.items.map(partialMetadata)
    return { status: 200, body: { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items } }
  }
  if (whole && kind.custom && method === 'POST') throw unknownPath()
  if (whole || (method !== 'POST' && method !== 'DELETE')) throw wrongMethod()
  if (method === 'DELETE') return removeAll(route, call)
  const body = readBody(request, kind)
  return create(context, kind, namespace, body, writeOptions(request, query, 'CreateOptions'))
}

function removeAll({ kind, namespace }: CollectionRoute, { context, request, query }: Call): Reply {
  const listing = listObjects(context, kind, namespace, query)
  const options = deleteOptions(request, query)
  for (const { metadata } of listing.items) {
    remove(context, { kind, namespace: metadata.namespace, name: metadata.name }, options)
  }
  return { status: 200, body: listBody(listing, kind) }
}

const needsMachine: ReadonlySet<string> = new Set(['log', 'exec', 'attach', 'portforward', 'proxy'])

type ObjectRoute = Extract<Route, { readonly to: 'object' }>

function object(route: ObjectRoute, call: Call): Reply {
  const { kind, subresource } = route
  const { context, request, query } = call
  if (kind.kind === 'Pod' && needsMachine.has(subresource ?? '')) throw pretended(subresource ?? '')
  if (subresource === 'scale') return scale(context, { ...route, subresource: undefined }, request, query)
  const known = subresource === undefined || (subresource === 'status' && kind.hasStatus) || subresource === 'finalize'
  if (!known) throw unknownResource()
  switch (request.method) {
    case 'GET': {
      const form = representation(request.accept)
      const found = serve(find(context, route), kind)
      if (form === 'object') return { status: 200, body: found }
      if (form === 'metadata') return { status: 200, body: partialMetadata(found) }
      const metadata = { resourceVersion: found.metadata.resourceVersion ?? '' }
      return { status: 200, body: shape(call, kind, [found], metadata) }
    }
    case 'PUT':
      return replace(context, route, readBody(request, kind), writeOptions(request, query, 'UpdateOptions'))
    case 'PATCH':
      return patch(context, route, request, query)
    case 'DELETE':
      if (subresource !== undefined) throw wrongMethod()
      return remove(context, route, deleteOptions(request, query))
    default:
      throw wrongMethod()
  }
}

function shape(
  call: Call,
  kind: Kind,
  items: readonly StoredObject[],
  metadata: { readonly [key: string]: Json },
): Json {
  const include = call.query.get('includeObject') ?? 'Metadata'
  return tableBody(items, kind, metadata, include, call.context.clock.now())
}

/** What an Accept header asks for; throws when it is nothing that can be written. */
export function representation(accept: string | undefined): 'object' | 'table' | 'metadata' {
  if (accept === undefined || accept === '') return 'object'
  for (const part of accept.split(',')) {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim())
    if (!['application/json', '*/*', 'application/*', 'application/yaml'].includes(type)) continue
    const form = parameters.find((parameter) => parameter.startsWith('as='))?.slice(3)
    if (form === undefined) return 'object'
    if (form === 'Table') return 'table'
    if (form.startsWith('PartialObjectMetadata')) return 'metadata'
  }
  throw notAcceptable()
}
