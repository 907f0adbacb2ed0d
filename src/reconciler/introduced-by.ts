import type { Commit, Oid } from '../git/types.ts'

/**
 * The commit on the branch's first-parent line that brought a target's content: the newest whose content has the hash while
 * its first parent's has another. For a merged pull request that is the merge commit. Undefined when none of the given
 * commits did.
 *
 * @param commits new commits of the branch, in any order
 * @param hashAt the target's hash at a commit
 */
export async function introducedBy(
  commits: readonly Commit[],
  tip: Oid,
  hash: string,
  hashAt: (commit: Oid) => Promise<string | undefined>,
): Promise<Commit | undefined> {
  const byOid = new Map(commits.map((commit) => [commit.oid, commit]))
  for (let commit = byOid.get(tip); commit !== undefined;) {
    const [parent] = commit.parents
    const before = parent === undefined ? undefined : await hashAt(parent)
    if (before !== hash) return commit
    commit = parent === undefined ? undefined : byOid.get(parent)
  }
  return undefined
}
