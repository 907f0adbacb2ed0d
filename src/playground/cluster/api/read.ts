import type { Json } from '../../../lib/json.ts'
import { at, isObject } from '../../../lib/json.ts'
import type { Doc } from '../document.ts'
import { apiVersionOf } from '../kinds/kind.ts'
import type { Kind } from '../kinds/kind.ts'
import type { StoredObject } from '../store.ts'
import { forbidden } from './causes.ts'
import type { ApiContext } from './context.ts'
import { badRequest, gone, invalidOptions, tooLargeVersion } from './failure.ts'
import { parseFieldSelector } from './field-selector.ts'
import type { ObjectTest } from './field-selector.ts'
import { parseLabelSelector } from './label-selector.ts'
import { serve } from './served.ts'

/** Objects of a kind, in the form of one version, and what their list says about itself. */
export interface Listing {
  readonly items: readonly StoredObject[]
  readonly revision: string
  readonly next?: string
  readonly remaining?: number
}

/** The test that a request's selectors make, or undefined when it has none. */
export function selection(query: URLSearchParams, kind: Kind): ObjectTest | undefined {
  const labelSelector = query.get('labelSelector') ?? ''
  const fieldSelector = query.get('fieldSelector') ?? ''
  if (labelSelector === '' && fieldSelector === '') return undefined
  const labels = parseLabelSelector(labelSelector)
  const fields = parseFieldSelector(fieldSelector, kind)
  return (object) => {
    const given = at(object, 'metadata', 'labels')
    return labels(isObject(given) ? given : undefined) && fields(object)
  }
}

/** Lists objects with selectors, in pages, and at a past resourceVersion. */
export function listObjects(
  context: ApiContext,
  kind: Kind,
  namespace: string | undefined,
  query: URLSearchParams,
): Listing {
  const test = selection(query, kind)
  const limit = Number(query.get('limit') ?? 0)
  const token = query.get('continue') ?? ''
  const from = token === '' ? undefined : readToken(token)
  const revision = from?.revision ?? exactRevision(context, query)
  if (from !== undefined && (query.get('resourceVersion') ?? '') !== '') {
    throw badRequest('specifying resource version is not allowed when using continue')
  }
  const all =
    revision === undefined
      ? context.store.list(kind.storeKey, namespace)
      : context.store.listAt(revision, kind.storeKey, namespace)
  if (all === undefined) throw gone('The provided continue parameter is too old to display a consistent list result.')
  const served = all.map((object) => serve(object, kind))
  const selected = test === undefined ? served : served.filter(test)
  const rest = from === undefined ? selected : selected.filter((object) => keyOf(object) > from.after)
  const at = revision ?? context.store.revision
  if (!(limit > 0) || rest.length <= limit) return { items: rest, revision: String(at) }
  const items = rest.slice(0, limit)
  const next = writeToken(at, keyOf(items[limit - 1]))
  const remaining = test === undefined ? { remaining: rest.length - limit } : {}
  return { items, revision: String(at), next, ...remaining }
}

function exactRevision(context: ApiContext, query: URLSearchParams): number | undefined {
  const version = query.get('resourceVersion') ?? ''
  const match = query.get('resourceVersionMatch') ?? ''
  const refuse = (message: string): Error => invalidOptions('ListOptions', [forbidden('resourceVersionMatch', message)])
  if (match !== '' && version === '') {
    throw refuse('resourceVersionMatch is forbidden unless resourceVersion is provided')
  }
  if (version === '') return undefined
  if (!/^\d+$/.test(version)) {
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: "${version}": strconv.ParseUint: parsing "${version}": invalid syntax`,
    )
  }
  if (match === 'Exact' && version === '0') {
    throw refuse('resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
  }
  if (Number(version) > context.store.revision) throw tooLargeVersion(Number(version), context.store.revision)
  return match === 'Exact' ? Number(version) : undefined
}

function keyOf(object: StoredObject | undefined): string {
  return `${object?.metadata.namespace ?? ''}/${object?.metadata.name ?? ''}`
}

function writeToken(revision: number, after: string): string {
  return Buffer.from(JSON.stringify({ revision, after })).toString('base64url')
}

function readToken(token: string): { readonly revision: number; readonly after: string } {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    if (isObject(value) && typeof value['revision'] === 'number' && typeof value['after'] === 'string') {
      return { revision: value['revision'], after: value['after'] }
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw badRequest('invalid continue token: continue key is not valid')
}

/** A list as a body. Items of built-in kinds carry no kind and apiVersion of their own. */
export function listBody(listing: Listing, kind: Kind): Json {
  const metadata: Doc = { resourceVersion: listing.revision }
  if (kind.custom) metadata['continue'] = listing.next ?? ''
  else if (listing.next !== undefined) metadata['continue'] = listing.next
  if (listing.remaining !== undefined) metadata['remainingItemCount'] = listing.remaining
  const items = kind.custom ? listing.items : listing.items.map(withoutType)
  return { kind: kind.listKind, apiVersion: apiVersionOf(kind), metadata, items }
}

function withoutType(object: StoredObject): Json {
  const { kind: _kind, apiVersion: _version, ...rest } = object
  return rest
}
