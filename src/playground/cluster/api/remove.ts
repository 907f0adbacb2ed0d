import type { Json } from '../../../lib/json.ts'
import { at, isObject, stringAt } from '../../../lib/json.ts'
import { draftObject } from '../document.ts'
import type { Doc } from '../document.ts'
import type { StoredObject } from '../store.ts'
import { unsupported, wrong } from './causes.ts'
import type { ApiContext, Reply, ServerRequest } from './context.ts'
import { conflict, invalidOptions } from './failure.ts'
import { readJson } from './body.ts'
import { metadataOf, serve } from './served.ts'
import { find } from './write.ts'
import type { Target } from './write.ts'

/** How an object is to be deleted. */
interface DeleteOptions {
  readonly policy: string | undefined
  readonly dryRun: boolean
  readonly uid: string | undefined
  readonly resourceVersion: string | undefined
}

/** Reads the options of a DELETE from its query and body. */
export function deleteOptions(request: ServerRequest, query: URLSearchParams): DeleteOptions {
  const text = request.text ?? ''
  const body: Json = request.body ?? (text === '' ? {} : readJson(text))
  const policy = query.get('propagationPolicy') ?? stringAt(body, 'propagationPolicy')
  const orphan = query.has('orphanDependents') || at(body, 'orphanDependents') !== undefined
  if (policy !== undefined && orphan) {
    const message = 'orphanDependents and deletionPropagation cannot be both set'
    throw invalidOptions('DeleteOptions', [wrong('propagationPolicy', policy, message)])
  }
  if (policy !== undefined && !['Foreground', 'Background', 'Orphan'].includes(policy)) {
    const options = ['Foreground', 'Background', 'Orphan', 'nil']
    throw invalidOptions('DeleteOptions', [unsupported('propagationPolicy', policy, options)])
  }
  const dryRun =
    query.getAll('dryRun').includes('All') || (isObject(body) && JSON.stringify(body['dryRun'] ?? null).includes('All'))
  return {
    policy: policy ?? (at(body, 'orphanDependents') === true ? 'Orphan' : undefined),
    dryRun,
    uid: stringAt(body, 'preconditions', 'uid'),
    resourceVersion: stringAt(body, 'preconditions', 'resourceVersion'),
  }
}

/** DELETE of one object. */
export function remove(context: ApiContext, target: Target, options: DeleteOptions): Reply {
  const stored = find(context, target)
  checkPreconditions(stored, target, options)
  const { kind } = target
  if (options.dryRun) return { status: 200, body: succeeded(stored, target) }
  const finalizers = finalizersFor(stored, target, options)
  if (finalizers.length === 0 && kind.plural !== 'namespaces') {
    const last = context.store.remove(kind.storeKey, stored)
    return { status: 200, body: kind.returnsDeleted === true ? serve(last, kind) : succeeded(stored, target) }
  }
  if (
    stored.metadata.deletionTimestamp !== undefined &&
    finalizers.length === (stored.metadata.finalizers ?? []).length
  ) {
    return { status: 200, body: serve(stored, kind) }
  }
  return {
    status: 200,
    body: serve(context.store.put(kind.storeKey, marked(context, stored, target, finalizers)), kind),
  }
}

function marked(context: ApiContext, stored: StoredObject, target: Target, finalizers: readonly string[]): Doc {
  const next = draftObject(stored)
  const metadata = metadataOf(next)
  if (finalizers.length > 0) metadata['finalizers'] = [...finalizers]
  if (stored.metadata.deletionTimestamp !== undefined) return next
  metadata['deletionTimestamp'] = context.timestamp()
  if (target.kind.plural === 'namespaces') next['status'] = { phase: 'Terminating' }
  else metadata['deletionGracePeriodSeconds'] = 0
  if (target.kind.hasGeneration) metadata['generation'] = (stored.metadata.generation ?? 0) + 1
  return next
}

function finalizersFor(stored: StoredObject, target: Target, options: DeleteOptions): readonly string[] {
  const present = stored.metadata.finalizers ?? []
  if (stored.metadata.deletionTimestamp !== undefined) return present
  const added =
    target.kind.plural === 'customresourcedefinitions'
      ? 'customresourcecleanup.apiextensions.k8s.io'
      : options.policy === 'Foreground'
        ? 'foregroundDeletion'
        : options.policy === 'Orphan'
          ? 'orphan'
          : undefined
  return added === undefined || present.includes(added) ? present : [...present, added]
}

function checkPreconditions(stored: StoredObject, target: Target, options: DeleteOptions): void {
  const subject = { name: target.name, group: target.kind.group, kind: target.kind.kind }
  const { uid, resourceVersion } = stored.metadata
  if (options.uid !== undefined && options.uid !== uid) {
    throw conflict(
      subject,
      `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    )
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    throw conflict(
      subject,
      `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
    )
  }
}

function succeeded(stored: StoredObject, target: Target): Doc {
  const details: Doc = { name: target.name }
  if (target.kind.group !== '') details['group'] = target.kind.group
  details['kind'] = target.kind.plural
  details['uid'] = stored.metadata.uid
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }
}
