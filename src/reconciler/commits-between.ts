import type { Commit, GitBranch, Oid } from '../git/types.ts'

/** A name that no commit has: asking for it brings the whole history. */
const NO_COMMIT = '0'.repeat(40)

/**
 * Commits of `to` that `from` does not have, oldest first; null when `from` is no ancestor: the branch was rewritten. Where
 * the history here is too short to tell, it is fetched. Rejects with a Problem when that fails.
 */
export async function commitsBetween(branch: GitBranch, from: Oid, to: Oid): Promise<readonly Commit[] | null> {
  const commits = await branch.between(from, to)
  if (commits !== null) return commits
  await branch.deepen(NO_COMMIT)
  return branch.between(from, to)
}
