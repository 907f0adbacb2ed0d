import { readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { atomicFs } from './atomic-fs.ts'
import { absentFile } from './file-error.ts'
import { isWhole, packChecksum, writePackIndex, type Pack } from './pack.ts'
import { damagedPack, readPackIndex, type PackReader } from './pack-reader.ts'

/** The packs of a gitdir on disk. A pack counts once its index is there, and both are checked before they are read. */
export class PackFolder {
  readonly #folder: string
  readonly #fs: ReturnType<typeof atomicFs>
  readonly #known = new Set<string>()

  constructor(gitdir: string, fs: ReturnType<typeof atomicFs>) {
    this.#folder = join(gitdir, 'objects/pack')
    this.#fs = fs
  }

  /** How many packs were loaded or written. */
  get size(): number {
    return this.#known.size
  }

  /** Makes packs readable that were not loaded yet. Rejects with a Problem (`GIT_DAMAGED`) when one is not whole. */
  async load(reader: PackReader): Promise<void> {
    for (const file of await readdir(this.#folder)) {
      const name = file.replace(/\.idx$/, '')
      if (name === file || this.#known.has(name)) continue
      const index = await readFile(join(this.#folder, file))
      const pack = await readFile(join(this.#folder, `${name}.pack`)).catch(absentFile)
      if (pack === undefined || !isWhole(pack) || !isWhole(index)) throw damagedPack(`the local ${name} is damaged`)
      reader.add(pack, readPackIndex(index))
      this.#known.add(name)
    }
  }

  /** Writes a pack, then its index. An empty one is left out. */
  async write(pack: Pack): Promise<void> {
    if (pack.entries.length === 0) return
    const name = nameOf(pack)
    await this.#fs.promises.writeFile(join(this.#folder, `${name}.pack`), pack.bytes)
    await this.#fs.promises.writeFile(join(this.#folder, `${name}.idx`), writePackIndex(pack))
    this.#known.add(name)
  }

  /** Removes all packs but one. */
  async removeOthers(pack: Pack): Promise<void> {
    for (const name of this.#known) {
      if (name === nameOf(pack)) continue
      await rm(join(this.#folder, `${name}.idx`), { force: true })
      await rm(join(this.#folder, `${name}.pack`), { force: true })
      this.#known.delete(name)
    }
  }

  /** Forgets which packs there were, after the folder was removed. */
  forget(): void {
    this.#known.clear()
  }
}

function nameOf(pack: Pack): string {
  return `pack-${packChecksum(pack.bytes).toString('hex')}`
}
