import { pushWithRebuild } from '../git/push-with-rebuild.ts'
import type { TimelineEntry } from '../forge/view.ts'
import type { Commit, GitBranch, Oid, Person } from '../git/types.ts'
import type { LedgerChange } from '../ledger/change.ts'
import type { CanaryKey, LedgerEntry } from '../ledger/entry.ts'
import { readEdit } from '../ledger/edit.ts'
import { entryFiles } from '../ledger/files.ts'
import { message } from '../ledger/message.ts'
import { changedKeys, readFolder, readLedger } from '../ledger/read-tree.ts'
import type { Clock } from '../lib/clock.ts'
import { Mutex } from '../lib/mutex.ts'
import { Problem } from '../lib/problem.ts'
import type { Order } from '../rollout/input.ts'
import { answerCommit, missing, notRecorded } from './ledger-answers.ts'
import { commitsBetween } from './commits-between.ts'
import { pastTimelines } from './past-timeline.ts'
import type { Logger } from './ports.ts'

/** `superseded`: somebody else's commit changed this canary first; decide again on what is recorded now. */
export type Recorded = { readonly kind: 'recorded'; readonly commits: readonly Oid[] } | { readonly kind: 'superseded' }

export interface LedgerKeeperOptions {
  readonly branch: GitBranch
  readonly identity: Person
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  /** Milliseconds that changes may wait to share a push; urgent ones do not. */
  readonly pushIntervalMs: number
  readonly signal: AbortSignal
  /** Whether a canary is looked after here, as all are when absent: orders for others are for another Serin. */
  readonly isOurs?: (key: CanaryKey) => boolean
  /** Called with each canary that somebody else's commit concerns. */
  readonly onEdit: (key: CanaryKey) => void
}

/** What a decision is made on: when either has changed since then, it is superseded. */
export interface Seen {
  readonly entry: LedgerEntry | undefined
  readonly order: Order | undefined
}

interface Queued {
  readonly change: LedgerChange
  readonly decidedOn: Seen
  readonly resolve: (recorded: Recorded) => void
  readonly reject: (error: unknown) => void
}

const PUSH_ATTEMPTS = 8
const LOOK_BACK_COMMITS = 50

/**
 * Holds the ledger's head in memory and is the only writer to it here. Changes of many canaries that fall together share
 * one push, each with its own commits. Commits of others become orders, or are answered with a commit that restores what
 * is recorded; none is ever overwritten by force.
 */
export class LedgerKeeper {
  private readonly options: LedgerKeeperOptions
  private readonly mutex = new Mutex()
  private readonly recordedEntries = new Map<CanaryKey, LedgerEntry>()
  private readonly unreadable = new Map<CanaryKey, Problem>()
  private readonly orders = new Map<CanaryKey, { readonly order: Order; readonly entry: LedgerEntry }>()
  /** Edits of others that ask for nothing that can be done, and why: restored by the next push, before anything else. */
  private readonly unanswered = new Map<CanaryKey, string>()
  private queue: Queued[] = []
  private head: Oid | null = null
  private adoptedCommits = 0
  private lastPushMs = Number.NEGATIVE_INFINITY
  private cancelFlush: (() => void) | undefined

  constructor(options: LedgerKeeperOptions) {
    this.options = options
  }

  /** Reads the head. Rejects with a Problem when the remote can't be reached. */
  async start(): Promise<void> {
    const { branch } = this.options
    await this.mutex.run(async () => {
      const tip = await branch.tip()
      if (tip === null) return
      await branch.fetch(tip)
      this.head = (await this.newestTransition(tip)) ?? tip
      for (const [key, entry] of await readLedger(branch, this.head)) {
        if (entry instanceof Problem) await this.recover(this.head, key, entry)
        else this.recordedEntries.set(key, entry)
      }
      if (tip !== this.head) await this.adopt(tip)
    })
  }

  /** The newest commit that a Serin made: what people committed on top while none ran is read as an edit, not as the state. */
  private async newestTransition(tip: Oid): Promise<Oid | undefined> {
    const { branch } = this.options
    let oid: Oid | undefined = tip
    for (let looked = 0; looked < LOOK_BACK_COMMITS && oid !== undefined; looked++) {
      if (!(await branch.deepen(oid))) return undefined
      const commit: Commit = await branch.commit(oid)
      if (isTransition(commit)) return oid
      oid = commit.parents[0]
    }
    return undefined
  }

