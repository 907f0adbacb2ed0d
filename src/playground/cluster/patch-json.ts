import type { Json, JsonObject } from '../../lib/json.ts'
import { isObject, stringAt } from '../../lib/json.ts'
import { draft, equalJson, isDoc, isList } from './document.ts'
import type { Doc, Draft } from './document.ts'

/** A JSON patch that does not fit the document, for example a failing `test`. */
export class PatchError extends Error {
  override readonly name = 'PatchError'
}

/** Applies a JSON patch (RFC 6902) to a document, which is changed in place. */
export function applyJsonPatch(target: Doc, operations: readonly Json[]): void {
  for (const operation of operations) {
    if (!isObject(operation)) throw new PatchError('an operation must be an object')
    apply(target, operation)
  }
}

function apply(target: Doc, operation: JsonObject): void {
  const op = stringAt(operation, 'op') ?? ''
  const path = pointer(stringAt(operation, 'path'))
  switch (op) {
    case 'add':
      return add(target, path, draft(operation['value'] ?? null))
    case 'remove':
      return void remove(target, path)
    case 'replace':
      remove(target, path)
      return add(target, path, draft(operation['value'] ?? null))
    case 'move':
      return add(target, path, remove(target, pointer(stringAt(operation, 'from'))))
    case 'copy':
      return add(target, path, draft(read(target, pointer(stringAt(operation, 'from')))))
    case 'test':
      if (!equalJson(read(target, path), operation['value'] ?? null)) throw new PatchError('testing value failed')
      return
    default:
      throw new PatchError(`unexpected kind: ${op}`)
  }
}

function pointer(path: string | undefined): readonly string[] {
  if (path === undefined || (path !== '' && !path.startsWith('/'))) throw new PatchError('a path must start with /')
  return path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function read(target: Draft, path: readonly string[]): Draft {
  let here: Draft | undefined = target
  for (const part of path) {
    here = isDoc(here) ? here[part] : Array.isArray(here) ? here[indexIn(here, part)] : undefined
    if (here === undefined) throw new PatchError(`missing value at ${part}`)
  }
  return here
}

function parentOf(target: Doc, path: readonly string[]): readonly [Draft, string] {
  const last = path.at(-1)
  if (last === undefined) throw new PatchError('the whole document cannot be replaced')
  return [read(target, path.slice(0, -1)), last]
}

function add(target: Doc, path: readonly string[], value: Draft): void {
  const [parent, last] = parentOf(target, path)
  if (isDoc(parent)) parent[last] = value
  else if (Array.isArray(parent)) parent.splice(last === '-' ? parent.length : indexIn(parent, last, 1), 0, value)
  else throw new PatchError(`no object or list at ${last}`)
}

function remove(target: Doc, path: readonly string[]): Draft {
  const [parent, last] = parentOf(target, path)
  const value = read(parent, [last])
  if (isDoc(parent)) delete parent[last]
  else if (Array.isArray(parent)) parent.splice(indexIn(parent, last), 1)
  return value
}

function indexIn(list: readonly Draft[], part: string, beyond = 0): number {
  const index = /^\d+$/.test(part) ? Number(part) : Number.NaN
  if (!isList(list) || !(index < list.length + beyond)) throw new PatchError(`index out of bounds: ${part}`)
  return index
}
