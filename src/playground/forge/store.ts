/** A user of the playground forge, as GitHub describes one. */
export interface ForgeUser {
  readonly login: string
  readonly type: 'User' | 'Bot'
}

export interface ForgeComment {
  readonly id: number
  readonly author: ForgeUser
  readonly createdMs: number
  /** How often the text changed since. */
  readonly edits: number
  readonly body: string
}

export interface ForgePull {
  readonly number: number
  readonly title: string
  readonly body: string
  readonly author: ForgeUser
  readonly head: string
  readonly base: string
  readonly createdMs: number
  readonly state: 'open' | 'closed'
  readonly mergedMs?: number
  readonly mergeCommit?: string
  /** Set by the merge: the head's tip and the commits that the merge brought, the merge commit included. */
  readonly headSha?: string
  readonly commits?: readonly string[]
}

/** What the forge knows beyond Git: pull requests and their comments, in memory. Numbers and ids are given in order. */
export class ForgeStore {
  readonly #pulls = new Map<number, ForgePull>()
  readonly #comments = new Map<number, { readonly pull: number; comment: ForgeComment }>()
  #nextComment = 1000

  /** Newest first. */
  pulls(): readonly ForgePull[] {
    return [...this.#pulls.values()].toReversed()
  }

  pull(number: number): ForgePull | null {
    return this.#pulls.get(number) ?? null
  }

  addPull(pull: Omit<ForgePull, 'number' | 'state'>): ForgePull {
    const added: ForgePull = { ...pull, number: this.#pulls.size + 1, state: 'open' }
    this.#pulls.set(added.number, added)
    return added
  }

  changePull(number: number, change: Partial<ForgePull>): ForgePull {
    const pull = this.#pulls.get(number)
    if (pull === undefined) throw new Error(`there is no pull request ${number}`)
    const changed = { ...pull, ...change }
    this.#pulls.set(number, changed)
    return changed
  }

  /** Oldest first. */
  comments(pull: number): readonly ForgeComment[] {
    return [...this.#comments.values()].filter((entry) => entry.pull === pull).map((entry) => entry.comment)
  }

  addComment(pull: number, author: ForgeUser, body: string, createdMs: number): ForgeComment {
    const comment = { id: this.#nextComment++, author, body, createdMs, edits: 0 }
    this.#comments.set(comment.id, { pull, comment })
    return comment
  }

  comment(id: number): { readonly pull: number; readonly comment: ForgeComment } | null {
    return this.#comments.get(id) ?? null
  }

  editComment(id: number, body: string): ForgeComment | null {
    const entry = this.#comments.get(id)
    if (entry === undefined) return null
    entry.comment = { ...entry.comment, body, edits: entry.comment.edits + 1 }
    return entry.comment
  }

  deleteComment(id: number): boolean {
    return this.#comments.delete(id)
  }
}
