import { Problem } from '../lib/problem.ts'
import { encodeTree, isTreeMode, nameObject, type NamedObject, type TreeEntry } from './objects.ts'
import type { FileChanges, Oid } from './types.ts'

/** What an edit made: the new root tree and every blob and tree that the old one did not have in that place. */
export interface TreeEdit {
  readonly tree: Oid
  readonly objects: readonly NamedObject[]
}

interface Node {
  leaf?: string | null
  readonly below: Map<string, Node>
}

/**
 * Applies changes of paths to a tree (null: the empty one) without a checkout: only folders on the way to a change are
 * read and written. A folder without files disappears; a changed file keeps its mode. Deleting what is not there changes
 * nothing. Throws a Problem for a path that Git does not allow and where a file would have to replace a folder or
 * stand above one.
 */
export function editTree(
  readTree: (oid: Oid) => readonly TreeEntry[],
  root: Oid | null,
  changes: FileChanges,
): TreeEdit {
  const objects: NamedObject[] = []
  const tree = editFolder({ readTree, objects }, root, arrange(changes), '')
  if (tree !== null) return { tree, objects }
  const empty = nameObject('tree', Buffer.alloc(0))
  return { tree: empty.oid, objects: [...objects, empty] }
}

interface Work {
  readonly readTree: (oid: Oid) => readonly TreeEntry[]
  readonly objects: NamedObject[]
}

function editFolder(work: Work, oid: Oid | null, node: Node, path: string): Oid | null {
  const before = oid === null ? [] : work.readTree(oid)
  const entries = new Map(before.map((entry) => [entry.name, entry]))
  let changed = false
  for (const [name, child] of node.below) {
    const old = entries.get(name)
    const next = editEntry(work, old, child, name, path === '' ? name : `${path}/${name}`)
    if (next?.oid === old?.oid && next?.mode === old?.mode) continue
    changed = true
    if (next === undefined) entries.delete(name)
    else entries.set(name, next)
  }
  if (!changed && oid !== null) return oid
  if (entries.size === 0) return null
  const tree = nameObject('tree', encodeTree([...entries.values()]))
  work.objects.push(tree)
  return tree.oid
}

function editEntry(
  work: Work,
  old: TreeEntry | undefined,
  node: Node,
  name: string,
  path: string,
): TreeEntry | undefined {
  let entry = old
  if (node.below.size > 0) entry = editBelow(work, old, node, name, path)
  if (node.leaf === undefined) return entry
  const folder = entry !== undefined && isTreeMode(entry.mode)
  if (node.leaf === null) return folder ? entry : node.below.size > 0 ? entry : undefined
  if (folder) throw conflict(path, 'a folder is there')
  const blob = nameObject('blob', Buffer.from(node.leaf))
  if (entry?.oid === blob.oid && isFileMode(entry.mode)) return entry
  work.objects.push(blob)
  return { mode: entry !== undefined && isFileMode(entry.mode) ? entry.mode : '100644', name, oid: blob.oid }
}

/** The folder at an entry after the changes below it; the entry itself when they only delete what is not there. */
function editBelow(
  work: Work,
  old: TreeEntry | undefined,
  node: Node,
  name: string,
  path: string,
): TreeEntry | undefined {
  const here = node.leaf === null && old !== undefined && !isTreeMode(old.mode) ? undefined : old
  if (here !== undefined && !isTreeMode(here.mode)) {
    if (!writesBelow(node)) return here
    throw conflict(path, 'it is a file, not a folder')
  }
  const oid = editFolder(work, here?.oid ?? null, node, path)
  return oid === null ? undefined : { mode: '40000', name, oid }
}

function writesBelow(node: Node): boolean {
  return [...node.below.values()].some((child) => typeof child.leaf === 'string' || writesBelow(child))
}

function isFileMode(mode: string): boolean {
  return mode === '100644' || mode === '100755'
}

function arrange(changes: FileChanges): Node {
  const root: Node = { below: new Map() }
  for (const [path, content] of changes) {
    let node = root
    for (const name of splitPath(path)) {
      const next: Node = node.below.get(name) ?? { below: new Map() }
      node.below.set(name, next)
      node = next
    }
    node.leaf = content
  }
  return root
}

function splitPath(path: string): string[] {
  const names = path.split('/')
  for (const name of names) {
    // What `git fsck --strict` refuses: names that a checkout could turn into the repository's own files.
    const dotGit = /^(\.git|git~1)[ .]*$/i.test(name.replaceAll(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, ''))
    if (name === '' || name === '.' || name === '..' || name.includes('\0') || dotGit) {
      throw new Problem({ kind: 'bug', code: 'GIT_BAD_PATH', message: `"${path}" is no path for a file in Git` })
    }
  }
  return names
}

function conflict(path: string, why: string): Problem {
  return new Problem({ kind: 'stalled', code: 'GIT_PATH_CONFLICT', message: `"${path}" cannot be written: ${why}` })
}
