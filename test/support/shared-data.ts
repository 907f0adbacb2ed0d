import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

/**
 * The folder of data that is not part of the project (published definitions, recordings): `SERIN_SHARED`, else `../shared`
 * beside the checkout. Undefined where there is no such folder: what needs it says so and is left out.
 */
export function sharedData(...path: readonly string[]): string | undefined {
  const root = process.env['SERIN_SHARED'] ?? resolve(import.meta.dirname, '../../../shared')
  const found = join(root, ...path)
  return existsSync(found) ? found : undefined
}
