import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gitEnvironment } from '../../../src/playground/git-environment.ts'
import { createBareRepository } from '../../../src/playground/git-repository.ts'
import { serveGit, type GitServer } from '../../../src/playground/git-server.ts'

const run = promisify(execFile)

/** A way into the repository for one user, with credentials that nobody else has. */
export interface GitAccess {
  /** Without credentials. */
  readonly url: string
  readonly username: string
  readonly password: string
  /** How many pushes came in, those included that were refused. */
  pushes(): number
  requests(): number
}

/** A bare repository behind git's own http-backend, with two ways in that ask for different passwords. */
export interface Repository {
  readonly directory: string
  readonly path: string
  readonly serin: GitAccess
  readonly people: GitAccess
  /** Git in the bare repository, past all servers. */
  git(...args: readonly string[]): Promise<string>
  /** Installs a hook, or removes it. */
  hook(name: string, script: string | undefined): Promise<void>
  /** Each move of a branch, oldest first, from the server's own reflog. */
  moves(branch: string): Promise<readonly { readonly from: string; readonly to: string }[]>
  close(): Promise<void>
}

const PERSON = { name: 'Ada', email: 'ada@example.com' }

/** Makes a repository whose main holds the given files, and serves it on 127.0.0.1. */
export async function startRepository(files: Readonly<Record<string, string>>): Promise<Repository> {
  const directory = await mkdtemp(join(tmpdir(), 'serin-git-'))
  const options = { branch: 'main', author: PERSON, timeMs: Date.now(), message: 'Start the fleet\n' }
  const path = await createBareRepository(directory, 'fleet.git', files, options)
  const git = async (...args: readonly string[]): Promise<string> =>
    (await run('git', ['--git-dir', path, ...args], { env: gitEnvironment, maxBuffer: 64 * 1024 * 1024 })).stdout.trim()
  await git('config', 'core.logAllRefUpdates', 'always')
  // Nobody is to take the repository from under the tests' own readers.
  await git('config', 'gc.auto', '0')
  await git('config', 'receive.autogc', 'false')
  const servers: GitServer[] = []
  const open = async (username: string, password: string): Promise<GitAccess> => {
    let pushes = 0
    const server = await serveGit({
      root: directory,
      auth: { username, password },
      fault: ({ isPush }) => {
        if (isPush) pushes += 1
        return undefined
      },
    })
    servers.push(server)
    const url = `${server.url}/fleet.git`
    return { url, username, password, pushes: () => pushes, requests: () => server.requests() }
  }
  return {
    directory,
    path,
    serin: await open('serin', 'password-of-serin'),
    people: await open('ada', 'password-of-ada'),
    git,
    async hook(name, script) {
      const file = join(path, 'hooks', name)
      await mkdir(join(path, 'hooks'), { recursive: true })
      if (script === undefined) return rm(file, { force: true })
      // The server must never run half of it.
      await writeFile(`${file}.new`, `#!/bin/sh\n${script}\n`)
      await chmod(`${file}.new`, 0o755)
      await run('mv', [`${file}.new`, file])
    },
    async moves(branch) {
      const text = await git('reflog', 'show', '--format=%H', `refs/heads/${branch}`)
      const tips = text.split('\n').toReversed()
      return tips.slice(1).map((to, index) => ({ from: tips[index] ?? '', to }))
    },
    async close() {
      for (const server of servers) await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A clone of one branch, and the `git` of the person whose it is. */
export interface Clone {
  readonly directory: string
  git(...args: readonly string[]): Promise<string>
  read(path: string): Promise<string>
  write(path: string, text: string): Promise<void>
  /** Brings in what others pushed. */
  pull(): Promise<void>
  /**
   * Commits what was changed and pushes it; when somebody else was first, again on top of that, as `git pull --rebase`
   * makes it. Resolves to the commit that landed and how many pushes lost.
   */
  push(message: string): Promise<{ readonly commit: string; readonly lost: number }>
}

const MOST_TRIES = 50

/** Clones a branch over HTTP. */
export async function openClone(repository: Repository, branch: string, person: string): Promise<Clone> {
  const { url, username, password } = repository.people
  const directory = await mkdtemp(join(repository.directory, `clone-${person}-`))
  const withPassword = new URL(url)
  withPassword.username = username
  withPassword.password = password
  const identity = ['-c', `user.name=${person}`, '-c', `user.email=${person}@example.com`]
  const git = async (...args: readonly string[]): Promise<string> =>
    (await run('git', ['-C', directory, ...identity, ...args], { env: gitEnvironment })).stdout.trim()
  await git('clone', '--quiet', '--single-branch', '--branch', branch, withPassword.href, '.')
  const pull = async (): Promise<void> => void (await git('pull', '--quiet', '--rebase', 'origin', branch))
  return {
    directory,
    git,
    pull,
    read: (path) => readFile(join(directory, path), 'utf8'),
    async write(path, text) {
      await mkdir(join(directory, path, '..'), { recursive: true })
      await writeFile(join(directory, path), text)
    },
    async push(message) {
      await git('add', '--all')
      await git('commit', '--quiet', '--message', message)
      for (let lost = 0; lost < MOST_TRIES; lost += 1) {
        try {
          await git('push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`)
          return { commit: await git('rev-parse', 'HEAD'), lost }
        } catch (error) {
          if (!isRace(error)) throw error
          await pull()
        }
      }
      throw new Error(`${person} lost ${MOST_TRIES} pushes to ${branch} in a row`)
    },
  }
}

/** Somebody else pushed first, or is just doing so. */
function isRace(error: unknown): boolean {
  return (
    error instanceof Error && /fetch first|non-fast-forward|cannot lock ref|failed to update ref/.test(error.message)
  )
}
