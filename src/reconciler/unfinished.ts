import type { CanaryKey, LedgerEntry } from '../ledger/entry.ts'
import type { Fence } from './fence.ts'

/** What was recorded here and could not be brought about yet, with the fence that was made before it was recorded. */
export class Unfinished {
  private readonly kept = new Map<CanaryKey, { readonly entry: LedgerEntry; readonly fence: Fence }>()

  keep(key: CanaryKey, entry: LedgerEntry, fence: Fence): void {
    this.kept.set(key, { entry, fence })
  }

  /** The fence of this record, once; it asks Git again before it lets anything pass, as time has gone by. */
  take(key: CanaryKey, entry: LedgerEntry): Fence | undefined {
    const found = this.kept.get(key)
    this.kept.delete(key)
    if (found === undefined || found.entry !== entry) return undefined
    found.fence.doubt()
    return found.fence
  }
}
