import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '../lib/problem.ts'

/** A file as the commands read it: its path as given or found, and its text. */
export interface TextFile {
  readonly path: string
  readonly text: string
}

const SKIPPED = new Set(['.git', 'node_modules'])

/** All YAML and JSON files below the paths, in path order. Rejects with a Problem for a path that is not there. */
export async function readFiles(paths: readonly string[]): Promise<readonly TextFile[]> {
  const found = (await Promise.all(paths.map(filesBelow))).flat()
  const texts = await Promise.all(found.map(async (path) => ({ path, text: await readFile(path, 'utf8') })))
  return texts.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

async function filesBelow(path: string): Promise<string[]> {
  const info = await stat(path).catch((error: unknown) => {
    throw new Problem({
      kind: 'stalled',
      code: 'FILE_MISSING',
      place: path,
      message: 'no such file or folder',
      cause: error,
    })
  })
  if (!info.isDirectory()) return [path]
  const entries = await readdir(path, { withFileTypes: true })
  const below = await Promise.all(
    entries
      .filter((entry) => !SKIPPED.has(entry.name))
      .filter((entry) => entry.isDirectory() || (entry.isFile() && /\.(ya?ml|json)$/.test(entry.name)))
      .map((entry) => filesBelow(join(path, entry.name))),
  )
  return below.flat()
}
