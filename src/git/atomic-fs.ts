import { promises } from 'node:fs'
import { join } from 'node:path'

/**
 * The file system that isomorphic-git writes a gitdir with: every file appears whole or not at all, because it is
 * written beside and renamed. The temporary files lie in `tmp/`, outside `refs/` and `objects/`, where Git would take
 * a leftover for a broken ref or object.
 */
export function atomicFs(gitdir: string): { readonly promises: typeof promises } {
  let count = 0
  const writeFile = async (path: string, data: Uint8Array | string): Promise<void> => {
    count += 1
    const temporary = join(gitdir, 'tmp', `${process.pid}-${count}`)
    await promises.mkdir(join(gitdir, 'tmp'), { recursive: true })
    try {
      await promises.writeFile(temporary, data)
      await promises.rename(temporary, path)
    } catch (error) {
      await promises.rm(temporary, { force: true })
      throw error
    }
  }
  return { promises: Object.assign({}, promises, { writeFile }) }
}
