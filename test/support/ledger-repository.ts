import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { transitionChange, type LedgerChange } from '../../src/ledger/change.ts'
import { readEdit, type Edit } from '../../src/ledger/edit.ts'
import type { LedgerEntry } from '../../src/ledger/entry.ts'
import { ledgerFiles, parseEntry, type LedgerFile } from '../../src/ledger/files.ts'
import { Problem } from '../../src/lib/problem.ts'
import type { Transition } from '../../src/rollout/transition.ts'
import { primaryOf, routesAt } from './ledger-world.ts'
import type { Rollout } from './rollout-world.ts'

const KEY = 'test/podinfo'
const BRANCH = 'refs/heads/serin/default'

/** A work tree of the real git program in which a rollout's ledger commits are made, and reverted by a person. */
export class LedgerRepository {
  private readonly folder = mkdtempSync(join(tmpdir(), 'serin-ledger-'))
  private readonly rollout: Rollout
  private written = 0
  private entry: LedgerEntry | null = null
  private pending = ''
  private isEmpty = true

  constructor(rollout: Rollout) {
    this.rollout = rollout
    execFileSync('git', ['init', '--quiet', '--initial-branch=serin/default'], this.where)
    this.write()
  }

  /** Commits the transitions that the rollout has made since the last call. */
  write(): this {
    for (const transition of this.rollout.transitions.slice(this.written)) this.writeTransition(transition)
    this.written = this.rollout.transitions.length
    return this
  }

  /** Commits one more transition, decided outside of the rollout. */
  writeTransition(transition: Transition): void {
    const content = (transition.promotion?.promoted.hash ?? this.recorded.promoted.hash).replace('-hash', '')
    const objects = { primary: primaryOf(content), routes: routesAt(transition.next.canaryWeight) }
    this.commit(transitionChange(KEY, this.entry, transition, objects, []))
  }

  /** What Serin has recorded last. */
  get recorded(): LedgerEntry {
    if (this.entry === null) throw new Error('nothing is recorded yet')
    return this.entry
  }

  /** The newest commit whose subject begins so. */
  find(subject: string): string {
    const line = this.log().find((one) => one.slice(41).startsWith(subject))
    if (line === undefined) throw new Error(`no commit begins with ${subject}`)
    return line.slice(0, 40)
  }

  /** Object name and subject of each commit, newest first. */
  log(): readonly string[] {
    return this.git('log', '--format=%H %s').trimEnd().split('\n')
  }

  /** The files that a commit changes. */
  changedBy(commit: string): readonly string[] {
    return this.git('show', '--format=', '--name-only', commit).trimEnd().split('\n')
  }

  /** `git revert` as a person does it. Throws when git finds a conflict. */
  revert(commit: string): this {
    this.git('revert', '--no-edit', commit)
    return this
  }

  /** A person's commit of one file. */
  edit(file: LedgerFile, change: (text: string) => string): this {
    this.flush()
    const path = join(this.folder, KEY, file)
    writeFileSync(path, change(readFileSync(path, 'utf8')))
    this.git('commit', '--quiet', '--all', '--message', 'Update file')
    return this
  }

  /** What the head asks for, compared with what Serin has recorded. */
  read(): Edit {
    return readEdit(this.recorded, this.head(), 'c0ffee')
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  private commit(change: LedgerChange): void {
    for (const { message, files } of change.commits) this.pending += importedCommit(message, files)
    this.entry = change.next
  }

  /** Makes the pending commits with one call of git, and the work tree what the last of them holds. */
  private flush(): void {
    if (this.pending === '') return
    const start = this.isEmpty ? '' : `reset ${BRANCH}\nfrom ${BRANCH}^0\n`
    execFileSync('git', ['fast-import', '--quiet'], { ...this.where, input: start + this.pending })
    execFileSync('git', ['reset', '--quiet', '--hard'], this.where)
    this.pending = ''
    this.isEmpty = false
  }

  private head(): LedgerEntry | Problem {
    this.flush()
    const texts = ledgerFiles.map((file) => [file, this.textOf(file)] as const)
    try {
      return parseEntry(KEY, Object.fromEntries(texts) as Record<LedgerFile, string | null>)
    } catch (error) {
      if (error instanceof Problem) return error
      throw error
    }
  }

  private textOf(file: LedgerFile): string | null {
    const path = join(this.folder, KEY, file)
    return existsSync(path) ? readFileSync(path, 'utf8') : null
  }

  private git(...args: readonly string[]): string {
    this.flush()
    return execFileSync('git', args, { ...this.where, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }

  private get where(): { readonly cwd: string; readonly env: NodeJS.ProcessEnv } {
    return { cwd: this.folder, env: environment }
  }
}

/** A commit on top of the branch in the format of `git fast-import`. */
function importedCommit(message: string, files: Readonly<Record<string, string>>): string {
  const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`
  const contents = Object.entries(files).map(([file, text]) => `M 100644 inline ${KEY}/${file}\n${data(text)}`)
  return `commit ${BRANCH}\ncommitter Test <test@example.com> 1767225600 +0000\n${data(message)}${contents.join('')}`
}

const environment = {
  PATH: process.env['PATH'],
  LC_ALL: 'C.UTF-8',
  HOME: '/nonexistent',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_AUTHOR_NAME: 'Test',
  GIT_AUTHOR_EMAIL: 'test@example.com',
  GIT_COMMITTER_NAME: 'Test',
  GIT_COMMITTER_EMAIL: 'test@example.com',
}
