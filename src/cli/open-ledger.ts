import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { repositoryCredentials } from '../config/secrets.ts'
import { openBranch } from '../git/open-branch.ts'
import type { GitBranch, Oid } from '../git/types.ts'
import { systemClock } from '../lib/clock.ts'
import { Problem } from '../lib/problem.ts'
import { configFrom } from './load-config.ts'

/** How a command names the ledger it reads. */
export interface LedgerOptions {
  readonly config: string
  readonly repository?: string
  readonly ledger: string
}

const TIMEOUT_MS = 30_000

/** Opens a ledger for reading, hands its tip to `use`, and cleans up. A local path is served by git's own backend meanwhile. */
export async function withLedger<T>(
  options: LedgerOptions,
  use: (branch: GitBranch, tip: Oid) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'serin-ledger-'))
  const closers: (() => Promise<void>)[] = [() => rm(directory, { recursive: true, force: true })]
  try {
    const { url, ledger, credentials, close } = await locate(options)
    closers.unshift(close)
    const branch = openBranch({
      url,
      branch: ledger,
      directory,
      credentials,
      clock: systemClock,
      timeoutMs: TIMEOUT_MS,
    })
    closers.unshift(() => branch.close())
    const tip = await branch.tip()
    if (tip === null) throw noLedger(ledger, options.repository)
    await branch.fetch(tip)
    return await use(branch, tip)
  } finally {
    for (const close of closers) await close()
  }
}

interface Located {
  readonly url: string
  readonly ledger: string
  readonly credentials: () => Promise<{ readonly username: string; readonly password: string } | undefined>
  readonly close: () => Promise<void>
}

async function locate({ config: file, repository, ledger }: LedgerOptions): Promise<Located> {
  const nothing = { credentials: async () => undefined, close: async () => {} }
  if (repository === undefined) {
    const config = await configFrom(file, {})
    const credentials = (): ReturnType<typeof repositoryCredentials> => repositoryCredentials(config)
    return { url: config.repository.url, ledger: config.ledger.branch, credentials, close: nothing.close }
  }
  if (/^https?:/.test(repository)) return { ...nothing, url: repository, ledger }
  const path = resolve(repository)
  const isFolder = await stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  )
  if (!isFolder) {
    throw new Problem({
      kind: 'stalled',
      code: 'REPOSITORY_MISSING',
      place: repository,
      message: 'is neither a folder nor an http address',
    })
  }
  const { requireGitServer } = await import('../playground/require-git-server.ts')
  await requireGitServer()
  const { serveGit } = await import('../playground/git-server.ts')
  const server = await serveGit({ root: dirname(path) })
  return { ...nothing, url: `${server.url}/${basename(path)}`, ledger, close: () => server.close() }
}

function noLedger(ledger: string, repository: string | undefined): Problem {
  const isLocal = repository !== undefined && !/^https?:/.test(repository)
  return new Problem({
    kind: 'stalled',
    code: 'LEDGER_MISSING',
    place: ledger,
    message: 'there is no such branch in the repository',
    hint: isLocal
      ? `name the ledger with --ledger; into a clone it comes by "git fetch origin ${ledger}:${ledger}"`
      : 'name the ledger with --ledger; it is made by the first run of the reconciler',
  })
}
