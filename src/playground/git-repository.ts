import { join } from 'node:path'
import type { Person } from '../git/types.ts'
import { runGit } from './git-environment.ts'

export interface NewRepository {
  readonly branch: string
  readonly author: Person
  /** Of the first commit, milliseconds since the epoch. */
  readonly timeMs: number
  readonly message?: string
}

/**
 * Makes a bare repository `<root>/<name>` whose branch holds the given files in one commit; an empty repository when
 * there are none. Takes pushes over HTTP once it is served. Resolves to its path.
 */
export async function createBareRepository(
  root: string,
  name: string,
  files: Readonly<Record<string, string>>,
  options: NewRepository,
): Promise<string> {
  const path = join(root, name)
  await runGit(['init', '--quiet', '--bare', `--initial-branch=${options.branch}`, path])
  await runGit(['-C', path, 'config', 'http.receivepack', 'true'])
  if (Object.keys(files).length > 0) await runGit(['-C', path, 'fast-import', '--quiet'], importStream(files, options))
  return path
}

function importStream(files: Readonly<Record<string, string>>, options: NewRepository): string {
  const { branch, author, timeMs, message = 'Start' } = options
  const lines = [
    `commit refs/heads/${branch}\n`,
    `committer ${author.name} <${author.email}> ${Math.floor(timeMs / 1000)} +0000\n`,
    data(`${message}\n`),
  ]
  for (const [path, text] of Object.entries(files)) lines.push(`M 100644 inline ${JSON.stringify(path)}\n${data(text)}`)
  return lines.join('')
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`
}
