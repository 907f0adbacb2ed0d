import type { Clock } from '../../lib/clock.ts'
import type { Repository, Signature } from './git.ts'
import type { ForgePull, ForgeStore, ForgeUser } from './store.ts'

export type MergeMethod = 'merge' | 'squash' | 'rebase'

export interface NewPullRequest {
  readonly title: string
  readonly body?: string
  /** Written on top of the base branch; null deletes. */
  readonly files: Readonly<Record<string, string | null>>
  readonly author: string
  /** The new branch's name; made from the title when absent. */
  readonly branch?: string
  /** `main` by default. */
  readonly base?: string
}

/** A request that the forge turns down, with GitHub's status for it. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** How often a branch that somebody else just moved is tried again. */
const TRIES = 5

/** What people and programs do on the forge: open, merge, revert. Everything happens in the bare repository, by git itself. */
export class ForgeWork {
  readonly #repository: Repository
  readonly #store: ForgeStore
  readonly #clock: Clock
  /** Told of every branch that moved. */
  readonly #pushed: (branch: string, before: string, after: string) => void

  constructor(
    repository: Repository,
    store: ForgeStore,
    clock: Clock,
    pushed: (branch: string, before: string, after: string) => void,
  ) {
    this.#repository = repository
    this.#store = store
    this.#clock = clock
    this.#pushed = pushed
  }

  /** Commits the files on a new branch and opens a pull request from it. */
  async propose(request: NewPullRequest): Promise<ForgePull> {
    const { title, body = '', base = 'main', author } = request
    const tip = await this.#tip(base)
    const head = request.branch ?? (await this.#freeBranch(title))
    const commit = await this.#repository.commitFiles(tip, request.files, `${title}\n`, this.#by(author))
    if (!(await this.#repository.moveBranch(head, null, commit)))
      throw new Refusal(422, `branch ${head} exists already`)
    return this.open({ title, body, head, base, author: { login: author, type: 'User' } })
  }

  /** Opens a pull request between two existing branches. */
  async open(request: {
    readonly title: string
    readonly body: string
    readonly head: string
    readonly base: string
    readonly author: ForgeUser
  }): Promise<ForgePull> {
    const { head, base } = request
    if ((await this.#repository.resolve(`refs/heads/${head}`)) === null)
      throw new Refusal(422, 'Validation Failed: head')
    const same = (pull: ForgePull): boolean => pull.state === 'open' && pull.head === head && pull.base === base
    if (this.#store.pulls().some(same)) {
      throw new Refusal(422, `A pull request already exists for ${head}.`)
    }
    const headTip = await this.#tip(head)
    if ((await this.#repository.between(await this.#tip(base), headTip)).length === 0) {
      throw new Refusal(422, `No commits between ${base} and ${head}`)
    }
    return this.#store.addPull({ ...request, createdMs: this.#clock.now() })
  }

  /** Merges an open pull request; resolves to the commit on the base branch. */
  async merge(number: number, by: string, method: MergeMethod = 'merge'): Promise<string> {
    const pull = this.#store.pull(number)
    if (pull === null) throw new Refusal(404, 'Not Found')
    if (pull.state !== 'open') throw new Refusal(405, 'Pull Request is not mergeable')
    const head = await this.#tip(pull.head)
    const brought = await this.#repository.between(await this.#tip(pull.base), head)
    const commits: string[] = []
    const mergeCommit = await this.#advance(pull.base, async (tip) => {
      const made = await this.#mergeOnto(tip, head, pull, by, method)
      commits.splice(0, commits.length, ...made.commits)
      return made.tip
    })
    const mergedMs = this.#clock.now()
    this.#store.changePull(number, {
      state: 'closed',
      mergedMs,
      mergeCommit,
      headSha: head,
      commits: [...commits, ...brought],
    })
    return mergeCommit
  }

  /** A person's `git revert` of a commit on a branch, pushed there; a merge is reverted against its first parent. */
  async revert(commit: string, by: string, branch: string): Promise<string> {
    const parent = (await this.#repository.parents(commit))[0]
    if (parent === undefined) throw new Refusal(422, `${commit} has no parent to go back to`)
    const subject = (await this.#repository.message(commit)).split('\n')[0] ?? ''
    const message = `Revert "${subject}"\n\nThis reverts commit ${commit}.\n`
    return this.#advance(branch, async (tip) => {
      const result = await this.#repository.applyChange(tip, commit, parent, this.#by(by))
      if (result.kind === 'conflict')
        throw new Refusal(409, `reverting ${commit.slice(0, 7)} conflicts with later changes`)
      return this.#repository.commitTree(result.tree, [tip], message, this.#by(by))
    })
  }

  /** A person's direct push of files to a branch. */
  async push(
    files: Readonly<Record<string, string | null>>,
    message: string,
    by: string,
    branch: string,
  ): Promise<string> {
    return this.#advance(branch, async (tip) => this.#repository.commitFiles(tip, files, message, this.#by(by)))
  }

  async #mergeOnto(
    tip: string,
    head: string,
    pull: ForgePull,
    by: string,
    method: MergeMethod,
  ): Promise<{ readonly tip: string; readonly commits: readonly string[] }> {
    if (method === 'rebase') return this.#rebase(tip, head, by)
    const result = await this.#repository.merge(tip, head)
    if (result.kind === 'conflict') throw new Refusal(405, 'Merge conflict')
    const squash = method === 'squash'
    const message = squash
      ? `${pull.title} (#${pull.number})\n`
      : `Merge pull request #${pull.number} from ${pull.head}\n\n${pull.title}\n`
    const commit = await this.#repository.commitTree(result.tree, squash ? [tip] : [tip, head], message, this.#by(by))
    return { tip: commit, commits: [commit] }
  }

  async #rebase(
    onto: string,
    head: string,
    by: string,
  ): Promise<{ readonly tip: string; readonly commits: readonly string[] }> {
    let tip = onto
    const commits: string[] = []
    for (const commit of (await this.#repository.between(onto, head)).toReversed()) {
      const parent = (await this.#repository.parents(commit))[0]
      if (parent === undefined) throw new Refusal(405, 'the branch has an unrelated history')
      const result = await this.#repository.applyChange(tip, parent, commit, this.#by(by))
      if (result.kind === 'conflict') throw new Refusal(405, 'Merge conflict')
      tip = await this.#repository.commitTree(result.tree, [tip], await this.#repository.message(commit), this.#by(by))
      commits.unshift(tip)
    }
    return { tip, commits }
  }

  /** Makes a commit on the branch's tip and moves the branch, anew when somebody else was faster. */
  async #advance(branch: string, make: (tip: string) => Promise<string>): Promise<string> {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const tip = await this.#tip(branch)
      const next = await make(tip)
      if (await this.#repository.moveBranch(branch, tip, next)) {
        this.#pushed(branch, tip, next)
        return next
      }
    }
    throw new Refusal(409, `branch ${branch} moves faster than it can be merged into`)
  }

  async #tip(branch: string): Promise<string> {
    const tip = await this.#repository.resolve(`refs/heads/${branch}`)
    if (tip === null) throw new Refusal(422, `there is no branch ${branch}`)
    return tip
  }

  async #freeBranch(title: string): Promise<string> {
    const slug =
      title
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-+|-+$/g, '')
        .slice(0, 40) || 'change'
    const taken = new Set(await this.#repository.branches())
    let name = slug
    for (let count = 2; taken.has(name); count++) name = `${slug}-${count}`
    return name
  }

  #by(name: string): Signature {
    return { name, timeMs: this.#clock.now() }
  }
}
