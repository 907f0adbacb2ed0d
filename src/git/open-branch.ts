import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { Problem } from '../lib/problem.ts'
import { discover } from './advertisement.ts'
import { GitDir, type Limits } from './gitdir.ts'
import { GitHttp, type GitHttpOptions } from './git-http.ts'
import { createLock } from './lock.ts'
import { readTip } from './ls-refs.ts'
import { MadeCommits } from './made-commits.ts'
import { writePack, type Pack } from './pack.ts'
import { refusal, soundsLikeRace } from './push-outcome.ts'
import { sendPack, type PushReport } from './receive-pack.ts'
import type { ObjectReader } from './object-reader.ts'
import type { Clock } from '../lib/clock.ts'
import type { Commit, CommitRequest, FileEntry, GitBranch, Oid, PushOutcome } from './types.ts'

export interface OpenBranchOptions extends GitHttpOptions {
  readonly branch: string
  /** Where the branch's own gitdir lies. One process at a time. */
  readonly directory: string
  /** How many packs may gather before they become one; 300 by default. */
  readonly maxPacks?: number
}

/** A branch over HTTP, with connections to close. */
export interface OpenedBranch extends GitBranch {
  close(): Promise<void>
}

/**
 * A branch of a repository over smart HTTP, through a shallow clone of its own on disk. Speaks to nobody until it is
 * asked to. Throws a Problem (`stalled`) for an address that is not http or https and for a name that is no branch's.
 */
export function openBranch(options: OpenBranchOptions): OpenedBranch {
  return new HttpBranch(options)
}

const mebibyte = 1024 * 1024

class HttpBranch implements OpenedBranch {
  readonly name: string
  readonly #ref: string
  readonly #http: GitHttp
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #made = new MadeCommits()
  readonly #dir: GitDir
  readonly #lock = createLock()
  #opening: Promise<void> | undefined
  #withoutVersion2 = false

  constructor(options: OpenBranchOptions) {
    checkName(options.branch)
    this.name = options.branch
    this.#ref = `refs/heads/${options.branch}`
    this.#http = new GitHttp(options)
    this.#clock = options.clock
    this.#timeoutMs = options.timeoutMs
    this.#dir = new GitDir({
      path: join(options.directory, folderName(this.#http.url, options.branch)),
      ref: this.#ref,
      url: this.#http.url,
      made: this.#made,
      maxPacks: options.maxPacks ?? 300,
    })
  }

  async close(): Promise<void> {
    await this.#lock(() => this.#http.close())
  }

