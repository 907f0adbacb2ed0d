import type { Commit, GitBranch, Oid } from '../git/types.ts'
import { keyOf, type CanaryKey } from '../ledger/entry.ts'
import { refOf, type KubeObject, type ObjectRef } from '../lib/kube-object.ts'
import { Problem } from '../lib/problem.ts'
import type { Revision } from '../rollout/state.ts'
import type { Canary } from '../resources/canary.ts'
import { clusterCanary, type CanarySource, type CanarySources } from '../source/canaries.ts'
import { identityOf, isManifestFile, manifestsInText, type Manifest } from '../source/manifest.ts'
import { createManifestCache, readManifests } from '../source/manifests.ts'
import { isClusterRevision, revisionHash } from '../source/revision.ts'
import { commitsBetween } from './commits-between.ts'
import { withLastGood } from './last-good.ts'
import { introducedBy } from './introduced-by.ts'
import type { Logger } from './ports.ts'

/** One canary as the source branch has it at its tip, or as the cluster has it where no manifest describes it. */
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
  /** Canaries of namespaces that are not looked after here. */
  readonly elsewhere: readonly CanaryKey[]
  readonly problems: readonly Problem[]
  /** What canaries that are only in the cluster may refer to. */
  readonly sources: CanarySources
}

interface Followed {
  readonly tip: Oid
  readonly watched: WatchedCanary
}

export interface SourceWatchOptions {
  readonly branch: GitBranch
  /** Folders and files that are read; `['.']` is everything. */
  readonly paths: readonly string[]
  /** Revisions of a canary that are recorded: their commits keep naming the same content after a restart. */
  readonly recorded: (key: CanaryKey) => readonly Revision[]
  /** Whether canaries of a namespace are looked after here; those of all are when absent. */
  readonly isOurs?: (namespace: string) => boolean
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
  /** What was found out of canaries that no manifest describes. */
  private readonly followed = new Map<CanaryKey, Followed>()

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
    this.letGo(before, snapshot)
    return { changed: true, rewritten: commits === null, commits: commits ?? [], snapshot }
  }

  /**
   * A canary that is only in the cluster, with what the branch has of what it refers to. `fault`: what is wrong with the
   * object now, when `canary` is an earlier version. Cheap to repeat. Undefined before the first look.
   */
  async follow(key: CanaryKey, canary: Canary, place: string, fault?: Problem): Promise<WatchedCanary | undefined> {
    const snapshot = this.last
    if (snapshot === undefined) return undefined
    const { tip, sources } = snapshot
    const known = this.followed.get(key)
    const faults = fault === undefined ? [] : [fault]
    if (known?.tip === tip && known.watched.source.canary === canary) return { ...known.watched, faults }
    const source = clusterCanary(canary, place, sources)
    const since = async (): Promise<readonly Commit[]> =>
      known === undefined ? [] : ((await commitsBetween(this.options.branch, known.tip, tip)) ?? [])
    const watched = { ...(await this.watched(key, source, tip, known?.watched, since)), faults }
    this.followed.set(key, { tip, watched })
    return watched
  }

  /** What `follow` found last; undefined for a canary that it was not asked about. */
  followedNow(key: CanaryKey): WatchedCanary | undefined {
    return this.followed.get(key)?.watched
  }

  /** Forgets a canary that `follow` was asked about and that is gone. */
  unfollow(key: CanaryKey): void {
    this.followed.delete(key)
  }

  /** An object as a commit had it which the branch has no more, or has changed since; undefined where that is not known. */
  async formerly(commit: Oid, ref: ObjectRef): Promise<KubeObject | undefined> {
    const { branch } = this.options
    const tip = this.last?.tip
    if (tip === undefined || isClusterRevision({ commit }) || !(await branch.deepen(commit))) return undefined
    const wanted = identityOf(ref)
    for (const file of await branch.changedPaths(commit, tip)) {
      const text = isManifestFile(file) ? await branch.read(commit, file) : null
      const found = text === null ? [] : manifestsInText(text, file).manifests.map(({ object }) => object)
      const object = found.find((one) => identityOf(refOf(one)) === wanted)
      if (object !== undefined) return object
    }
    return undefined
  }

  /** What was known of canaries that the branch no longer describes goes on being known, and the other way round. */
  private letGo(before: SourceSnapshot | undefined, now: SourceSnapshot): void {
    for (const key of now.canaries.keys()) this.followed.delete(key)
    for (const [key, watched] of before?.canaries ?? []) {
      if (before !== undefined && !now.canaries.has(key)) this.followed.set(key, { tip: before.tip, watched })
    }
  }

  private async read(
    tip: Oid,
    before: SourceSnapshot | undefined,
    commits: readonly Commit[],
  ): Promise<SourceSnapshot> {
    const { branch, paths, isOurs = () => true } = this.options
    const files = await branch.files(tip, paths.map(folder))
    const read = await readManifests(files, (blob) => branch.text(blob), this.cache)
    const { manifests, found, faults, problems } = withLastGood(read, before?.canaries ?? new Map())
    const canaries = new Map<CanaryKey, WatchedCanary>()
    const elsewhere: CanaryKey[] = []
    for (const source of found.canaries) {
      const { namespace, name } = source.canary.metadata
      const key = keyOf(namespace, name)
      if (!isOurs(namespace)) {
        elsewhere.push(key)
        continue
      }
      const watched = await this.watched(
        key,
        source,
        tip,
        before?.canaries.get(key) ?? this.followedNow(key),
        async () => commits,
      )
      canaries.set(key, { ...watched, faults: faults.get(key) ?? [] })
    }
    const broken = new Map<CanaryKey, Problem>()
    for (const { namespace, name, problems: own } of found.broken) {
      if (own[0] !== undefined && isOurs(namespace)) broken.set(keyOf(namespace, name), own[0])
    }
    return { tip, manifests, canaries, broken, elsewhere, problems: [...read.problems, ...problems], sources: found }
  }

  private async watched(
    key: CanaryKey,
    source: CanarySource,
    tip: Oid,
    before: WatchedCanary | undefined,
    commits: () => Promise<readonly Commit[]>,
  ): Promise<Omit<WatchedCanary, 'faults'>> {
    const { branch, recorded } = this.options
    if (source.target === undefined) return { key, source, revision: undefined, author: undefined }
    const hash = revisionHash(source.target.object)
    if (before?.revision?.hash === hash) return { key, source, revision: before.revision, author: before.author }
    const target = source.target
    const hashAt = (commit: Oid): Promise<string | undefined> => targetHash(branch, commit, target.file, target.object)
    const since = before === undefined ? await this.commitsMissed(key, tip, hash) : await commits()
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
