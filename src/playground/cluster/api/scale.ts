import { at, isObject, numberAt, stringAt } from '../../../lib/json.ts'
import type { Json, JsonObject } from '../../../lib/json.ts'
import { child, draftObject, isList, plain } from '../document.ts'
import type { Doc } from '../document.ts'
import type { Kind, ScalePaths } from '../kinds/kind.ts'
import type { StoredObject } from '../store.ts'
import { mediaType, readBody } from './body.ts'
import { wrong } from './causes.ts'
import type { ApiContext, Reply, ServerRequest } from './context.ts'
import { badRequest, invalid, staleWrite, unknownResource, unsupportedMediaType } from './failure.ts'
import { writeOptions } from './options.ts'
import { patched } from './patch.ts'
import { serve } from './served.ts'
import { find, replace, resourceSubject } from './write.ts'
import type { Target } from './write.ts'

/** The Scale (autoscaling/v1) of an object. */
export function scaleOf(object: StoredObject, paths: ScalePaths): Doc {
  const replicas = numberAt(object, ...paths.specReplicas)
  const selector =
    paths.selector === undefined ? selectorText(at(object, 'spec', 'selector')) : stringAt(object, ...paths.selector)
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const status: Doc = { replicas: numberAt(object, ...paths.statusReplicas) ?? 0 }
  if (selector !== undefined && selector !== '') status['selector'] = selector
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion, creationTimestamp },
    spec: replicas === undefined || replicas === 0 ? {} : { replicas },
    status,
  }
}

function selectorText(selector: Json | undefined): string {
  const labels = at(selector, 'matchLabels')
  const expressions = at(selector, 'matchExpressions')
  const equalities = Object.entries(isObject(labels) ? labels : {}).map(([key, value]) => `${key}=${plain(value)}`)
  const sets = (isList(expressions) ? expressions : []).map((expression) => {
    const key = stringAt(expression, 'key') ?? ''
    const values = at(expression, 'values')
    const list = (isList(values) ? values : []).map(plain).join(',')
    switch (stringAt(expression, 'operator') ?? '') {
      case 'In':
        return `${key} in (${list})`
      case 'NotIn':
        return `${key} notin (${list})`
      case 'DoesNotExist':
        return `!${key}`
      default:
        return key
    }
  })
  return [...equalities, ...sets].toSorted().join(',')
}

/** GET, PUT and PATCH of the scale subresource. */
export function scale(context: ApiContext, target: Target, request: ServerRequest, query: URLSearchParams): Reply {
  const paths = target.kind.scale
  if (paths === undefined) throw unknownResource()
  const live = serve(find(context, target), target.kind)
  const current = scaleOf(live, paths)
  if (request.method === 'GET') return { status: 200, body: current }
  const isPatch = request.method === 'PATCH'
  const options = writeOptions(request, query, isPatch ? 'PatchOptions' : 'UpdateOptions')
  const wanted = isPatch ? patchedScale(current, request, target) : readBody(request, target.kind).value
  const version = stringAt(wanted, 'metadata', 'resourceVersion') ?? ''
  if (version !== '' && version !== live.metadata.resourceVersion) throw staleWrite(resourceSubject(target))
  const replicas = numberAt(wanted, 'spec', 'replicas') ?? 0
  if (!Number.isInteger(replicas) || replicas > 2 ** 31) {
    throw badRequest('Scale in version "v1" cannot be handled as a Scale: spec.replicas must be an int32')
  }
  if (replicas < 0) {
    const cause = wrong('spec.replicas', replicas, 'must be greater than or equal to 0')
    throw invalid({ name: target.name, group: 'autoscaling', kind: 'Scale' }, [cause])
  }
  const reply = replace(
    context,
    { ...target, subresource: 'scale' },
    { value: withReplicas(live, paths, replicas), duplicates: [] },
    options,
    true,
  )
  const stored = context.store.get(target.kind.storeKey, target.namespace, target.name)
  const scaled =
    stored === undefined || options.dryRun
      ? { ...current, spec: { replicas } }
      : scaleOf(serve(stored, target.kind), paths)
  return { status: reply.status, body: scaled }
}

function patchedScale(current: Doc, request: ServerRequest, target: Target): JsonObject {
  const type = mediaType(request)
  if (type === 'application/apply-patch+yaml') throw unsupportedMediaType()
  const change = request.body ?? JSON.parse(request.text ?? 'null')
  return patched(current, change, type, { ...target, kind: scaleKind(target.kind) })
}

// Merging into a Scale needs none of the target's schema.
function scaleKind(kind: Kind): Kind {
  return { ...kind, schema: { type: 'object', open: true } }
}

function withReplicas(live: StoredObject, paths: ScalePaths, replicas: number): JsonObject {
  const next = draftObject(live)
  let parent = next
  for (const key of paths.specReplicas.slice(0, -1)) parent = child(parent, key)
  parent[paths.specReplicas.at(-1) ?? 'replicas'] = replicas
  return next
}
