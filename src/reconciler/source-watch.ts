import type { Commit, GitBranch, Oid } from '../git/types.ts'
import { keyOf, type CanaryKey } from '../ledger/entry.ts'
import type { KubeObject } from '../lib/kube-object.ts'
import { Problem } from '../lib/problem.ts'
import type { Revision } from '../rollout/state.ts'
import type { CanarySource } from '../source/canaries.ts'
import { manifestsInText, type Manifest } from '../source/manifest.ts'
import { createManifestCache, readManifests } from '../source/manifests.ts'
import { revisionHash } from '../source/revision.ts'
import { commitsBetween } from './commits-between.ts'
import { withLastGood } from './last-good.ts'
import { introducedBy } from './introduced-by.ts'
import type { Logger } from './ports.ts'

/** One canary as the source branch has it at its tip. */
export interface WatchedCanary {
  readonly key: CanaryKey
  readonly source: CanarySource
  /** What its target would run, and the commit that brought it; absent when the target is not in Git. */
  readonly revision: Revision | undefined
  /** The author of that commit, where it is known. */
  readonly author: Commit['author'] | undefined
  /** What is wrong with its manifests now; `source` is the last good version then. */
  readonly faults: readonly Problem[]
}

/** The source branch at one tip. */
export interface SourceSnapshot {
  readonly tip: Oid
  readonly manifests: readonly Manifest[]
  readonly canaries: ReadonlyMap<CanaryKey, WatchedCanary>
  /** Canaries that can't be read and of which no good version is known. */
  readonly broken: ReadonlyMap<CanaryKey, Problem>
  readonly problems: readonly Problem[]
}

export interface SourceWatchOptions {
  readonly branch: GitBranch
  /** Folders and files that are read; `['.']` is everything. */
  readonly paths: readonly string[]
  /** Revisions of a canary that are recorded: their commits keep naming the same content after a restart. */
  readonly recorded: (key: CanaryKey) => readonly Revision[]
  readonly log: Logger
}

/** What a look at the source branch found. `rewritten`: the tip is no descendant of the one before. */
export interface Look {
  readonly changed: boolean
  readonly rewritten: boolean
  /** What is new since the last look, oldest first; empty at the first look and after a rewrite. */
  readonly commits: readonly Commit[]
  readonly snapshot: SourceSnapshot
}

/** Follows the source branch: asks for its tip, fetches what is new, parses only changed files. */
export class SourceWatch {
  private readonly options: SourceWatchOptions
  private readonly cache = createManifestCache()
  private last: SourceSnapshot | undefined

  constructor(options: SourceWatchOptions) {
    this.options = options
  }

  /** The last snapshot; undefined before the first look. */
  get snapshot(): SourceSnapshot | undefined {
    return this.last
  }

  /** Looks at the branch: one round trip when nothing is new. Rejects with a Problem when it can't be read. */
  async look(): Promise<Look> {
    const { branch, log } = this.options
    const tip = await branch.tip()
    if (tip === null) throw missingBranch(branch.name)
    if (this.last?.tip === tip) return { changed: false, rewritten: false, commits: [], snapshot: this.last }
    await branch.fetch(tip)
    const before = this.last
    const commits = before === undefined ? [] : await commitsBetween(branch, before.tip, tip)
    if (commits === null) log.warn({ branch: branch.name, was: before?.tip, tip }, 'source branch was rewritten')
    const snapshot = await this.read(tip, before, commits ?? [])
    this.last = snapshot
    return { changed: true, rewritten: commits === null, commits: commits ?? [], snapshot }
  }

  private async read(
    tip: Oid,
    before: SourceSnapshot | undefined,
    commits: readonly Commit[],
  ): Promise<SourceSnapshot> {
    const { branch, paths } = this.options
    const files = await branch.files(tip, paths.map(folder))
    const read = await readManifests(files, (blob) => branch.text(blob), this.cache)
    const { manifests, found, faults, problems } = withLastGood(read, before?.canaries ?? new Map())
    const canaries = new Map<CanaryKey, WatchedCanary>()
    for (const source of found.canaries) {
      const key = keyOf(source.canary.metadata.namespace, source.canary.metadata.name)
      const watched = await this.watched(key, source, tip, before?.canaries.get(key), commits)
      canaries.set(key, { ...watched, faults: faults.get(key) ?? [] })
    }
    const broken = new Map<CanaryKey, Problem>()
    for (const { namespace, name, problems: own } of found.broken) {
      if (own[0] !== undefined) broken.set(keyOf(namespace, name), own[0])
    }
    return { tip, manifests, canaries, broken, problems: [...read.problems, ...problems] }
  }

  private async watched(
    key: CanaryKey,
    source: CanarySource,
    tip: Oid,
    before: WatchedCanary | undefined,
    commits: readonly Commit[],
  ): Promise<Omit<WatchedCanary, 'faults'>> {
    const { branch, recorded } = this.options
    if (source.target === undefined) return { key, source, revision: undefined, author: undefined }
    const hash = revisionHash(source.target.object)
    if (before?.revision?.hash === hash) return { key, source, revision: before.revision, author: before.author }
    const target = source.target
    const hashAt = (commit: Oid): Promise<string | undefined> => targetHash(branch, commit, target.file, target.object)
    const since = before === undefined ? await this.commitsMissed(key, tip, hash) : commits
    const commit = await introducedBy(since, tip, hash, hashAt)
    if (commit !== undefined) return { key, source, revision: { commit: commit.oid, hash }, author: commit.author }
    const known = recorded(key).find((revision) => revision.hash === hash)
    return { key, source, revision: known ?? { commit: tip, hash }, author: undefined }
  }

  /**
   * What was committed since the last recorded revision, for a canary that this process sees for the first time: a person may
   * have brought a revision, or brought one back, while no Serin ran. Nothing where the branch asks for what is promoted.
   */
  private async commitsMissed(key: CanaryKey, tip: Oid, hash: string): Promise<readonly Commit[]> {
    const [last, promoted] = this.options.recorded(key)
    if (last === undefined || promoted?.hash === hash || !/^[0-9a-f]{40}$/.test(last.commit)) return []
    return (await commitsBetween(this.options.branch, last.commit, tip)) ?? []
  }
}

/** The hash of a target as one file of a commit has it; undefined when it is not there or can't be read. */
async function targetHash(
  branch: GitBranch,
  commit: Oid,
  file: string,
  target: KubeObject,
): Promise<string | undefined> {
  if (!(await branch.deepen(commit))) return undefined
  const text = await branch.read(commit, file)
  if (text === null) return undefined
  const found = manifestsInText(text, file).manifests.find(
    ({ object }) =>
      object.kind === target.kind &&
      object.metadata.name === target.metadata.name &&
      object.metadata.namespace === target.metadata.namespace,
  )
  return found === undefined ? undefined : revisionHash(found.object)
}

function folder(path: string): string {
  return path === '.' || path === './' ? '' : path.replace(/^\.\//, '').replace(/\/$/, '')
}

function missingBranch(name: string): Problem {
  return new Problem({
    kind: 'retry',
    code: 'SOURCE_BRANCH_MISSING',
    message: `the source branch "${name}" does not exist at the server`,
    hint: 'push it, or set repository.branch',
  })
}
