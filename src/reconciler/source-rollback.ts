import { pushWithRebuild } from '../git/push-with-rebuild.ts'
import type { GitBranch, Oid, Person } from '../git/types.ts'
import type { CanaryKey } from '../ledger/entry.ts'
import { reapplyMessage, revertMessage } from '../ledger/revert-message.ts'
import type { Clock } from '../lib/clock.ts'
import { isObject, stringAt } from '../lib/json.ts'
import type { KubeObject } from '../lib/kube-object.ts'
import { Problem } from '../lib/problem.ts'
import type { Promoted, Revision, RolloutState, SourceRollback } from '../rollout/state.ts'
import { manifestsInText } from '../source/manifest.ts'
import { isClusterRevision, revisionHash } from '../source/revision.ts'
import { restoreDocument } from '../yaml/restore.ts'

export interface SourceRollbackOptions {
  readonly branch: GitBranch
  readonly identity: Person
  /** The highest rung that may be taken. */
  readonly mode: SourceRollback['rung']
  readonly clock: Clock
  readonly random: () => number
  readonly signal: AbortSignal
  /** Called when the branch is not what it was taken for, so that it is looked at. */
  readonly onPushed: () => void
}

/** What is to be taken back: a target's document in a file of the source branch. */
export interface FailedTarget {
  readonly key: CanaryKey
  readonly file: string
  readonly object: KubeObject
  /** The revision to take back. */
  readonly revision: Revision
  readonly state: RolloutState
  readonly promoted: Promoted
}

/** `already`: the branch does not ask for the failed revision any more. */
export type SourceRollbackResult =
  { readonly kind: 'already' } | { readonly kind: 'done'; readonly rollback: SourceRollback }

type Made = { readonly commit: Oid } | { readonly refused: string } | { readonly already: true }

/** Writes rollbacks to the source branch, so that Git never claims a release that failed. */
export class SourceRollbackWriter {
  private readonly options: SourceRollbackOptions

  constructor(options: SourceRollbackOptions) {
    this.options = options
  }

  get branchName(): string {
    return this.options.branch.name
  }

  /**
   * Commits a revert of the failed revision on the branch's newest tip: the target's document as it was promoted, every
   * other byte as it is. Where that can't be done without a guess, or the branch does not take it, says why.
   */
  write(failed: FailedTarget): Promise<SourceRollbackResult> {
    return this.commit((tip) => this.revertOn(tip, failed))
  }

  /**
   * Commits a failed revision on the branch's newest tip again, as the ledger's commit `orderedBy` asks: the target's
   * document as it failed, every other byte as it is.
   */
  reapply(failed: FailedTarget, orderedBy: Oid): Promise<SourceRollbackResult> {
    return this.commit((tip) => this.reapplyOn(tip, failed, orderedBy))
  }

  private async commit(make: (tip: Oid) => Promise<Made>): Promise<SourceRollbackResult> {
    const { branch, clock, random, signal, mode, onPushed } = this.options
    if (mode === 'status-only') return statusOnly('rollback is set to status-only')
    const tip = await branch.tip()
    if (tip === null) return statusOnly('the branch is gone')
    await branch.fetch(tip)
    let refused: string | undefined
    const build = async (base: Oid | null): Promise<Oid | null> => {
      const made = base === null ? { refused: 'the branch is gone' } : await make(base)
      refused = 'refused' in made ? made.refused : undefined
      return 'commit' in made ? made.commit : null
    }
    const outcome = await pushWithRebuild(branch, tip, build, { clock, random, attempts: 8, signal })
    switch (outcome.kind) {
      case 'landed':
        onPushed()
        return { kind: 'done', rollback: { rung: 'commit', reference: outcome.tip } }
      case 'nothing':
        if (refused !== undefined) return statusOnly(refused)
        onPushed()
        return { kind: 'already' }
      case 'refused':
        return statusOnly(`the server refused the push: ${outcome.message}`)
      case 'gave-up':
        throw new Problem({
          kind: 'retry',
          code: 'SOURCE_UNREACHABLE',
          place: branch.name,
          message: `a commit could not be pushed: ${outcome.message}`,
        })
    }
  }

