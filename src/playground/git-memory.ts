import { Problem } from '../lib/problem.ts'
import { MadeCommits } from '../git/made-commits.ts'
import { ObjectReader } from '../git/object-reader.ts'
import type { RawObject } from '../git/objects.ts'
import { MemoryBranch } from './git-memory-branch.ts'
import type { Commit, FileChanges, GitBranch, Oid, Person } from '../git/types.ts'

export type MemoryOperation = 'tip' | 'fetch' | 'push'

/**
 * What becomes of a request: it passes; it fails before it did anything; it did happen and its answer is lost; or,
 * for a push, it gets no answer and happens only after the tip was asked for once more.
 */
export type MemoryFault = 'pass' | 'fail' | 'lose-answer' | 'late'

export interface MemoryRemoteOptions {
  /** Asked for each request of each client. */
  readonly intercept?: (operation: MemoryOperation, branch: string) => MemoryFault
  /** Says no to a push with its message, as a protected branch or a hook does; undefined lets it in. */
  readonly refuse?: (branch: string, expected: Oid | null, next: Oid) => string | undefined
  /** Told of each branch that has moved, by whomever. Must not throw. */
  readonly onMoved?: (branch: string, from: Oid | null, to: Oid | null) => void
}

/** A Git server in memory: for simulations and tests. Its clients need no network, no disk and no timer. */
export interface MemoryRemote {
  /** A client of its own: it sees only what it has fetched, and starts with a shallow clone. */
  open(branch: string): GitBranch
  /** A commit by somebody else, straight on the server. Starts the branch when there is none. */
  commit(branch: string, changes: FileChanges, message: string, author: Person, timeMs: number): Oid
  /** Puts a branch anywhere, as a forced push does; null deletes it. */
  reset(branch: string, tip: Oid | null): void
  tip(branch: string): Oid | null
  /** All commits of a branch, oldest first. */
  log(branch: string): readonly Commit[]
  /** The texts of a branch's files by path. */
  files(branch: string): ReadonlyMap<string, string>
  /** The texts of a commit's files by path. */
  filesAt(commit: Oid): ReadonlyMap<string, string>
  /** How many requests of each kind have come in. */
  requests(operation: MemoryOperation): number
}

/** What the clients of one remote share. */
export interface MemoryServer {
  readonly objects: Map<Oid, RawObject>
  readonly refs: Map<string, Oid>
  /** Pushes that arrive late: run after the next answered question for a tip. */
  readonly late: (() => void)[]
  readonly options: MemoryRemoteOptions
  readonly counts: Record<MemoryOperation, number>
}

/** An empty repository in memory. */
export function createMemoryRemote(options: MemoryRemoteOptions = {}): MemoryRemote {
  const server: MemoryServer = {
    objects: new Map(),
    refs: new Map(),
    late: [],
    options,
    counts: { tip: 0, fetch: 0, push: 0 },
  }
  const made = new MadeCommits()
  const reader = new ObjectReader({ read: (oid) => server.objects.get(oid) ?? made.read(oid) })
  const tipOf = (branch: string): Oid => {
    const tip = server.refs.get(branch)
    if (tip !== undefined) return tip
    throw new Problem({ kind: 'bug', code: 'GIT_BRANCH_GONE', message: `there is no branch "${branch}"` })
  }
  const filesAt = (commit: Oid): ReadonlyMap<string, string> =>
    new Map(reader.files(commit, ['']).map((file) => [file.path, reader.text(file.oid) ?? '']))
  return {
    open: (branch) => new MemoryBranch(server, branch),
    commit: (branch, changes, message, author, timeMs) => {
      const parent = server.refs.get(branch) ?? null
      const oid = made.make(reader, { parent, changes, message, author, timeMs })
      for (const object of made.since(reader, parent, oid)) server.objects.set(object.oid, object)
      server.refs.set(branch, oid)
      options.onMoved?.(branch, parent, oid)
      made.settle(oid, (one) => server.objects.has(one))
      return oid
    },
    reset: (branch, tip) => {
      const from = server.refs.get(branch) ?? null
      if (tip === null) server.refs.delete(branch)
      else server.refs.set(branch, tip)
      options.onMoved?.(branch, from, tip)
    },
    tip: (branch) => server.refs.get(branch) ?? null,
    log: (branch) => reader.between(null, tipOf(branch)) ?? [],
    files: (branch) => filesAt(tipOf(branch)),
    filesAt,
    requests: (operation) => server.counts[operation],
  }
}
