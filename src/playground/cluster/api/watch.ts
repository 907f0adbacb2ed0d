import type { Json } from '../../../lib/json.ts'
import type { WatchLine } from '../../../cluster/transport.ts'
import { apiVersionOf } from '../kinds/kind.ts'
import type { Kind } from '../kinds/kind.ts'
import type { Change, StoredObject } from '../store.ts'
import { forbidden, unsupported } from './causes.ts'
import type { Cause } from './failure.ts'
import type { ApiContext } from './context.ts'
import { gone, internal, invalidOptions } from './failure.ts'
import { selection } from './read.ts'
import { serve } from './served.ts'

/** Where a watch sends its lines. `end` comes at most once, after which nothing follows. */
export interface WatchSink {
  line(line: WatchLine): void
  end(): void
}

/** Starts a watch; throws an ApiFailure when it is refused. Returns what stops it from the outside, without `end`. */
export function startWatch(
  context: ApiContext,
  kind: Kind,
  namespace: string | undefined,
  query: URLSearchParams,
  sink: WatchSink,
): () => void {
  checkOptions(query)
  const test = selection(query, kind)
  const version = query.get('resourceVersion') ?? ''
  if (version !== '' && !/^\d+$/.test(version)) {
    throw internal(
      `resourceVersion: Invalid value: "${version}": strconv.ParseUint: parsing "${version}": invalid syntax`,
    )
  }
  const matches = (object: StoredObject | undefined): boolean => {
    if (object === undefined || (namespace !== undefined && object.metadata.namespace !== namespace)) return false
    return test === undefined || test(serve(object, kind))
  }
  const send = (change: Change): void => {
    if (change.storeKey !== kind.storeKey) return
    const line = lineOf(change, kind, matches)
    if (line !== undefined) sink.line(line)
  }
  if (!sendPast(context, kind, namespace, query, version, { sink, send, matches })) {
    sink.end()
    return () => {}
  }
  const stopListening = context.store.onChange(send)
  const seconds = Number(query.get('timeoutSeconds') ?? 0)
  const stopTimer =
    seconds > 0
      ? context.clock.after(seconds * 1000, () => {
          stopListening()
          if (wantsBookmarks(query)) sink.line(bookmark(context, kind))
          sink.end()
        })
      : undefined
  return () => {
    stopListening()
    stopTimer?.()
  }
}

interface Output {
  readonly sink: WatchSink
  readonly send: (change: Change) => void
  readonly matches: (object: StoredObject) => boolean
}

// What was there, or what happened since, before the watch began. False when that is forgotten: then nothing follows.
function sendPast(
  context: ApiContext,
  kind: Kind,
  namespace: string | undefined,
  query: URLSearchParams,
  version: string,
  output: Output,
): boolean {
  const initial = query.get('sendInitialEvents') === 'true'
  if (initial || version === '' || version === '0') {
    for (const object of context.store.list(kind.storeKey, namespace)) {
      if (output.matches(object)) output.sink.line({ type: 'ADDED', object: serve(object, kind) })
    }
    if (initial && wantsBookmarks(query)) output.sink.line(bookmark(context, kind, true))
    return true
  }
  const changes = context.store.since(Number(version))
  if (changes === undefined) {
    const expired = gone(`too old resource version: ${version} (${context.store.oldest})`)
    output.sink.line({ type: 'ERROR', object: expired.body })
    return false
  }
  for (const change of changes) output.send(change)
  return true
}

function lineOf(
  change: Change,
  kind: Kind,
  matches: (object: StoredObject | undefined) => boolean,
): WatchLine | undefined {
  const was = matches(change.before)
  const is = change.type !== 'DELETED' && matches(change.object)
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object: serve(change.object, kind) }
  if (!was || change.before === undefined) return undefined
  if (change.type === 'DELETED') return { type: 'DELETED', object: serve(change.object, kind) }
  // It left the selection: the watch sees its last selected state, at the version of the change.
  const left = serve(change.before, kind)
  return {
    type: 'DELETED',
    object: { ...left, metadata: { ...metadata(left), resourceVersion: String(change.revision) } },
  }
}

function metadata(object: StoredObject): { readonly [key: string]: Json | undefined } {
  return Object.fromEntries(Object.entries<Json | undefined>(JSON.parse(JSON.stringify(object.metadata))))
}

function wantsBookmarks(query: URLSearchParams): boolean {
  return query.get('allowWatchBookmarks') === 'true' || query.get('allowWatchBookmarks') === '1'
}

function bookmark(context: ApiContext, kind: Kind, isInitial = false): WatchLine {
  const annotations = isInitial ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}
  const resourceVersion = String(context.store.revision)
  return {
    type: 'BOOKMARK',
    object: { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata: { resourceVersion, ...annotations } },
  }
}

function checkOptions(query: URLSearchParams): void {
  const match = query.get('resourceVersionMatch') ?? ''
  const initial = query.has('sendInitialEvents')
  const causes: Cause[] = []
  if (match !== '' && !initial) {
    causes.push(
      forbidden(
        'resourceVersionMatch',
        'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      ),
    )
  }
  if (initial && match === '') {
    causes.push(
      forbidden('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
    )
  }
  if (match !== '' && match !== 'NotOlderThan')
    causes.push(unsupported('resourceVersionMatch', match, ['NotOlderThan']))
  if (causes.length > 0) throw invalidOptions('ListOptions', causes)
}
