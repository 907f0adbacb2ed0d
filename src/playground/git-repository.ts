import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeCommit, nameObject } from '../git/objects.ts'
import { packChecksum, writePack, writePackIndex } from '../git/pack.ts'
import { editTree } from '../git/tree-edit.ts'
import type { Person } from '../git/types.ts'

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
  for (const folder of ['objects/pack', 'objects/info', 'refs/heads', 'refs/tags', 'hooks', 'info']) {
    await mkdir(join(path, folder), { recursive: true })
  }
  await writeFile(
    join(path, 'config'),
    '[core]\n\trepositoryformatversion = 0\n\tbare = true\n[http]\n\treceivepack = true\n',
  )
  await writeFile(join(path, 'HEAD'), `ref: refs/heads/${options.branch}\n`)
  if (Object.keys(files).length > 0) await writeFirstCommit(path, files, options)
  return path
}

async function writeFirstCommit(
  path: string,
  files: Readonly<Record<string, string>>,
  options: NewRepository,
): Promise<void> {
  const { author, timeMs, branch, message = 'Start' } = options
  const { tree, objects } = editTree(() => [], null, new Map(Object.entries(files)))
  const commit = nameObject('commit', encodeCommit({ tree, parents: [], author, timeMs, message }))
  const unique = new Map([...objects, commit].map((object) => [object.oid, object]))
  const pack = writePack([...unique.values()])
  const file = join(path, 'objects/pack', `pack-${packChecksum(pack.bytes).toString('hex')}`)
  await writeFile(`${file}.pack`, pack.bytes)
  await writeFile(`${file}.idx`, writePackIndex(pack))
  const ref = join(path, 'refs/heads', branch)
  await mkdir(join(ref, '..'), { recursive: true })
  await writeFile(ref, `${commit.oid}\n`)
}
