import { Problem } from '../lib/problem.ts'
import { BoundedMap } from './bounded-map.ts'
import { ancestryBetween, isUnclear } from './ancestry.ts'
import { isTreeMode, parseCommit, parseTree, type TreeEntry } from './objects.ts'
import type { ObjectSource } from './object-source.ts'
import type { Commit, FileEntry, Oid } from './types.ts'

/** Blobs above this are not read as text. */
export const maxTextBytes = 1024 * 1024

/** Reads commits, trees and texts from objects that are here. Synchronous; parsed trees and commits are kept by name. */
export class ObjectReader {
  readonly #source: ObjectSource
  readonly #commits = new BoundedMap<Oid, Commit>(20_000)
  readonly #trees = new BoundedMap<Oid, readonly TreeEntry[]>(400_000, (entries) => 1 + entries.length)

  constructor(source: ObjectSource) {
    this.#source = source
  }

  /** The commit, or undefined when it is not here. */
  find(oid: Oid): Commit | undefined {
    const cached = this.#commits.get(oid)
    if (cached !== undefined) return cached
    const object = this.#source.read(oid)
    if (object?.type !== 'commit') return undefined
    const commit = parseCommit(oid, object.body)
    this.#commits.set(oid, commit)
    return commit
  }

  /** The commit. Throws a Problem when it is not here. */
  commit(oid: Oid): Commit {
    const commit = this.find(oid)
    if (commit !== undefined) return commit
    throw new Problem({
      kind: 'retry',
      code: 'GIT_COMMIT_NOT_HERE',
      message: `commit ${oid} was not fetched`,
      hint: 'fetch the tip, or deepen the clone for an older commit',
    })
  }

  /** See {@link GitBranch.between}. */
  between(from: Oid | null, to: Oid): readonly Commit[] | null {
    this.commit(to)
    return ancestryBetween((oid) => this.find(oid), from, to)
  }

  /** See {@link isUnclear}. */
  isUnclear(from: Oid, to: Oid): boolean {
    return isUnclear((oid) => this.find(oid), from, to)
  }

  /** The entries of a tree. Throws a Problem when it is not here. */
  tree(oid: Oid): readonly TreeEntry[] {
    const cached = this.#trees.get(oid)
    if (cached !== undefined) return cached
    const object = this.#source.read(oid)
    if (object?.type !== 'tree') {
      // The empty tree is known without being stored.
      if (oid === '4b825dc642cb6eb9a060e54bf8d69288fbee4904') return []
      throw missing('tree', oid)
    }
    const entries = parseTree(object.body)
    this.#trees.set(oid, entries)
    return entries
  }

  /** See {@link GitBranch.files}. */
  files(commit: Oid, folders: readonly string[]): readonly FileEntry[] {
    const root = this.commit(commit).tree
    const found: FileEntry[] = []
    const wanted = outermost(folders)
    for (const folder of wanted) {
      if (folder === '') {
        this.#list(root, '', found)
        continue
      }
      const entry = this.#entry(root, folder)
      if (entry !== undefined) this.#add(entry, folder, found)
    }
    return wanted.length > 1 ? found.toSorted((a, b) => comparePaths(a.path, b.path)) : found
  }

  /** See {@link GitBranch.changedPaths}. */
  changedPaths(a: Oid, b: Oid): readonly string[] {
    const paths: string[] = []
    this.#diff(this.commit(a).tree, this.commit(b).tree, '', paths)
    return paths.toSorted(comparePaths)
  }

  /** See {@link GitBranch.text}. */
  text(blob: Oid): string | null {
    const object = this.#source.read(blob)
    if (object?.type !== 'blob') throw missing('blob', blob)
    if (object.body.length > maxTextBytes) return null
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(object.body)
    } catch {
      return null
    }
  }

  /** See {@link GitBranch.read}. */
  fileText(commit: Oid, path: string): string | null {
    const entry = this.#entry(this.commit(commit).tree, path)
    return entry !== undefined && fileMode(entry) !== undefined ? this.text(entry.oid) : null
  }

  #entry(root: Oid, path: string): TreeEntry | undefined {
    let tree: Oid | undefined = root
    let entry: TreeEntry | undefined
    for (const name of path.split('/')) {
      if (tree === undefined) return undefined
      entry = this.tree(tree).find((one) => one.name === name)
      tree = entry !== undefined && isTreeMode(entry.mode) ? entry.oid : undefined
    }
    return entry
  }

  #list(tree: Oid, prefix: string, found: FileEntry[]): void {
    for (const entry of this.tree(tree)) this.#add(entry, prefix + entry.name, found)
  }

  #add(entry: TreeEntry, path: string, found: FileEntry[]): void {
    if (isTreeMode(entry.mode)) return this.#list(entry.oid, `${path}/`, found)
    const mode = fileMode(entry)
    if (mode !== undefined) found.push({ path, oid: entry.oid, mode })
  }

  #diff(a: Oid | undefined, b: Oid | undefined, prefix: string, paths: string[]): void {
    if (a === b) return
    const before = new Map(a === undefined ? [] : this.tree(a).map((entry) => [entry.name, entry]))
    for (const entry of b === undefined ? [] : this.tree(b)) {
      this.#diffEntry(before.get(entry.name), entry, prefix + entry.name, paths)
      before.delete(entry.name)
    }
    for (const entry of before.values()) this.#diffEntry(entry, undefined, prefix + entry.name, paths)
  }

  #diffEntry(a: TreeEntry | undefined, b: TreeEntry | undefined, path: string, paths: string[]): void {
    if (a?.oid === b?.oid && a?.mode === b?.mode) return
    const fileA = a === undefined ? undefined : fileMode(a)
    const fileB = b === undefined ? undefined : fileMode(b)
    if (fileA !== undefined || fileB !== undefined) paths.push(path)
    this.#diff(treeOf(a), treeOf(b), `${path}/`, paths)
  }
}

function treeOf(entry: TreeEntry | undefined): Oid | undefined {
  return entry !== undefined && isTreeMode(entry.mode) ? entry.oid : undefined
}

/** 100664 was written by very old Git; it reads as a plain file. */
function fileMode(entry: TreeEntry): FileEntry['mode'] | undefined {
  if (entry.mode === '100755') return '100755'
  return entry.mode === '100644' || entry.mode === '100664' ? '100644' : undefined
}

/** Folders without slashes at their ends, none twice and none inside another. */
function outermost(folders: readonly string[]): readonly string[] {
  const clean = folders.map((folder) => folder.replaceAll(/^(\.?\/)+|\/+$/g, '').replace(/^\.$/, ''))
  const unique = [...new Set(clean)]
  return unique.filter(
    (folder) => !unique.some((other) => other !== folder && (other === '' || folder.startsWith(`${other}/`))),
  )
}

/** Byte order of UTF-8, which is what Git sorts by. */
function comparePaths(a: string, b: string): number {
  const surrogates = /[\ud800-\udfff]/
  if (surrogates.test(a) || surrogates.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return a < b ? -1 : a > b ? 1 : 0
}

function missing(what: string, oid: Oid): Problem {
  return new Problem({ kind: 'retry', code: 'GIT_OBJECT_MISSING', message: `${what} ${oid} is not here` })
}