  /** What is recorded of a canary and asked for, to decide on. */
  seen(key: CanaryKey): Seen {
    return { entry: this.entry(key), order: this.order(key) }
  }

  /** How many commits of other Serins were adopted: a new number says that they may have read more of the source branch. */
  get adopted(): number {
    return this.adoptedCommits
  }

  /** What is recorded of a canary; undefined for one that was never seen. */
  entry(key: CanaryKey): LedgerEntry | undefined {
    return this.recordedEntries.get(key)
  }

  /** Why a canary's folder can't be used and no earlier commit helps. */
  problem(key: CanaryKey): Problem | undefined {
    return this.unreadable.get(key)
  }

  keys(): readonly CanaryKey[] {
    return [...this.recordedEntries.keys()]
  }

  /** Everything that is recorded. */
  entries(): ReadonlyMap<CanaryKey, LedgerEntry> {
    return this.recordedEntries
  }

  /** The commit that this keeper holds for the branch's tip. */
  get tip(): Oid | null {
    return this.head
  }

  /** What a person asked for on the ledger and nobody has answered yet. */
  order(key: CanaryKey): Order | undefined {
    return this.orders.get(key)?.order
  }

  /** The entry as the person's commit left it: where a former revision's content is. */
  orderedEntry(key: CanaryKey): LedgerEntry | undefined {
    return this.orders.get(key)?.entry
  }

  /** What the history tells of the newest rollouts of some canaries. Rejects with a Problem when it can't be fetched. */
  async timelines(keys: readonly CanaryKey[]): Promise<ReadonlyMap<CanaryKey, readonly TimelineEntry[]>> {
    const entries = new Map<CanaryKey, LedgerEntry>()
    for (const key of keys) {
      const entry = this.entry(key)
      if (entry !== undefined) entries.set(key, entry)
    }
    return this.head === null ? new Map() : pastTimelines(this.options.branch, this.head, entries)
  }

  /** Asks the server for its tip and reads what others committed. One round trip when nothing is new. */
  async poll(): Promise<void> {
    await this.mutex.run(async () => {
      const tip = await this.options.branch.tip()
      if (tip !== this.head) await this.adopt(tip)
      if (this.unanswered.size > 0) this.scheduleFlush(false)
    })
  }

  /**
   * Records a change on the server. Resolves when its push has landed, or as `superseded` when the entry it was decided on
   * (what is recorded now, unless it is named) is not the recorded one any more. Rejects with a Problem when the server can't be reached or refuses.
   */
  record(change: LedgerChange, decidedOn: Seen = this.seen(change.key)): Promise<Recorded> {
    return new Promise((resolve, reject) => {
      this.queue.push({ change, decidedOn, resolve, reject })
      this.scheduleFlush(change.urgent)
    })
  }

  /** Answers a person's edit that asks for nothing that can be done: a commit that restores what is recorded. */
  async answer(key: CanaryKey, why: string): Promise<void> {
    this.orders.delete(key)
    const entry = this.entry(key)
    if (entry === undefined) return
    const change = { key, next: entry, commits: [answerCommit(key, entry, why)], urgent: false }
    await new Promise<Recorded>((resolve, reject) => {
      // In front: a change of the same canary that waits for its push was decided on the entry that this restores.
      this.queue.unshift({ change, decidedOn: this.seen(key), resolve, reject })
      this.scheduleFlush(false)
    })
  }

  private scheduleFlush(urgent: boolean): void {
    const { clock, pushIntervalMs } = this.options
    const waitMs = urgent ? 0 : Math.max(0, this.lastPushMs + pushIntervalMs - clock.now())
    if (this.cancelFlush !== undefined && waitMs > 0) return
    this.cancelFlush?.()
    // Even without a wait the flush leaves this turn, so that changes decided together share its push.
    this.cancelFlush = clock.after(waitMs, () => {
      this.cancelFlush = undefined
      void this.mutex.run(() => this.flush())
    })
  }

