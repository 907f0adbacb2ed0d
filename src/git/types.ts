/** A SHA-1 object name: 40 lower-case hex digits. */
export type Oid = string

export interface Person {
  readonly name: string
  readonly email: string
}

/** A commit as the project reads it. Times are milliseconds since the epoch. */
export interface Commit {
  readonly oid: Oid
  readonly tree: Oid
  readonly parents: readonly Oid[]
  readonly author: Person
  readonly committer: Person
  readonly timeMs: number
  /** Whole message, subject first, with its trailing newline. */
  readonly message: string
}

/** The regular files of a tree: path -> blob. Symbolic links, submodules and the like are left out. */
export interface FileEntry {
  readonly path: string
  readonly oid: Oid
  readonly mode: '100644' | '100755'
}

/** What one commit changes: the new content of a path, or null to delete it. Everything else stays as it is. */
export type FileChanges = ReadonlyMap<string, string | null>

export interface CommitRequest {
  /** null starts an unrelated history. */
  readonly parent: Oid | null
  readonly changes: FileChanges
  readonly message: string
  readonly author: Person
  /** Milliseconds since the epoch; author and committer time. */
  readonly timeMs: number
}

/**
 * What became of a push.
 * - `landed`: the new tip is in the branch's history, as read back from the server; others may have pushed on top.
 * - `lost`: somebody else moved the branch first; `tip` is where it is now (null: it is gone). Rebuild and push again.
 * - `refused`: the server does not take it and trying again does not help: a protected branch, a hook
 *   (`GIT_PUSH_REFUSED`), or a ref that it cannot move although nobody else did (`GIT_REF_STUCK`: an alarm of its own).
 * - `unknown`: no answer. Push the very same commits again: the commit id is the idempotency key.
 */
export type PushOutcome =
  | { readonly kind: 'landed' }
  | { readonly kind: 'lost'; readonly tip: Oid | null }
  | { readonly kind: 'refused'; readonly code: 'GIT_PUSH_REFUSED' | 'GIT_REF_STUCK'; readonly message: string }
  | { readonly kind: 'unknown'; readonly message: string }

/**
 * One branch of a remote repository and what is known of it here. All reads answer from what was fetched; only `tip`,
 * `fetch`, `deepen` and `push` speak to the server, each with a deadline. They reject with a Problem when the
 * remote can't be reached (`retry`) or says no for good (`stalled`): wrong credentials, no such repository.
 */
export interface GitBranch {
  readonly name: string
  /** The branch's tip at the server, or null when it does not exist there. One round trip. */
  tip(): Promise<Oid | null>
  /** Makes the commit that `tip` named, and what is new since the last fetch, readable here. No-op when it is already. */
  fetch(tip: Oid): Promise<void>
  /** Makes an older commit of this branch readable although the clone is shallow; false when its history does not hold it. */
  deepen(commit: Oid): Promise<boolean>
  /**
   * Moves the branch from `expected` to `next` at the server if and only if it still is at `expected` (null: does not
   * exist), sending the objects that the new commits need. Never forces.
   */
  push(expected: Oid | null, next: Oid): Promise<PushOutcome>

  /** A fetched or made commit. Rejects with a Problem when it is not here. */
  commit(oid: Oid): Promise<Commit>
  /**
   * Commits reachable from `to` but not from `from`, oldest first; null when `from` is no ancestor of `to`
   * as far as history is here: a rewritten branch, or a clone that starts later (`deepen` tells). `from` null:
   * everything that is here. A fetch brings what lies between the former tip and the new one, up to 1,000 commits deep.
   */
  between(from: Oid | null, to: Oid): Promise<readonly Commit[] | null>
  /** All regular files below the given folders ('' is the root; a file's own path works too), in path order. Trees are cached by oid. */
  files(commit: Oid, folders: readonly string[]): Promise<readonly FileEntry[]>
  /** The paths of regular files that differ between two commits' trees, in path order. Equal subtrees are not read. */
  changedPaths(a: Oid, b: Oid): Promise<readonly string[]>
  /** A blob's text, or null when its bytes are no UTF-8 or exceed 1 MiB. */
  text(blob: Oid): Promise<string | null>
  /** The text of a path in a commit; null when there is no such file. */
  read(commit: Oid, path: string): Promise<string | null>
  /** Makes a commit here, without a checkout and without touching the server. The same request gives the same oid. */
  make(request: CommitRequest): Promise<Oid>
}
