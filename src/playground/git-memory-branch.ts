import { Problem } from '../lib/problem.ts'
import { MadeCommits } from '../git/made-commits.ts'
import { ObjectReader } from '../git/object-reader.ts'
import { parseCommit, type NamedObject, type RawObject } from '../git/objects.ts'
import type { MemoryFault, MemoryOperation, MemoryServer } from './git-memory.ts'
import type { Commit, CommitRequest, FileEntry, GitBranch, Oid, PushOutcome } from '../git/types.ts'

/** A client of a remote in memory, as strict as one over HTTP: it starts with a shallow clone and reads only what it fetched. */
export class MemoryBranch implements GitBranch {
  readonly name: string
  readonly #server: MemoryServer
  readonly #made = new MadeCommits()
  readonly #here = new Set<Oid>()
  readonly #reader = new ObjectReader({ read: (oid) => this.#read(oid) })
  #fetchedTip: Oid | null = null

  constructor(server: MemoryServer, name: string) {
    this.#server = server
    this.name = name
  }

  async tip(): Promise<Oid | null> {
    this.#ask('tip')
    const tip = this.#server.refs.get(this.name) ?? null
    for (const arrive of this.#server.late.splice(0)) arrive()
    return tip
  }

  async fetch(tip: Oid): Promise<void> {
    if (this.#here.has(tip)) return this.#settle(tip)
    const fault = this.#ask('fetch')
    this.#fetch(tip)
    if (fault !== 'pass') throw unreachable('fetch')
  }

  async deepen(commit: Oid): Promise<boolean> {
    if (this.#here.has(commit)) return true
    if (this.#fetchedTip === null) return false
    this.#ask('fetch')
    this.#uncover(this.#fetchedTip, () => false)
    return this.#here.has(commit)
  }

  async push(expected: Oid | null, next: Oid): Promise<PushOutcome> {
    const objects = this.#made.since(this.#reader, expected, next)
    if (objects.length === 0) return this.#judge(next)
    this.#server.counts.push += 1
    const fault = this.#server.options.intercept?.('push', this.name) ?? 'pass'
    if (fault === 'fail') return { kind: 'unknown', message: 'the connection was refused' }
    if (fault === 'late') {
      this.#server.late.push(() => this.#arrive(expected, next, objects))
      return { kind: 'unknown', message: 'the answer did not come in time' }
    }
    const refusal = this.#arrive(expected, next, objects)
    if (fault === 'lose-answer') return { kind: 'unknown', message: 'the connection broke before the answer' }
    if (refusal !== undefined) return { kind: 'refused', code: 'GIT_PUSH_REFUSED', message: refusal }
    return this.#judge(next)
  }

  async commit(oid: Oid): Promise<Commit> {
    return this.#reader.commit(oid)
  }

  async between(from: Oid | null, to: Oid): Promise<readonly Commit[] | null> {
    return this.#reader.between(from, to)
  }

  async files(commit: Oid, folders: readonly string[]): Promise<readonly FileEntry[]> {
    return this.#reader.files(commit, folders)
  }

  async changedPaths(a: Oid, b: Oid): Promise<readonly string[]> {
    return this.#reader.changedPaths(a, b)
  }

  async text(blob: Oid): Promise<string | null> {
    return this.#reader.text(blob)
  }

  async read(commit: Oid, path: string): Promise<string | null> {
    return this.#reader.fileText(commit, path)
  }

  async make(request: CommitRequest): Promise<Oid> {
    return this.#made.make(this.#reader, request)
  }

  #read(oid: Oid): RawObject | undefined {
    const made = this.#made.read(oid)
    if (made !== undefined) return made
    const object = this.#server.objects.get(oid)
    return object?.type === 'commit' && !this.#here.has(oid) ? undefined : object
  }

  #ask(operation: MemoryOperation): MemoryFault {
    this.#server.counts[operation] += 1
    const fault = this.#server.options.intercept?.(operation, this.name) ?? 'pass'
    if (fault === 'fail' || (fault !== 'pass' && operation === 'tip')) throw unreachable(operation)
    return fault
  }

  #fetch(tip: Oid): void {
    const serverTip = this.#server.refs.get(this.name)
    if (serverTip === undefined) {
      throw new Problem({
        kind: 'retry',
        code: 'GIT_BRANCH_GONE',
        message: `the branch "${this.name}" is not at the server`,
      })
    }
    if (this.#fetchedTip === null) this.#here.add(serverTip)
    this.#uncover(serverTip, (oid) => this.#here.has(oid))
    if (!this.#here.has(tip)) this.#uncover(serverTip, () => false)
    this.#fetchedTip = serverTip
    if (!this.#here.has(tip)) {
      const message = `commit ${tip} is no longer in the history of "${this.name}"`
      throw new Problem({ kind: 'retry', code: 'GIT_TIP_GONE', message })
    }
    this.#settle(tip)
  }

  /** Makes a tip's history readable, but not what lies behind the commits at which to stop. */
  #uncover(tip: Oid, stop: (oid: Oid) => boolean): void {
    const queue = [tip]
    const seen = new Set<Oid>()
    for (let oid = queue.pop(); oid !== undefined; oid = queue.pop()) {
      if (seen.has(oid) || stop(oid)) continue
      seen.add(oid)
      this.#here.add(oid)
      const object = this.#server.objects.get(oid)
      if (object !== undefined) queue.push(...parseCommit(oid, object.body).parents)
    }
  }

  /** Compares and swaps. The refusal's message when the server does not take it. */
  #arrive(expected: Oid | null, next: Oid, objects: readonly NamedObject[]): string | undefined {
    const { refs, options } = this.#server
    if ((refs.get(this.name) ?? null) !== expected) return undefined
    const refusal = options.refuse?.(this.name, expected, next)
    if (refusal !== undefined) return refusal
    for (const object of objects) this.#server.objects.set(object.oid, object)
    refs.set(this.name, next)
    options.onMoved?.(this.name, expected, next)
    return undefined
  }

  #judge(next: Oid): PushOutcome {
    const tip = this.#server.refs.get(this.name) ?? null
    if (tip === next) this.#here.add(next)
    if (tip === null) return { kind: 'lost', tip }
    this.#fetch(tip)
    const contained = this.#reader.between(next, tip) !== null
    return contained ? { kind: 'landed' } : { kind: 'lost', tip }
  }

  #settle(tip: Oid): void {
    this.#fetchedTip = tip
    this.#made.settle(tip, (oid) => this.#here.has(oid))
  }
}

function unreachable(operation: MemoryOperation): Problem {
  return new Problem({ kind: 'retry', code: 'GIT_UNREACHABLE', message: `the remote cannot be reached (${operation})` })
}
