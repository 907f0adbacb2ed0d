import type { Commit, GitBranch, Oid } from '../git/types.ts'
import type { CanaryKey } from '../ledger/entry.ts'
import { describeRef, refOf, type KubeObject } from '../lib/kube-object.ts'
import { Mutex } from '../lib/mutex.ts'
import { Problem, toProblem } from '../lib/problem.ts'
import type { Logger } from './ports.ts'
import type { SourceSnapshot } from './source-watch.ts'

/** A problem and the file of the source branch that it comes from; undefined where that is not known. */
export interface FileProblem {
  readonly problem: Problem
  readonly file: string | undefined
}

export interface SourceProblemsOptions {
  readonly branch: GitBranch
  readonly log: Logger
  /** Everything that is wrong because of a commit now; nothing when the last of it is mended. Must not throw. */
  readonly report: (commit: Oid, problems: readonly Problem[]) => void
}

interface Known {
  readonly problem: Problem
  readonly commit: Oid | undefined
}

/** Knows what is wrong on the source branch, and which commit brought each of it, so that its pull request can be told. */
export class SourceProblems {
  private readonly options: SourceProblemsOptions
  private readonly mutex = new Mutex()
  private readonly known = new Map<string, readonly Known[]>()
  private logged: ReadonlySet<string> = new Set()
  private commits: readonly Commit[] = []
  private tip: Oid | undefined
  private isFirst = true

  constructor(options: SourceProblemsOptions) {
    this.options = options
  }

  /**
   * The branch is at a tip and `commits` are new: what is found wrong from now on came with one of them. Logs what is wrong
   * with the files, once.
   */
  looked(snapshot: SourceSnapshot, commits: readonly Commit[]): void {
    this.isFirst = this.tip === undefined
    this.tip = snapshot.tip
    this.commits = commits
    const { problems } = snapshot
    for (const problem of problems) {
      if (this.logged.has(problem.toString())) continue
      const { code, place, hint, message } = problem
      this.options.log.error({ code, place, hint }, message)
    }
    this.logged = new Set(problems.map(String))
    void this.set(
      'files',
      problems.map((problem) => ({ problem, file: fileOf(problem.place) })),
    )
    this.retain(() => originsIn(snapshot))
  }

  /** What keeps a canary from being worked with; undefined when nothing does. */
  canary(key: CanaryKey, problem: Problem | undefined, file: string | undefined): void {
    void this.set(`canary ${key}`, problem === undefined ? [] : [{ problem, file }])
  }

  /** The cluster does not take an object of a file. */
  refused(object: KubeObject, file: string, problem: Problem): void {
    void this.set(originOf(object), [{ problem, file }])
  }

  /** The cluster took the object after all. */
  taken(object: KubeObject): void {
    void this.set(originOf(object), [])
  }

  /** Replaces all problems of one origin, for example of a canary. Never rejects. */
  private set(origin: string, found: readonly FileProblem[]): Promise<void> {
    if (found.length === 0 && !this.known.has(origin)) return Promise.resolve()
    return this.mutex.run(async () => {
      const before = this.known.get(origin) ?? []
      const after: Known[] = []
      for (const { problem, file } of found) {
        const same = before.find((known) => textOf(known) === problem.toString())
        after.push({ problem, commit: same === undefined ? await this.broughtBy(file) : same.commit })
      }
      if (after.length === 0) this.known.delete(origin)
      else this.known.set(origin, after)
      for (const commit of commitsThatDiffer(before, after)) this.options.report(commit, this.problemsOf(commit))
    })
  }

  /** Drops the problems of origins that are gone from the branch. */
  private retain(origins: () => ReadonlySet<string>): void {
    if (this.known.size === 0) return
    const there = origins()
    for (const origin of this.known.keys()) if (!there.has(origin)) void this.set(origin, [])
  }

  private problemsOf(commit: Oid): readonly Problem[] {
    const problems = [...this.known.values()].flat().filter((known) => known.commit === commit)
    return [...new Map(problems.map((known) => [textOf(known), known.problem])).values()]
  }

  /** The newest commit that changed the file; else the tip, which may have broken it from elsewhere. */
  private async broughtBy(file: string | undefined): Promise<Oid | undefined> {
    const { branch, log } = this.options
    try {
      const candidates = this.isFirst ? await this.tipOnly() : this.commits.toReversed()
      for (const { oid, parents } of candidates) {
        const [parent] = parents
        if (file === undefined || parent === undefined || !(await branch.deepen(parent))) continue
        if ((await branch.changedPaths(parent, oid)).includes(file)) return oid
      }
    } catch (error) {
      log.warn({ file, code: toProblem(error).code }, 'could not find the commit that brought a problem')
    }
    return this.isFirst ? undefined : this.tip
  }

  private async tipOnly(): Promise<readonly Commit[]> {
    return this.tip === undefined ? [] : [await this.options.branch.commit(this.tip)]
  }
}

/** What a problem can come from, as long as it is on the branch. */
function originsIn({ canaries, broken, manifests }: SourceSnapshot): ReadonlySet<string> {
  const keys = [...canaries.keys(), ...broken.keys()].map((key) => `canary ${key}`)
  return new Set(['files', ...keys, ...manifests.map(({ object }) => originOf(object))])
}

function originOf(object: KubeObject): string {
  return `object ${describeRef(refOf(object))}`
}

function textOf({ problem }: Known): string {
  return problem.toString()
}

function commitsThatDiffer(before: readonly Known[], after: readonly Known[]): ReadonlySet<Oid> {
  const had = new Set(before.map(textOf))
  const has = new Set(after.map(textOf))
  const changed = [...before.filter((known) => !has.has(textOf(known))), ...after.filter((k) => !had.has(textOf(k)))]
  return new Set(changed.flatMap(({ commit }) => (commit === undefined ? [] : [commit])))
}

/** The file in a place as manifests have it, `file:line:column`. */
export function fileOf(place: string | undefined): string | undefined {
  return /^(.+?\.(?:ya?ml|json))(?::\d+){0,2}$/i.exec(place ?? '')?.[1]
}

/** What the cluster says names the object; people look for the line in the file. */
export function placedAt({ kind, code, message, place, hint }: Problem, line: string): Problem {
  return new Problem({ kind, code, message: place === undefined ? message : `${place}: ${message}`, place: line, hint })
}
