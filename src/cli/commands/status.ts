import type { LedgerEntry } from '../../ledger/entry.ts'
import { readLedger } from '../../ledger/read-tree.ts'
import { preciseTimestamp, timestamp } from '../../lib/clock.ts'
import { Problem } from '../../lib/problem.ts'
import { exitCodes } from '../exit-codes.ts'
import { withLedger, type LedgerOptions } from '../open-ledger.ts'
import { table } from '../table.ts'

/** `serin status`: where every rollout stands. Exit status 1 when a named canary is not there or one can't be read. */
export async function status(
  canary: string | undefined,
  options: LedgerOptions & { readonly output: string },
): Promise<number> {
  const entries = await withLedger(options, (branch, tip) => readLedger(branch, tip))
  const chosen = [...entries].filter(([key]) => canary === undefined || key === canary)
  if (canary !== undefined && chosen.length === 0) {
    process.stderr.write(`serin: the ledger has no canary ${canary} (it has: ${[...entries.keys()].join(', ')})\n`)
    return exitCodes.no
  }
  const output = options.output === 'json' ? JSON.stringify(chosen.map(asJson), null, 2) : asTable(chosen)
  process.stdout.write(`${output}\n`)
  return chosen.some(([, entry]) => entry instanceof Problem) ? exitCodes.no : exitCodes.done
}

function asTable(chosen: readonly (readonly [string, LedgerEntry | Problem])[]): string {
  const header = ['CANARY', 'PHASE', 'WEIGHT', 'FAILED CHECKS', 'REVISION', 'PROMOTED', 'SINCE']
  const rows = chosen.map(([key, entry]) => {
    if (entry instanceof Problem) return [key, 'unreadable', '', '', '', '', entry.toString()]
    const { state, promoted } = entry
    return [
      key,
      state.phase,
      String(state.canaryWeight),
      String(state.failedChecks),
      state.revision.commit.slice(0, 10),
      promoted.commit.slice(0, 10),
      timestamp(state.lastTransitionMs),
    ]
  })
  return table(header, rows)
}

function asJson([canary, entry]: readonly [string, LedgerEntry | Problem]): object {
  if (entry instanceof Problem) return { canary, problem: entry.toString() }
  const { lastTransitionMs, ...state } = entry.state
  return { canary, ...state, lastTransitionTime: preciseTimestamp(lastTransitionMs), promoted: entry.promoted }
}
