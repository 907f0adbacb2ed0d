import type { Commit } from '../../git/types.ts'
import { timestamp } from '../../lib/clock.ts'
import { Problem } from '../../lib/problem.ts'
import { exitCodes } from '../exit-codes.ts'
import { withLedger, type LedgerOptions } from '../open-ledger.ts'

/** No commit has this name: asking for it brings the whole history here. */
const NO_COMMIT = '0'.repeat(40)

/** `serin history`: the transitions of one canary or of all, oldest first. Exit status 1 when there are none. */
export async function history(
  canary: string | undefined,
  options: LedgerOptions & { readonly output: string; readonly limit: string },
): Promise<number> {
  const limit = Number(options.limit)
  if (!Number.isInteger(limit) || limit < 1) {
    throw new Problem({ kind: 'stalled', code: 'USAGE', message: `--limit ${options.limit} is no number above 0` })
  }
  const commits = await withLedger(options, async (branch, tip) => {
    await branch.deepen(NO_COMMIT)
    return (await branch.between(null, tip)) ?? []
  })
  const chosen = commits.filter((commit) => canary === undefined || trailer(commit, 'Canary') === canary).slice(-limit)
  if (chosen.length === 0) {
    process.stderr.write(`serin: the ledger has no transition${canary === undefined ? '' : ` of ${canary}`}\n`)
    return exitCodes.no
  }
  const lines =
    options.output === 'json' ? [JSON.stringify(chosen.map(asJson), null, 2)] : chosen.map((commit) => asLine(commit))
  process.stdout.write(`${lines.join('\n')}\n`)
  return exitCodes.done
}

function asLine(commit: Commit): string {
  return `${timestamp(commit.timeMs)}  ${commit.oid.slice(0, 10)}  ${subject(commit)}`
}

function asJson(commit: Commit): object {
  return {
    time: timestamp(commit.timeMs),
    commit: commit.oid,
    canary: trailer(commit, 'Canary'),
    phase: trailer(commit, 'Phase'),
    weight: Number(trailer(commit, 'Weight') ?? 0),
    revision: trailer(commit, 'Revision'),
    pullRequest: trailer(commit, 'Pull-Request'),
    sentence: subject(commit),
    author: commit.author.name,
  }
}

function subject({ message }: Commit): string {
  return message.split('\n', 1)[0] ?? ''
}

function trailer({ message }: Commit, name: string): string | undefined {
  return message
    .split('\n')
    .find((line) => line.startsWith(`${name}: `))
    ?.slice(name.length + 2)
}
