import type { TimelineEntry } from '../forge/view.ts'
import type { Commit, GitBranch, Oid } from '../git/types.ts'
import type { CanaryKey, LedgerEntry } from '../ledger/entry.ts'

/** A rollout whose transitions are further back than this many ledger commits is told from there on. */
const LOOK_BACK_COMMITS = 300

/**
 * What a ledger's history tells of the newest rollout of some canaries, oldest transition first: what a process knows
 * again that starts in the middle of them. Reads only as far back as they reach. Rejects with a Problem when the history
 * can't be fetched.
 */
export async function pastTimelines(
  branch: GitBranch,
  tip: Oid,
  entries: ReadonlyMap<CanaryKey, LedgerEntry>,
): Promise<ReadonlyMap<CanaryKey, readonly TimelineEntry[]>> {
  const timelines = new Map<CanaryKey, TimelineEntry[]>([...entries.keys()].map((key) => [key, []]))
  const open = new Set(entries.keys())
  let oid: Oid | undefined = tip
  for (let looked = 0; looked < LOOK_BACK_COMMITS && open.size > 0 && oid !== undefined; looked++) {
    if (!(await branch.deepen(oid))) break
    const commit: Commit = await branch.commit(oid)
    const key = trailer(commit, 'Canary')
    const entry = key === undefined ? undefined : entries.get(key)
    if (key !== undefined && entry !== undefined && open.has(key)) {
      if (isOf(commit, entry)) timelines.get(key)?.unshift(told(commit))
      else if (trailer(commit, 'Revision') !== undefined) open.delete(key)
    }
    oid = commit.parents[0]
  }
  return timelines
}

function isOf(commit: Commit, { state }: LedgerEntry): boolean {
  const attempt = Number(trailer(commit, 'Attempt') ?? 1)
  return trailer(commit, 'Revision') === state.revision.commit && attempt === state.attempt
}

function told({ oid, timeMs, message }: Commit): TimelineEntry {
  return { timeMs, sentence: message.split('\n', 1)[0] ?? '', ledgerCommit: oid }
}

/** A trailer of the last paragraph. */
function trailer({ message }: Commit, name: string): string | undefined {
  const paragraph = message.trimEnd().split('\n\n').at(-1) ?? ''
  const line = paragraph.split('\n').find((one) => one.startsWith(`${name}: `))
  return line?.slice(name.length + 2)
}
