import type { Clock } from '../lib/clock.ts'
import { Problem } from '../lib/problem.ts'
import type { GitBranch, Oid } from './types.ts'

export interface RebuildOptions {
  readonly clock: Clock
  /** A number in [0, 1): spreads the waits of writers that met. */
  readonly random: () => number
  /** How many pushes, and questions that fail, are made before giving up; at least 1. */
  readonly attempts: number
  /** Ends the waits: the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/**
 * What became of a change.
 * - `landed`: its commits are in the branch's history; `tip` is the newest of them.
 * - `nothing`: there was nothing to change.
 * - `refused`: the server does not take it; see {@link PushOutcome}.
 * - `gave-up`: the attempts are used up. `pending` is the last commit that may still land, if one may.
 */
export type RebuildResult =
  | { readonly kind: 'landed'; readonly tip: Oid }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'refused'; readonly code: 'GIT_PUSH_REFUSED' | 'GIT_REF_STUCK'; readonly message: string }
  | { readonly kind: 'gave-up'; readonly message: string; readonly pending: Oid | null }

/**
 * Brings a change onto a branch that others write too. `build` makes the change's commits on the tip it is given and
 * resolves to the last of them, or to null when nothing is left to do there; it is called again for each new tip.
 * `expectedTip` (fetched; null: no branch) is where the first ones are built. A push without an answer is repeated with
 * the very same commits while the tip stands still, and whatever landed in the meantime is recognised in the history,
 * so that no change is lost and none is made twice. Problems of kind `retry` use up an attempt; others reject.
 */
export async function pushWithRebuild(
  branch: GitBranch,
  expectedTip: Oid | null,
  build: (tip: Oid | null) => Promise<Oid | null>,
  options: RebuildOptions,
): Promise<RebuildResult> {
  let tip = expectedTip
  let doubtful: Oid | null = null
  let next = await build(tip)
  let message = ''
  for (let attempt = 1; next !== null; attempt += 1) {
    const outcome = await branch.push(tip, next)
    if (outcome.kind === 'landed') return { kind: 'landed', tip: next }
    if (outcome.kind === 'refused') return outcome
    if (outcome.kind === 'unknown') doubtful = next
    message = outcome.kind === 'unknown' ? outcome.message : 'others pushed first each time'
    await backOff(attempt, options)
    const seen: Look = await retrying(
      () => look(branch, tip, doubtful),
      { tip, landed: false },
      (problem) => (message = problem.message),
    )
    if (seen.landed && doubtful !== null) return { kind: 'landed', tip: doubtful }
    if (attempt >= options.attempts) break
    if (seen.tip === tip) continue
    // The tip has moved on, so a push that expected the old one can't land any more.
    doubtful = null
    tip = seen.tip
    next = await build(tip)
  }
  return next === null ? { kind: 'nothing' } : { kind: 'gave-up', message, pending: doubtful }
}

interface Look {
  readonly tip: Oid | null
  readonly landed: boolean
}

/** Where the branch is now, and whether a commit in doubt is in its history. */
async function look(branch: GitBranch, before: Oid | null, doubtful: Oid | null): Promise<Look> {
  const tip = await branch.tip()
  if (tip === null) return { tip, landed: false }
  await branch.fetch(tip)
  const moved = tip !== before && doubtful !== null
  return { tip, landed: moved && (await contains(branch, doubtful, before, tip)) }
}

/** The commit is in the history of the new tip; older history is fetched when the clone starts too late to tell. */
async function contains(branch: GitBranch, commit: Oid, from: Oid | null, tip: Oid): Promise<boolean> {
  if ((await branch.between(commit, tip)) !== null) return true
  if (from !== null && (await branch.between(from, tip)) !== null) return false
  return (await branch.deepen(commit)) && (await branch.between(commit, tip)) !== null
}

async function retrying<T>(task: () => Promise<T>, otherwise: T, tell: (problem: Problem) => void): Promise<T> {
  try {
    return await task()
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== 'retry') throw error
    tell(error)
    return otherwise
  }
}

/** 50 ms, doubled each time up to 5 s, of which a random half to whole is waited. */
async function backOff(attempt: number, { clock, random, signal }: RebuildOptions): Promise<void> {
  const longest = Math.min(5000, 50 * 2 ** (attempt - 1))
  await clock.sleep(longest * (0.5 + random() / 2), signal)
}
