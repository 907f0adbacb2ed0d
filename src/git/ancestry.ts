import type { Commit, Oid } from './types.ts'

/**
 * The commits reachable from `to` but not from `from`, parents before children; null when `from` is no ancestor of
 * `to`. History ends where `find` knows a commit no more, so in a shallow clone an older `from` gives null.
 * `from` null: all that is here.
 */
export function ancestryBetween(
  find: (oid: Oid) => Commit | undefined,
  from: Oid | null,
  to: Oid,
): readonly Commit[] | null {
  if (from === to) return []
  const { commits, reached, merges } = parentsFirst(find, from, to)
  if (from === null) return commits
  if (!reached) return null
  if (!merges) return commits
  const known = new Set<Oid>()
  const queue = [from]
  for (let oid = queue.pop(); oid !== undefined; oid = queue.pop()) {
    if (known.has(oid)) continue
    known.add(oid)
    queue.push(...(find(oid)?.parents ?? []))
  }
  return commits.filter((commit) => !known.has(commit.oid))
}

/** Depth first from `to`, not beyond `stop`, without recursion: histories are longer than the stack. */
function parentsFirst(
  find: (oid: Oid) => Commit | undefined,
  stop: Oid | null,
  to: Oid,
): { commits: Commit[]; reached: boolean; merges: boolean } {
  const commits: Commit[] = []
  const seen = new Set<Oid>()
  let reached = false
  let merges = false
  const start = find(to)
  const stack = start === undefined ? [] : [{ commit: start, next: 0 }]
  seen.add(to)
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const parent = top.commit.parents[top.next]
    top.next += 1
    if (parent === undefined) {
      commits.push(top.commit)
      merges ||= top.commit.parents.length > 1
      stack.pop()
      continue
    }
    if (parent === stop) reached = true
    if (parent === stop || seen.has(parent)) continue
    seen.add(parent)
    const commit = find(parent)
    if (commit !== undefined) stack.push({ commit, next: 0 })
  }
  return { commits, reached, merges }
}