  private async revertOn(tip: Oid, failed: FailedTarget): Promise<Made> {
    const { branch } = this.options
    const { file, revision, state } = failed
    const current = await branch.read(tip, file)
    if (current === null) return { refused: `${file} is gone` }
    if (hashIn(current, failed) !== revision.hash) return { already: true }
    const older = await this.promotedText(failed)
    if (older === undefined) return { refused: `the promoted revision is not in ${file} of an earlier commit` }
    const text = revertMessage(failed.key, revision.commit, await this.messageOf(revision.commit), state)
    return this.restoreOn(tip, failed, { current, older, text })
  }

  private async reapplyOn(tip: Oid, failed: FailedTarget, orderedBy: Oid): Promise<Made> {
    const { branch } = this.options
    const { file, revision, state } = failed
    const current = await branch.read(tip, file)
    if (current === null) return { refused: `${file} is gone` }
    if (hashIn(current, failed) === revision.hash) return { already: true }
    if (isClusterRevision(revision)) return { refused: 'the failed revision was only in the cluster' }
    const older = (await branch.deepen(revision.commit)) ? await branch.read(revision.commit, file) : null
    if (older === null || hashIn(older, failed) !== revision.hash) {
      return { refused: `the failed revision is not in ${file} of commit ${revision.commit}` }
    }
    const text = reapplyMessage(failed.key, orderedBy, await this.messageOf(revision.commit), state)
    return this.restoreOn(tip, failed, { current, older, text })
  }

  private async restoreOn(
    tip: Oid,
    { file, object }: FailedTarget,
    { current, older, text }: { readonly current: string; readonly older: string; readonly text: string },
  ): Promise<Made> {
    const { branch, identity, clock } = this.options
    const edit = restoreDocument(current, older, (value) => isTarget(value, object))
    if ('refused' in edit) return { refused: edit.refused }
    const changes = new Map([[file, edit.text]])
    return { commit: await branch.make({ parent: tip, changes, message: text, author: identity, timeMs: clock.now() }) }
  }

  /** The file as it was before the failed revision came, or else where the promoted revision came. */
  private async promotedText({ file, revision, promoted, object }: FailedTarget): Promise<string | undefined> {
    const { branch } = this.options
    const parent = await this.parentOf(revision.commit)
    for (const commit of [parent, promoted.commit]) {
      if (commit === undefined || isClusterRevision({ commit }) || !(await branch.deepen(commit))) continue
      const text = await branch.read(commit, file)
      if (text !== null && hashIn(text, { file, object }) === promoted.hash) return text
    }
    return undefined
  }

  private async parentOf(commit: Oid): Promise<Oid | undefined> {
    const { branch } = this.options
    return (await branch.deepen(commit)) ? (await branch.commit(commit)).parents[0] : undefined
  }

  private async messageOf(commit: Oid): Promise<string | undefined> {
    const { branch } = this.options
    return (await branch.deepen(commit)) ? (await branch.commit(commit)).message : undefined
  }
}

function hashIn(text: string, { file, object }: Pick<FailedTarget, 'file' | 'object'>): string | undefined {
  const found = manifestsInText(text, file).manifests.find((manifest) => isTarget(manifest.object, object))
  return found === undefined ? undefined : revisionHash(found.object)
}

function isTarget(value: unknown, target: KubeObject): boolean {
  if (!isObject(value)) return false
  const namespace = stringAt(value, 'metadata', 'namespace') ?? 'default'
  return (
    value['kind'] === target.kind &&
    stringAt(value, 'metadata', 'name') === target.metadata.name &&
    namespace === (target.metadata.namespace ?? 'default')
  )
}

function statusOnly(reason: string): SourceRollbackResult {
  return { kind: 'done', rollback: { rung: 'status-only', reason } }
}
