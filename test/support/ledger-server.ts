import type { Oid, Person } from '../../src/git/types.ts'
import type { LedgerChange } from '../../src/ledger/change.ts'
import type { LedgerEntry } from '../../src/ledger/entry.ts'
import { entryFiles } from '../../src/ledger/files.ts'
import { message } from '../../src/ledger/message.ts'
import { createMemoryRemote, type MemoryRemote, type MemoryRemoteOptions } from '../../src/playground/git-memory.ts'
import { createVirtualClock, type VirtualClock } from '../../src/playground/virtual-clock.ts'
import { LedgerKeeper, type Recorded } from '../../src/reconciler/ledger-keeper.ts'
import { ledgerEntry } from './ledger-world.ts'

export const BRANCH = 'serin/default'
export const SHOP = 'test/shop'
export const CART = 'test/cart'
export const START_MS = Date.UTC(2026, 0, 1)
export const serin: Person = { name: 'Serin', email: 'serin@example.com' }
export const ada: Person = { name: 'Ada', email: 'ada@example.com' }

/** A ledger at a server in memory, its keeper, and the time. */
export interface Ledger {
  readonly remote: MemoryRemote
  readonly clock: VirtualClock
  readonly keeper: LedgerKeeper
  /** Canaries that somebody else's commit concerned, in order. */
  readonly edited: string[]
  readonly logged: string[]
}

/** A keeper that is not started yet, on a server that others may write to. */
export function keeperOn(remote: MemoryRemote, clock: VirtualClock): Ledger {
  const [edited, logged]: [string[], string[]] = [[], []]
  const say = (fields: object, text: string): void => void logged.push(`${text} ${JSON.stringify(fields)}`)
  const keeper = new LedgerKeeper({
    branch: remote.open(BRANCH),
    identity: serin,
    clock,
    random: () => 0.5,
    log: { debug: say, info: say, warn: say, error: say },
    pushIntervalMs: 10_000,
    signal: new AbortController().signal,
    onEdit: (key) => void edited.push(key),
  })
  return { remote, clock, keeper, edited, logged }
}

/** The ledger once its keeper has read the head. */
export async function started(ledger: Ledger): Promise<Ledger> {
  await settled(ledger.clock, ledger.keeper.start())
  return ledger
}

/** A ledger whose keeper has recorded the canaries at 20 percent and may push again at once. */
export async function ledgerOf(keys: readonly string[], options: MemoryRemoteOptions = {}): Promise<Ledger> {
  const ledger = await started(keeperOn(createMemoryRemote(options), createVirtualClock(START_MS)))
  for (const key of keys) void ledger.keeper.record(change(key, ledgerEntry({ canaryWeight: 20 })))
  await ledger.clock.run(20_000)
  return ledger
}

/** A change of one commit that records an entry. */
export function change(key: string, next: LedgerEntry, subject = `Advance ${key}`, urgent = false): LedgerChange {
  const text = message(subject, [], [`Canary: ${key}`, `Weight: ${next.state.canaryWeight}`])
  return { key, next, urgent, commits: [{ message: text, files: entryFiles(next) }] }
}

/** The entry at another weight. */
export function at(weight: number): LedgerEntry {
  return ledgerEntry({ canaryWeight: weight })
}

/** Lets virtual time pass until a promise has settled. */
async function settled<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let done = false
  const finish = (): void => void (done = true)
  promise.then(finish, finish)
  await clock.run(600_000, () => done)
  return promise
}

/** Records a change and lets time pass until its outcome is known. */
export function record({ keeper, clock }: Ledger, recorded: LedgerChange): Promise<Recorded> {
  return settled(clock, keeper.record(recorded))
}

/** Looks at the server. */
export function poll({ keeper, clock }: Ledger): Promise<void> {
  return settled(clock, keeper.poll())
}

/** A person's commit of some of a canary's files. */
export function personWrites({ remote }: Ledger, key: string, entry: LedgerEntry, subject = 'Update files'): Oid {
  const files = Object.entries(entryFiles(entry)).map(([file, text]) => [`${key}/${file}`, text] as const)
  return remote.commit(BRANCH, new Map(files), `${subject}\n`, ada, START_MS)
}

/** A person's commit of one file; null deletes it. */
export function personWritesText({ remote }: Ledger, path: string, text: string | null): Oid {
  return remote.commit(BRANCH, new Map([[path, text]]), 'Update file\n', ada, START_MS)
}

/** The subjects of the branch's commits, oldest first. */
export function subjects({ remote }: Ledger): string[] {
  return remote.log(BRANCH).map((commit) => commit.message.split('\n', 1)[0] ?? '')
}

/** Whether the server's files are those of an entry. */
export function isOnServer({ remote }: Ledger, key: string, entry: LedgerEntry): boolean {
  const files = remote.files(BRANCH)
  return Object.entries(entryFiles(entry)).every(([file, text]) => files.get(`${key}/${file}`) === text)
}
