import type { ObjectReader } from './object-reader.ts'
import { isTreeMode, type NamedObject, type RawObject } from './objects.ts'
import type { Oid } from './types.ts'

/** The last commits of a history with all they hold, and those among them whose parents are left out. */
export interface Recent {
  readonly objects: readonly NamedObject[]
  readonly boundary: readonly Oid[]
}

/**
 * Gathers the `count` commits nearest to a tip and every tree and blob in them. Lets others run now and then, since
 * thousands of objects have to be unpacked.
 */
export async function collectRecent(
  reader: ObjectReader,
  read: (oid: Oid) => RawObject | undefined,
  tip: Oid,
  count: number,
): Promise<Recent> {
  const commits = [tip]
  const kept = new Set(commits)
  for (const oid of commits) {
    for (const parent of reader.commit(oid).parents) {
      if (kept.size >= count || kept.has(parent) || reader.find(parent) === undefined) continue
      kept.add(parent)
      commits.push(parent)
    }
  }
  const objects: NamedObject[] = []
  const seen = new Set<Oid>()
  const pending = commits.flatMap((oid) => [reader.commit(oid).tree, oid])
  for (let oid = pending.pop(); oid !== undefined; oid = pending.pop()) {
    if (seen.has(oid)) continue
    seen.add(oid)
    const object = read(oid)
    if (object === undefined) continue
    objects.push({ oid, ...object })
    if (object.type === 'tree') {
      for (const entry of reader.tree(oid))
        if (isTreeMode(entry.mode) || entry.mode !== '160000') pending.push(entry.oid)
    }
    if (objects.length % 500 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  const boundary = commits.filter((oid) => reader.commit(oid).parents.some((parent) => !kept.has(parent)))
  return { objects, boundary }
}
