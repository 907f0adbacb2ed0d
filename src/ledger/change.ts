import type { Promoted } from '../rollout/state.ts'
import type { Transition } from '../rollout/transition.ts'
import type { KubeObject } from '../lib/kube-object.ts'
import type { CanaryKey, LedgerEntry } from './entry.ts'
import { entryFiles, type LedgerFile } from './files.ts'
import { message, trailers, transitionMessage } from './message.ts'

/** One commit to make: files of the canary's folder and the message. */
export interface LedgerCommit {
  readonly message: string
  readonly files: Readonly<Record<LedgerFile, string>>
}

/** A change of one canary's entry, as the commits that record it. */
export interface LedgerChange {
  readonly key: CanaryKey
  readonly next: LedgerEntry
  readonly commits: readonly LedgerCommit[]
  /** Must not wait for others to share a push: a rollback. */
  readonly urgent: boolean
}

/**
 * The commits of a transition: one, or two where it promotes. The promotion's own commit touches only `promoted.yaml` and
 * `primary.yaml`, so that its revert applies cleanly however often the status has changed since.
 */
export function transitionChange(
  key: CanaryKey,
  before: LedgerEntry | null,
  transition: Transition,
  objects: { readonly primary: readonly KubeObject[]; readonly routes: readonly KubeObject[] },
  why: readonly string[],
): LedgerChange {
  const { next: state, subject, promotion } = transition
  const promoted = promotedAfter(before, transition)
  const next: LedgerEntry = { state, promoted, ...objects }
  const urgent = state.phase === 'Failed'
  const first = transitionMessage(key, subject.text, state, why)
  if (before === null || promotion === undefined || promotion.subject.text === subject.text) {
    return { key, next, commits: [{ message: first, files: entryFiles(next) }], urgent }
  }
  const status = entryFiles({ state, routes: next.routes, promoted: before.promoted, primary: before.primary })
  const second = message(promotion.subject.text, [], trailers(key, state))
  const commits = [
    { message: first, files: status },
    { message: second, files: entryFiles(next) },
  ]
  return { key, next, commits, urgent }
}

/** A change of the objects without a transition: the Canary's own spec asks for other routes. */
export function objectsChange(key: CanaryKey, next: LedgerEntry, subject: string): LedgerChange {
  const commits = [{ message: message(subject, [], trailers(key, next.state)), files: entryFiles(next) }]
  return { key, next, commits, urgent: false }
}

function promotedAfter(before: LedgerEntry | null, { promotion }: Transition): Promoted {
  const promoted = promotion?.promoted ?? before?.promoted
  if (promoted === undefined) throw new Error('the first transition of a canary promotes')
  return promoted
}
