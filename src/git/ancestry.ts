import type { Commit, Oid } from './types.ts'

type Find = (oid: Oid) => Commit | undefined

/**
 * The commits reachable from `to` but not from `from`, parents before children; null when `from` is no ancestor of
 * `to`. History ends where `find` knows a commit no more, so in a shallow clone an older `from` gives null.
 * `from` null: all that is here.
 *
 * Where the history of `from` is cut off and a merge brings in commits older than all that is known of it, those are
 * taken for its ancestors: a branch that began before the clone did shows what it adds, not the whole past.
 */
export function ancestryBetween(find: Find, from: Oid | null, to: Oid): readonly Commit[] | null {
  if (from === to) return []
  const { commits, reached, merges } = parentsFirst(find, from, to)
  if (from === null) return commits
  if (!reached) return null
  if (!merges) return commits
  const { known, isCut, oldestMs } = ancestors(find, from)
  return commits.filter((commit) => !known.has(commit.oid) && (!isCut || commit.timeMs >= oldestMs))
}

/** True when a merge since `from` may have brought in commits of which a deeper clone would know that they are its ancestors. */
export function isUnclear(find: Find, from: Oid, to: Oid): boolean {
  const { reached, merges } = parentsFirst(find, from, to)
  return !reached || (merges && ancestors(find, from).isCut)
}

function ancestors(find: Find, from: Oid): { known: Set<Oid>; isCut: boolean; oldestMs: number } {
  const known = new Set<Oid>()
  const queue = [from]
  let isCut = false
  let oldestMs = Infinity
  for (let oid = queue.pop(); oid !== undefined; oid = queue.pop()) {
    if (known.has(oid)) continue
    known.add(oid)
    const commit = find(oid)
    isCut ||= commit === undefined
    oldestMs = Math.min(oldestMs, commit?.timeMs ?? Infinity)
    queue.push(...(commit?.parents ?? []))
  }
  return { known, isCut, oldestMs }
}

/** Depth first from `to`, not beyond `stop`, without recursion: histories are longer than the stack. */
function parentsFirst(find: Find, stop: Oid | null, to: Oid): { commits: Commit[]; reached: boolean; merges: boolean } {
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
