import { readFile } from 'node:fs/promises'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { Problem } from '../lib/problem.ts'

/** Where the configuration is when nobody says; this one need not be there. */
const DEFAULT_PATH = 'serin.yaml'

/**
 * The configuration of a file, the environment and the given flags. A missing `serin.yaml` is fine where
 * the rest says enough; one of another name was asked for and must be there.
 * Rejects with a Problem that names every fault.
 */
export async function configFrom(path: string, flags: Readonly<Record<string, unknown>>): Promise<Config> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT' && path === DEFAULT_PATH) {
      return undefined
    }
    throw new Problem({
      kind: 'stalled',
      code: 'CONFIG_UNREADABLE',
      place: path,
      message: `can not be read (${error instanceof Error && 'code' in error ? String(error.code) : 'failed'})`,
      cause: error,
    })
  })
  const loaded = loadConfig({ file: text === undefined ? undefined : { path, text }, env: process.env, flags })
  if (loaded.config !== undefined) return loaded.config
  const [first, ...others] = loaded.problems
  throw new Problem({
    kind: 'stalled',
    code: 'CONFIG_INVALID',
    place: first?.place,
    message: [first?.message ?? 'is invalid', ...others.map((problem) => problem.toString())].join('\n       '),
    // A hint is written last, where it would seem to be about the last fault.
    hint: others.length === 0 ? first?.hint : undefined,
  })
}