  private async flush(): Promise<void> {
    const batch = this.queue
    this.queue = []
    if (batch.length === 0 && this.unanswered.size === 0) return
    this.lastPushMs = this.options.clock.now()
    try {
      await this.push(batch)
    } catch (error) {
      for (const queued of batch) queued.reject(error)
      const keys = [...this.unanswered.keys()]
      const log = this.options.log
      if (keys.length > 0)
        log.error({ keys, error: String(error) }, 'could not restore what is recorded on the ledger yet')
    }
  }

  private async push(batch: readonly Queued[]): Promise<void> {
    const { branch, clock, random, signal } = this.options
    let commits = new Map<Queued, readonly Oid[]>()
    const build = async (tip: Oid | null): Promise<Oid | null> => {
      if (tip !== this.head) await this.adopt(tip)
      const made = await this.makeCommits(tip, batch)
      commits = made.commits
      return made.last
    }
    const outcome = await pushWithRebuild(branch, this.head, build, { clock, random, attempts: PUSH_ATTEMPTS, signal })
    if (outcome.kind === 'refused' || outcome.kind === 'gave-up') throw notRecorded(outcome, branch.name)
    if (outcome.kind === 'landed') this.landed(commits, outcome.tip)
    for (const queued of batch) {
      const landed = commits.get(queued)
      queued.resolve(landed === undefined ? { kind: 'superseded' } : { kind: 'recorded', commits: landed })
    }
  }

  private landed(commits: ReadonlyMap<Queued, readonly Oid[]>, tip: Oid): void {
    this.head = tip
    this.unanswered.clear()
    for (const { change } of commits.keys()) {
      this.recordedEntries.set(change.key, change.next)
      this.orders.delete(change.key)
      this.unreadable.delete(change.key)
    }
  }

  private async makeCommits(
    tip: Oid | null,
    batch: readonly Queued[],
  ): Promise<{ readonly last: Oid | null; readonly commits: Map<Queued, readonly Oid[]> }> {
    const { branch, identity, clock } = this.options
    const commits = new Map<Queued, readonly Oid[]>()
    let parent = tip ?? (await this.newRoot())
    let last: Oid | null = null
    const make = async (key: CanaryKey, { message: text, files }: LedgerChange['commits'][number]): Promise<Oid> => {
      const changes = new Map(Object.entries(files).map(([file, content]) => [`${key}/${file}`, content]))
      parent = await branch.make({ parent, changes, message: text, author: identity, timeMs: clock.now() })
      last = parent
      return parent
    }
    for (const [key, why] of this.unanswered) {
      const entry = this.entry(key)
      if (entry !== undefined) await make(key, answerCommit(key, entry, why))
    }
    for (const queued of batch) {
      if (!this.isCurrent(queued)) continue
      const made: Oid[] = []
      for (const commit of queued.change.commits) made.push(await make(queued.change.key, commit))
      commits.set(queued, made)
    }
    return { last, commits }
  }

  private isCurrent({ change, decidedOn }: Queued): boolean {
    const now = this.seen(change.key)
    return now.entry === decidedOn.entry && now.order === decidedOn.order
  }

  /** The first commit of a ledger that was deleted at the server: everything that is recorded. Null for a new ledger. */
  private async newRoot(): Promise<Oid | null> {
    if (this.recordedEntries.size === 0) return null
    const { branch, identity, clock } = this.options
    const changes = new Map<string, string>()
    for (const [key, entry] of this.recordedEntries) {
      for (const [file, text] of Object.entries(entryFiles(entry))) changes.set(`${key}/${file}`, text)
    }
    const text = message(`Restore the ledger ${branch.name}`, ['The branch was gone at the server.'], [])
    return branch.make({ parent: null, changes, message: text, author: identity, timeMs: clock.now() })
  }

  /** Makes the server's tip our head, and reads what others did between the two. */
  private async adopt(tip: Oid | null): Promise<void> {
    const { branch, log } = this.options
    const before = this.head
    if (tip === null) {
      log.warn({ ledger: branch.name, was: before }, 'ledger branch is gone, starting a new one from what is recorded')
      this.head = null
      return
    }
    await branch.fetch(tip)
    const foreign = before === null ? await this.everything(tip) : await this.commitsOfOthers(before, tip)
    this.head = tip
    const { isOurs = () => true } = this.options
    for (const [key, commit] of foreign) if (isOurs(key)) await this.readForeign(tip, key, commit)
  }

