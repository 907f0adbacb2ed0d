import type { LedgerChange } from '../ledger/change.ts'
import type { CanaryKey, LedgerEntry } from '../ledger/entry.ts'
import { canonicalJson, isObject } from '../lib/json.ts'
import type { Sentence } from '../rollout/sentences.ts'
import type { Logger, Spool } from './ports.ts'

/** Decisions that Git does not have yet: one change with the commits of all of them, and what there is to tell. */
export interface Spooled {
  readonly change: LedgerChange
  readonly sentences: readonly Sentence[]
}

interface Pending extends Spooled {
  /** Canonical JSON of the entry that the change was decided on. */
  readonly before: string
}

/**
 * Decisions towards safety that the cluster already shows and Git does not have yet. Only more of
 * the same kind is decided for their canary before they are recorded, also by the next process.
 */
export class SafetySpool {
  private readonly spool: Spool
  private readonly log: Logger
  private readonly pending = new Map<CanaryKey, Pending>()

  constructor(spool: Spool, log: Logger) {
    this.spool = spool
    this.log = log
  }

  /** Reads what the last process left. */
  async start(): Promise<void> {
    for (const [key, text] of await this.spool.all()) {
      const value: unknown = parse(text)
      if (isPending(value)) this.pending.set(key, value)
      else this.log.warn({ canary: key }, 'spooled rollback is unreadable and left out')
    }
  }

  /** Must be called before the cluster is touched. */
  async put(key: CanaryKey, before: LedgerEntry, spooled: Spooled): Promise<void> {
    const value: Pending = { before: canonicalJson(before), ...spooled }
    await this.spool.put(key, JSON.stringify(value))
    this.pending.set(key, value)
  }

  /** What waits for Git; undefined when there is nothing or the recorded entry is not the one it was decided on. */
  get(key: CanaryKey, entry: LedgerEntry): Spooled | undefined {
    const value = this.pending.get(key)
    return value !== undefined && value.before === canonicalJson(entry) ? value : undefined
  }

  async remove(key: CanaryKey): Promise<void> {
    if (!this.pending.delete(key)) return
    await this.spool.remove(key)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isPending(value: unknown): value is Pending {
  return (
    isObject(value) &&
    typeof value['before'] === 'string' &&
    isObject(value['change']) &&
    Array.isArray(value['sentences'])
  )
}
