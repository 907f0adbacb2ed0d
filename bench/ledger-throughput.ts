import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBranch } from '../src/git/open-branch.ts'
import { transitionMessage } from '../src/ledger/message.ts'
import type { LedgerChange } from '../src/ledger/change.ts'
import { keyOf, type CanaryKey, type LedgerEntry } from '../src/ledger/entry.ts'
import { entryFiles } from '../src/ledger/files.ts'
import { systemClock } from '../src/lib/clock.ts'
import { createBareRepository } from '../src/playground/git-repository.ts'
import { serveGit } from '../src/playground/git-server.ts'
import { LedgerKeeper } from '../src/reconciler/ledger-keeper.ts'
import { canariesIn } from '../src/source/canaries.ts'
import { readManifestTexts } from '../src/source/manifests.ts'
import { splitAt } from '../src/traffic/split.ts'
import { trafficProvider } from '../src/traffic/registry.ts'
import { fleetFiles } from './fleet.ts'
import { median, row, timedMs, type Measurement } from './row.ts'
import { LEDGER, person } from './world.ts'

const CANARIES = 200
const ALONE = 25
const ROUNDS = 5

/** How many transitions a second Git can take. */
export const ledgerThroughput: Measurement = {
  name: 'ledger',
  description: 'ledger commits a second, shared pushes against one push each, with 200 canaries recorded',
  measure: () =>
    withKeeper(async ({ keeper, entries, pushes }) => {
      let weight = 0
      const step = async (keys: readonly CanaryKey[]): Promise<void> => {
        weight = (weight + 1) % 100
        await Promise.all(keys.map((key) => keeper.record(changeOf(key, entries, weight))))
      }
      const keys = [...entries.keys()]
      await step(keys)
      const alone = await medianRate(1, ALONE, (run) => step(keys.slice(run, run + 1)))
      const before = pushes()
      const fifty = await medianRate(50, ROUNDS, () => step(keys.slice(0, 50)))
      const pushesOfFifty = (pushes() - before) / ROUNDS
      const all = await medianRate(CANARIES, ROUNDS, () => step(keys))
      const other = { name: 'one push each', value: alone }
      return [
        row('ledger, one push each', alone, 'commits/s'),
        row('ledger, 50 canaries at once', fifty, 'commits/s', other),
        row('ledger, 200 canaries at once', all, 'commits/s', other),
        { name: 'ledger, 50 canaries at once: pushes', value: pushesOfFifty, unit: 'pushes' },
      ]
    }),
}

interface Bench {
  readonly keeper: LedgerKeeper
  readonly entries: ReadonlyMap<CanaryKey, (weight: number) => LedgerEntry>
  readonly pushes: () => number
}

async function withKeeper<T>(task: (bench: Bench) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'serin-bench-'))
  let pushes = 0
  const server = await serveGit({ root: directory, onPush: () => (pushes += 1) })
  await createBareRepository(directory, 'fleet.git', {}, { branch: LEDGER, author: person, timeMs: Date.now() })
  const branch = openBranch({
    url: `${server.url}/fleet.git`,
    branch: LEDGER,
    directory: join(directory, 'clone'),
    clock: systemClock,
    timeoutMs: 60_000,
  })
  const stopping = new AbortController()
  const nothing = (): void => {}
  const keeper = new LedgerKeeper({
    branch,
    identity: person,
    clock: systemClock,
    random: Math.random,
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    pushIntervalMs: 0,
    signal: stopping.signal,
    onEdit: nothing,
  })
  try {
    await keeper.start()
    return await task({ keeper, entries: entriesOf(CANARIES), pushes: () => pushes })
  } finally {
    stopping.abort(new Error('stopping'))
    await branch.close()
    await server.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/** The median of some rounds' commits a second. */
async function medianRate(commits: number, rounds: number, task: (round: number) => Promise<void>): Promise<number> {
  const rates: number[] = []
  for (let round = 0; round < rounds; round += 1) rates.push((commits * 1000) / (await timedMs(() => task(round))))
  return median(rates)
}

/** For each canary of a fleet what its folder of the ledger holds at a weight. */
function entriesOf(canaries: number): ReadonlyMap<CanaryKey, (weight: number) => LedgerEntry> {
  const texts = Object.entries(fleetFiles(canaries)).map(([path, text]) => ({ path, text }))
  const revision = { commit: '0'.repeat(40), hash: 'a'.repeat(64) }
  return new Map(
    canariesIn(readManifestTexts(texts).manifests).canaries.map(({ canary, target }) => [
      keyOf(canary.metadata.namespace, canary.metadata.name),
      (weight: number): LedgerEntry => ({
        state: {
          phase: 'Progressing',
          canaryWeight: weight,
          failedChecks: 0,
          iterations: 0,
          revision,
          route: 'analysis',
          attempt: 1,
          checks: [],
          quarantine: [],
          lastPromoted: revision,
          lastTransitionMs: 0,
        },
        promoted: { ...revision, attempt: 1, before: [] },
        primary: target === undefined ? [] : [target.object],
        routes: trafficProvider('istio').objects(canary, splitAt(weight)),
      }),
    ]),
  )
}

function changeOf(key: CanaryKey, entries: Bench['entries'], weight: number): LedgerChange {
  const next = entries.get(key)?.(weight)
  if (next === undefined) throw new Error(`there is no ${key}`)
  const message = transitionMessage(key, `Advance ${key} canary weight ${weight}`, next.state, [])
  return { key, next, urgent: false, commits: [{ message, files: entryFiles(next) }] }
}