  async tip(): Promise<Oid | null> {
    if (!this.#withoutVersion2) {
      const tip = await readTip(this.#http, this.#ref)
      if (tip !== undefined) return tip
      this.#withoutVersion2 = true
    }
    return (await discover(this.#http, this.#ref)).tip
  }

  async fetch(tip: Oid): Promise<void> {
    await this.#open()
    await this.#lock(() => this.#fetch(tip))
  }

  async deepen(commit: Oid): Promise<boolean> {
    await this.#open()
    return this.#lock(async () => {
      for (const step of [100, 2000, 0x7fffffff]) {
        if (this.#dir.has(commit)) return true
        if (this.#dir.tip === null || (await this.#dir.isComplete())) return false
        await this.#dir.deepen(this.#http, step, this.#limits())
      }
      return this.#dir.has(commit)
    })
  }

  async push(expected: Oid | null, next: Oid): Promise<PushOutcome> {
    await this.#open()
    return this.#lock(async () => {
      const pack = writePack(this.#made.since(this.#dir.reader, expected, next))
      const report = await this.#send(expected, next, pack)
      if ('outcome' in report) return report.outcome
      try {
        return await this.#judge(report, expected, next, pack)
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        return { kind: 'unknown', message: `the push cannot be confirmed: ${error.message}` }
      }
    })
  }

  async commit(oid: Oid): Promise<Commit> {
    return (await this.#reader()).commit(oid)
  }

  async between(from: Oid | null, to: Oid): Promise<readonly Commit[] | null> {
    return (await this.#reader()).between(from, to)
  }

  async files(commit: Oid, folders: readonly string[]): Promise<readonly FileEntry[]> {
    return (await this.#reader()).files(commit, folders)
  }

  async changedPaths(a: Oid, b: Oid): Promise<readonly string[]> {
    return (await this.#reader()).changedPaths(a, b)
  }

  async text(blob: Oid): Promise<string | null> {
    return (await this.#reader()).text(blob)
  }

  async read(commit: Oid, path: string): Promise<string | null> {
    return (await this.#reader()).fileText(commit, path)
  }

  async make(request: CommitRequest): Promise<Oid> {
    return this.#made.make(await this.#reader(), request)
  }

  async #reader(): Promise<ObjectReader> {
    await this.#open()
    return this.#dir.reader
  }

  #open(): Promise<void> {
    this.#opening ??= this.#dir.open().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #fetch(tip: Oid): Promise<void> {
    if (!this.#dir.has(tip)) {
      await this.#fetchOrClone(tip)
      // A first fetch brings only the newest commit, and the branch may have moved on since it was asked.
      if (!this.#dir.has(tip) && !(await this.#dir.isComplete())) {
        await this.#dir.deepen(this.#http, 100, this.#limits())
      }
    }
    if (!this.#dir.has(tip)) {
      const message = `commit ${tip} is no longer in the history of "${this.name}"`
      throw new Problem({ kind: 'retry', code: 'GIT_TIP_GONE', message, place: this.#http.url })
    }
    await this.#dir.settle(tip)
    this.#made.settle(tip, (oid) => this.#dir.has(oid))
  }

  /** Fetches what is new; when the local copy cannot be built on, it is thrown away: the remote is the truth. */
  async #fetchOrClone(tip: Oid): Promise<void> {
    const first = this.#dir.tip === null
    try {
      await this.#dir.fetch(this.#http, tip, this.#limits())
    } catch (error) {
      const fixable = ['GIT_FETCH_FAILED', 'GIT_DAMAGED', 'GIT_OBJECT_MISSING', 'GIT_COMMIT_NOT_HERE', 'GIT_TOO_LARGE']
      if (!(error instanceof Problem) || !fixable.includes(error.code)) throw error
      await this.#dir.reset()
      if (first) throw error
      await this.#dir.fetch(this.#http, tip, this.#limits())
    }
  }

  async #send(expected: Oid | null, next: Oid, pack: Pack): Promise<PushReport | { outcome: PushOutcome }> {
    if (pack.entries.length === 0) return { kind: 'known', message: '' }
    try {
      return await sendPack(this.#http, this.#ref, expected, next, pack.bytes)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const { code, kind, message } = error
      // Something between us and the server may have answered in its place.
      if (kind !== 'stalled' || code === 'GIT_NOT_A_REPOSITORY' || code === 'GIT_TOO_LARGE') {
        return { outcome: { kind: 'unknown', message } }
      }
      if (code === 'GIT_SERVER_ERROR') return { outcome: { kind: 'refused', code: 'GIT_PUSH_REFUSED', message } }
      throw error
    }
  }

  /** The server's tip decides what a report means, for its words differ by host. */
  async #judge(report: PushReport, expected: Oid | null, next: Oid, pack: Pack): Promise<PushOutcome> {
    const tip = await this.#tipAfter(report, expected)
    if (tip === next) {
      await this.#dir.keep(pack, next)
      await this.#fetch(next)
      return { kind: 'landed' }
    }
    if (tip === expected) {
      if (report.kind === 'known') return { kind: 'lost', tip }
      if (report.kind !== 'ok') return refusal(report, expected)
      return { kind: 'unknown', message: 'the server reported success but the tip has not moved' }
    }
    if (tip === null) return { kind: 'lost', tip }
    await this.#fetch(tip)
    return this.#dir.reader.between(next, tip) === null ? { kind: 'lost', tip } : { kind: 'landed' }
  }

  /** Reads the tip; looks again after a moment while it should have moved: another push may hold the lock, a replica lag. */
  async #tipAfter(report: PushReport, expected: Oid | null): Promise<Oid | null> {
    const waits = report.kind === 'ok' || soundsLikeRace(report.message) ? [50, 200, 800] : []
    for (const wait of waits) {
      const tip = await this.tip()
      if (tip !== expected) return tip
      await this.#clock.sleep(wait)
    }
    return this.tip()
  }

  #limits(): Limits {
    return { totalMs: this.#timeoutMs * 20, maxBytes: 512 * mebibyte }
  }
}

/** The rules of `git check-ref-format` that a branch name can break. */
function checkName(branch: string): void {
  const bad = /[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|^[/-]|[/.]$|(^|\/)\.|\.lock(\/|$)|^@$/u
  if (branch !== '' && !bad.test(branch)) return
  throw new Problem({ kind: 'stalled', code: 'GIT_BRANCH_NAME', message: `"${branch}" is no name for a branch` })
}

function folderName(url: string, branch: string): string {
  const sum = createHash('sha256').update(`${url}\n${branch}`).digest('hex').slice(0, 12)
  const words = `${new URL(url).pathname}-${branch}`.replaceAll(/[^A-Za-z0-9]+/g, '-').replace(/^-/, '')
  return `${words.slice(-60)}-${sum}`
}
