import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Spool } from './ports.ts'

const ENDING = '.json'

/** A spool of one file per key; each is on disk, whole, before `put` resolves. */
export function diskSpool(directory: string): Spool {
  const fileOf = (key: string): string => join(directory, `${encodeURIComponent(key)}${ENDING}`)
  return {
    async put(key, text) {
      await mkdir(directory, { recursive: true })
      const file = fileOf(key)
      const handle = await open(`${file}.new`, 'w', 0o600)
      try {
        await handle.writeFile(text)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(`${file}.new`, file)
    },
    remove: (key) => rm(fileOf(key), { force: true }),
    async all() {
      await mkdir(directory, { recursive: true })
      const names = (await readdir(directory)).filter((name) => name.endsWith(ENDING))
      const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')))
      return new Map(names.map((name, nth) => [decodeURIComponent(name.slice(0, -ENDING.length)), texts[nth] ?? '']))
    },
  }
}
