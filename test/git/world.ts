import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBranch, type OpenBranchOptions, type OpenedBranch } from '../../src/git/open-branch.ts'
import type { GitBranch, Oid, Person } from '../../src/git/types.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { runGit } from '../../src/playground/git-environment.ts'
import { createBareRepository } from '../../src/playground/git-repository.ts'
import { serveGit, type GitServer, type GitServerOptions } from '../../src/playground/git-server.ts'

export const alice: Person = { name: 'Alice', email: 'alice@example.com' }
export const startMs = Date.UTC(2026, 0, 1)

/** A real Git server on loopback with repositories of its own, for the tests of one file. */
export interface GitWorld {
  readonly server: GitServer
  readonly root: string
  repository(files?: Readonly<Record<string, string>>): Promise<string>
  open(repository: string, branch?: string, more?: Partial<OpenBranchOptions>): OpenedBranch
  git(repository: string, ...args: string[]): Promise<string>
  close(): Promise<void>
}

export async function startGitWorld(options: Omit<GitServerOptions, 'root'> = {}): Promise<GitWorld> {
  const root = await mkdtemp(join(tmpdir(), 'serin-git-'))
  const server = await serveGit({ root, ...options })
  const opened: OpenedBranch[] = []
  let count = 0
  return {
    server,
    root,
    repository: async (files = { 'README.md': 'hello\n' }) => {
      count += 1
      const name = `fleet-${count}.git`
      await createBareRepository(root, name, files, { branch: 'main', author: alice, timeMs: startMs })
      return name
    },
    open: (repository, branch = 'main', more = {}) => {
      count += 1
      const directory = join(root, `client-${count}`)
      const url = `${server.url}/${repository}`
      const one = openBranch({ url, branch, directory, clock: systemClock, timeoutMs: 5000, ...more })
      opened.push(one)
      return one
    },
    git: (repository, ...args) => runGit(['-C', join(root, repository), ...args]),
    close: async () => {
      await Promise.all(opened.map((one) => one.close()))
      await server.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** Fetches the tip and resolves to it. */
export async function pull(branch: GitBranch): Promise<Oid> {
  const tip = await branch.tip()
  if (tip === null) throw new Error(`there is no branch ${branch.name}`)
  await branch.fetch(tip)
  return tip
}

/** A commit on a parent. */
export async function change(
  branch: GitBranch,
  parent: Oid | null,
  changes: Readonly<Record<string, string | null>>,
  message = 'Change',
  timeMs = startMs + 60_000,
): Promise<Oid> {
  return branch.make({ parent, changes: new Map(Object.entries(changes)), message, author: alice, timeMs })
}

/** Makes a commit on the tip and pushes it. */
export async function pushChange(
  branch: GitBranch,
  changes: Readonly<Record<string, string | null>>,
  message = 'Change',
): Promise<Oid> {
  const tip = await pull(branch)
  const next = await change(branch, tip, changes, message)
  const outcome = await branch.push(tip, next)
  if (outcome.kind !== 'landed') throw new Error(`the push did not land: ${JSON.stringify(outcome)}`)
  return next
}
