import { Problem } from '../lib/problem.ts'
import { editTree } from './tree-edit.ts'
import type { ObjectReader } from './object-reader.ts'
import { encodeCommit, nameObject, type NamedObject } from './objects.ts'
import type { CommitRequest, Oid } from './types.ts'

interface Made {
  readonly parent: Oid | null
  readonly objects: readonly NamedObject[]
}

/** Commits that were made here and are not known to be at the server, with the objects that each of them added. */
export class MadeCommits {
  readonly #commits = new Map<Oid, Made>()
  readonly #objects = new Map<Oid, NamedObject>()
  readonly #keepStale: number

  /** `keepStale`: how many commits that no longer build on the branch's tip are kept at most. */
  constructor(keepStale = 1000) {
    this.#keepStale = keepStale
  }

  /** An object of a made commit. */
  read(oid: Oid): NamedObject | undefined {
    return this.#objects.get(oid)
  }

  /** Makes a commit in memory. The same request gives the same oid. */
  make(reader: ObjectReader, request: CommitRequest): Oid {
    const { parent, author, timeMs, message } = request
    const base = parent === null ? null : reader.commit(parent).tree
    const edit = editTree((oid) => reader.tree(oid), base, request.changes)
    const fields = { tree: edit.tree, parents: parent === null ? [] : [parent], author, timeMs, message }
    const commit = nameObject('commit', encodeCommit(fields))
    const objects = [...edit.objects, commit]
    if (!this.#commits.has(commit.oid)) this.#commits.set(commit.oid, { parent, objects })
    for (const object of objects) this.#objects.set(object.oid, object)
    return commit.oid
  }

  /**
   * The objects that a server at `expected` (null: without the branch) lacks of `next`; none when all of it is known to
   * have been there. Throws a Problem when `next` does not build on `expected`: pushing it would throw commits away.
   */
  since(reader: ObjectReader, expected: Oid | null, next: Oid): readonly NamedObject[] {
    if (reader.between(expected, next) === null) {
      throw new Problem({
        kind: 'bug',
        code: 'GIT_NOT_A_DESCENDANT',
        message: `commit ${next} does not build on ${expected ?? 'nothing'}`,
        hint: 'a push that is no fast-forward would lose commits',
      })
    }
    const objects = new Map<Oid, NamedObject>()
    let here: Oid | null = next
    for (let made = this.#commits.get(here); made !== undefined; made = this.#commits.get(here)) {
      for (const object of made.objects) objects.set(object.oid, object)
      if (made.parent === null || made.parent === expected) break
      here = made.parent
    }
    return [...objects.values()]
  }

  /** Forgets what is at the server now that its tip is known, and the oldest of those that lost their race. */
  settle(tip: Oid, isHere: (oid: Oid) => boolean): void {
    const alive = new Set<Oid>([tip])
    const stale: Oid[] = []
    const drop: Oid[] = []
    // A parent is always made before its child, so one pass in order finds all that builds on the tip.
    for (const [oid, made] of this.#commits) {
      if (isHere(oid)) drop.push(oid)
      else if (made.parent !== null && alive.has(made.parent)) alive.add(oid)
      else stale.push(oid)
    }
    drop.push(...stale.slice(0, Math.max(0, stale.length - this.#keepStale)))
    if (drop.length === 0) return
    for (const oid of drop) this.#commits.delete(oid)
    this.#objects.clear()
    for (const made of this.#commits.values()) {
      for (const object of made.objects) this.#objects.set(object.oid, object)
    }
  }
}
