import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runGit } from '../../../src/playground/git-environment.ts'
import { createBareRepository } from '../../../src/playground/git-repository.ts'
import { serveGit } from '../../../src/playground/git-server.ts'

/** One commit as `git log` shows it. */
export interface LoggedCommit {
  readonly oid: string
  readonly author: string
  readonly subject: string
  readonly message: string
}

/** A moment from which the server has a tip of the ledger, taken before whoever pushed it is told. */
export interface LedgerPush {
  readonly atMs: number
  readonly tip: string
}

/** A Git server with one repository, and a person's clone of it. */
export interface Repository {
  readonly url: string
  /** Changes a file on a branch and merges that into main, as a forge's button does. Resolves to the merge commit. */
  merge(title: string, path: string, text: string): Promise<string>
  readonly ledgerPushes: readonly LedgerPush[]
  /** A branch's commits, oldest first. */
  log(branch: string): Promise<readonly LoggedCommit[]>
  /** A file of main's tip. */
  read(path: string): Promise<string>
}

const PERSON = { name: 'Ada', email: 'ada@example.com' }

/** Serves a new repository whose main holds the given files. `ledger` is the branch whose pushes are timed. */
export async function startRepository(
  directory: string,
  files: Readonly<Record<string, string>>,
  ledger: string,
): Promise<Repository> {
  const options = { branch: 'main', author: PERSON, timeMs: Date.now(), message: 'Start the fleet\n' }
  const bare = await createBareRepository(directory, 'fleet.git', files, options)
  const ledgerPushes: LedgerPush[] = []
  const onPush = (): void => {
    const tip = tipOf(bare, ledger)
    if (tip !== undefined && tip !== ledgerPushes.at(-1)?.tip) ledgerPushes.push({ atMs: Date.now(), tip })
  }
  const { url } = await serveGit({ root: directory, onPush })
  const clone = join(directory, 'clone')
  const remote = `${url}/fleet.git`
  await runGit(['clone', '--quiet', remote, clone])
  const identity = ['-c', `user.name=${PERSON.name}`, '-c', `user.email=${PERSON.email}`]
  const git = (...args: readonly string[]): Promise<string> => runGit(['-C', clone, ...identity, ...args])
  let pulls = 0
  return {
    url: remote,
    ledgerPushes,
    async merge(title, path, text) {
      pulls += 1
      const branch = `change-${pulls}`
      await git('fetch', '--quiet', 'origin')
      await git('switch', '--quiet', '--create', branch, 'origin/main')
      writeFileSync(join(clone, path), text)
      await git('commit', '--quiet', '--all', '--message', title)
      await git('switch', '--quiet', '--force-create', 'main', 'origin/main')
      await git('merge', '--quiet', '--no-ff', '--message', `Merge pull request #${pulls}: ${title}`, branch)
      await git('push', '--quiet', 'origin', 'main')
      return (await git('rev-parse', 'HEAD')).trim()
    },
    async log(branch) {
      const text = await runGit(['-C', bare, 'log', '--reverse', '--format=%H%x00%an%x00%s%x00%B%x01', branch])
      return text.split('\x01').flatMap((record) => {
        const [oid, author, subject, message] = record.trim().split('\0')
        if (oid === undefined || author === undefined || subject === undefined || message === undefined) return []
        return [{ oid, author, subject, message }]
      })
    },
    read: (path) => runGit(['-C', bare, 'show', `main:${path}`]),
  }
}

/** Read as a file: a process for it would take time. Git packs no references by itself while somebody only pushes. */
function tipOf(bare: string, branch: string): string | undefined {
  try {
    return readFileSync(join(bare, 'refs/heads', branch), 'utf8').trim()
  } catch {
    return undefined
  }
}

/** The transitions of one revision, by the trailers of the ledger's commits. */
export function ofRevision(ledger: readonly LoggedCommit[], commit: string): readonly LoggedCommit[] {
  return ledger.filter(
    ({ message }) => message.includes(`\nRevision: ${commit}\n`) || message.endsWith(`\nRevision: ${commit}`),
  )
}