  /** Adopts commits of another Serin with the same identity; returns the canaries that anyone else touched, with the commit. */
  private async commitsOfOthers(from: Oid, to: Oid): Promise<ReadonlyMap<CanaryKey, Oid>> {
    const { branch, identity, log } = this.options
    const foreign = new Map<CanaryKey, Oid>()
    const commits = await commitsBetween(branch, from, to)
    if (commits === null) {
      log.warn({ ledger: branch.name, was: from, tip: to }, 'ledger branch was rewritten, comparing contents')
      for (const key of await changedKeys(branch, from, to)) foreign.set(key, to)
      return foreign
    }
    for (const commit of commits) {
      const isOurs = commit.author.email === identity.email && isTransition(commit)
      for (const key of await changedKeys(branch, commit.parents[0] ?? from, commit.oid)) {
        if (!isOurs) foreign.set(key, commit.oid)
        else await this.adoptOurs(commit.oid, key)
      }
    }
    return foreign
  }

  private async adoptOurs(commit: Oid, key: CanaryKey): Promise<void> {
    const entry = await readFolder(this.options.branch, commit, key)
    if (entry === null || entry instanceof Problem) return
    this.recordedEntries.set(key, entry)
    this.adoptedCommits += 1
    this.options.onEdit(key)
  }

  private async everything(tip: Oid): Promise<ReadonlyMap<CanaryKey, Oid>> {
    const entries = await readLedger(this.options.branch, tip)
    for (const [key, entry] of entries) {
      if (!(entry instanceof Problem) && this.entry(key) === undefined) this.recordedEntries.set(key, entry)
    }
    this.adoptedCommits += 1
    return new Map([...entries.keys()].map((key) => [key, tip]))
  }

  private async readForeign(tip: Oid, key: CanaryKey, commit: Oid): Promise<void> {
    const { branch, log, onEdit } = this.options
    const before = this.entry(key)
    const found = await readFolder(branch, tip, key)
    if (before === undefined) return this.readUnseen(key, found)
    const after = found ?? missing(key)
    const edit = readEdit(before, after, commit)
    this.unanswered.delete(key)
    if (edit.kind === 'none') {
      this.orders.delete(key)
      return
    }
    log.info({ canary: key, commit, edit: edit.kind }, "somebody else's commit on the ledger")
    if (edit.kind === 'mistake') this.restore(key, edit.why)
    else if (!(after instanceof Problem)) this.orders.set(key, { order: edit, entry: after })
    onEdit(key)
  }

  /** Somebody else's folder of a canary that was never seen: nothing is recorded that could be restored. */
  private readUnseen(key: CanaryKey, found: LedgerEntry | Problem | null): void {
    if (found instanceof Problem) this.unreadable.set(key, found)
    else this.unreadable.delete(key)
  }

  /** The push that runs takes it along, else one of its own. */
  private restore(key: CanaryKey, why: string): void {
    this.orders.delete(key)
    this.unanswered.set(key, why)
    this.scheduleFlush(false)
  }

  /** At start a folder may hold nonsense: the newest commit where it held an entry tells what is recorded. */
  private async recover(head: Oid, key: CanaryKey, problem: Problem): Promise<void> {
    const { branch, log } = this.options
    let commit: Oid | undefined = head
    for (let looked = 0; looked < LOOK_BACK_COMMITS && commit !== undefined; looked++) {
      const oid: Oid = commit
      // The clone holds the head alone; the history comes only when it is needed.
      if (!(await branch.deepen(oid))) break
      commit = (await branch.commit(oid)).parents[0]
      const entry = await readFolder(branch, oid, key)
      if (entry === null || entry instanceof Problem) continue
      this.recordedEntries.set(key, entry)
      log.warn({ canary: key, commit: oid, problem: problem.toString() }, 'ledger entry restored from history')
      this.restore(key, problem.toString())
      return
    }
    this.unreadable.set(key, problem)
    log.error({ canary: key, problem: problem.toString() }, 'ledger entry is unreadable')
  }
}

/** True for a commit with the trailers of a transition, which no revert of one has. */
function isTransition(commit: Commit): boolean {
  return commit.message.includes('\nCanary: ')
}
