import { z } from 'zod'
import type { Oid } from '../git/types.ts'
import type { Clock } from '../lib/clock.ts'
import { Problem } from '../lib/problem.ts'
import { Comment, Pull, readAnswer, Viewer } from './github-answers.ts'
import { GitHubClient } from './github-client.ts'
import type { Forge, PullRequest } from './types.ts'

export interface GitHubOptions {
  /** `https://api.github.com`, or `https://HOST/api/v3` on GitHub Enterprise Server. */
  readonly apiUrl: string
  /** `owner/name`. */
  readonly repository: string
  /** The source branch: of several pull requests that hold a commit, one merged into it is preferred. */
  readonly branch?: string
  /** Asked before every request, so that tokens may be renewed; must be quick and cached. */
  readonly token: () => Promise<string>
  /**
   * The login that our comments carry, `NAME[bot]` for a GitHub App. When absent it is asked for once; a token of a
   * GitHub App may not ask, then comments by any bot count as possibly ours.
   */
  readonly login?: string
  readonly clock: Clock
  /** Deadline of one HTTP request, in milliseconds of real time. */
  readonly timeoutMs: number
  /** For tests and proxies; Node's own by default. */
  readonly fetch?: typeof fetch
}

/**
 * The GitHub adapter. It tries each request once: who calls knows better whether to wait, and the report queue does so on
 * the clock. After a rate limit it keeps silent, and rejects at once with the same Problem, until GitHub's time is over.
 * Rejects with Problems: `FORGE_UNAUTHORIZED`, `FORGE_FORBIDDEN`, `FORGE_NOT_FOUND`, `FORGE_REFUSED` (stalled);
 * `FORGE_RATE_LIMITED` (with `retryAfterMs`), `FORGE_UNREACHABLE`, `FORGE_TIMEOUT`, `FORGE_BAD_ANSWER` (retry).
 */
export function createGitHub(options: GitHubOptions): Forge {
  const [owner, repo, ...rest] = options.repository.split('/')
  if (!owner || !repo || rest.length > 0) {
    throw new Problem({
      kind: 'stalled',
      code: 'FORGE_REPOSITORY',
      message: `"${options.repository}" is not a repository name`,
      hint: 'write it as owner/name',
    })
  }
  return new GitHub(options, owner, repo)
}

class GitHub implements Forge {
  readonly #options: GitHubOptions
  readonly #repository: { readonly owner: string; readonly repo: string }
  readonly #client: GitHubClient
  /** Undefined until asked; null when the token may not ask. */
  #login: string | null | undefined
  /** One comment's reads and writes happen one after another, or two calls at once would both create it. */
  readonly #turns = new Map<string, Promise<unknown>>()
  /** The comment of a pull request and marker, once known: GitHub's lists may lag behind a creation. */
  readonly #known = new Map<string, Comment>()

  constructor(options: GitHubOptions, owner: string, repo: string) {
    this.#options = options
    this.#client = new GitHubClient(options)
    this.#login = options.login
    this.#repository = { owner, repo }
  }

  async pullRequestOf(commit: Oid): Promise<PullRequest | null> {
    const pulls = await this.#client.call(`find the pull request of ${commit.slice(0, 7)}`, [422], async (octokit) => {
      const request = { ...this.#repository, commit_sha: commit, per_page: 100 }
      return octokit.rest.repos.listPullRequestsAssociatedWithCommit(request)
    })
    if (pulls === null) return null
    const merged = this.#read(z.array(Pull), pulls, 'pull requests').filter((pull) => pull.merged_at)
    const found =
      merged.find((pull) => pull.merge_commit_sha === commit) ??
      merged.find((pull) => this.#options.branch === undefined || pull.base.ref === this.#options.branch)
    return found === undefined ? null : toPullRequest(found)
  }

  async comment(pullRequest: number, marker: string, markdown: string): Promise<{ readonly url: string }> {
    const tag = markerTag(marker)
    const key = `${pullRequest} ${tag}`
    const before = this.#turns.get(key) ?? Promise.resolve()
    const turn = before.then(() => this.#comment(pullRequest, key, tag, `${tag}\n${markdown}`))
    const settled = turn.then(ignore, ignore)
    this.#turns.set(key, settled)
    try {
      return { url: (await turn).html_url }
    } finally {
      if (this.#turns.get(key) === settled) this.#turns.delete(key)
    }
  }

  async openPullRequest(request: {
    readonly head: string
    readonly base: string
    readonly title: string
    readonly body: string
  }): Promise<PullRequest> {
    const open = await this.#openBetween(request.head, request.base)
    if (open !== null) return open
    // 422 is also GitHub's word for "a pull request already exists": another process was faster, or an answer was lost.
    const made = await this.#client.call('open a pull request', [422], async (octokit) =>
      octokit.rest.pulls.create({ ...this.#repository, ...request }),
    )
    if (made !== null) return toPullRequest(this.#read(Pull, made, 'a new pull request'))
    const other = await this.#openBetween(request.head, request.base)
    if (other !== null) return other
    throw new Problem({
      kind: 'stalled',
      code: 'FORGE_REFUSED',
      message: `could not open a pull request from "${request.head}" to "${request.base}": the forge answered 422`,
      place: this.#client.place,
      hint: 'check that both branches exist and differ',
    })
  }

  async #openBetween(head: string, base: string): Promise<PullRequest | null> {
    const qualified = head.includes(':') ? head : `${this.#repository.owner}:${head}`
    const pulls = await this.#client.call('list open pull requests', [], async (octokit) =>
      octokit.rest.pulls.list({ ...this.#repository, state: 'open', head: qualified, base }),
    )
    const first = this.#read(z.array(Pull), pulls, 'pull requests')[0]
    return first === undefined ? null : toPullRequest(first)
  }

  async #comment(pullRequest: number, key: string, tag: string, body: string): Promise<Comment> {
    const known = this.#known.get(key)
    const edited = known === undefined ? null : await this.#edit(known, body)
    const comment =
      edited ?? (await this.#findAndEdit(pullRequest, tag, body)) ?? (await this.#create(pullRequest, body))
    this.#known.set(key, comment)
    return comment
  }

  async #findAndEdit(pullRequest: number, tag: string, body: string): Promise<Comment | null> {
    const found = await this.#find(pullRequest, tag)
    return found === null ? null : this.#edit(found, body)
  }

  /** The oldest comment of ours that begins with the tag: a tag inside text, or in another's comment, is no claim. */
  async #find(pullRequest: number, tag: string): Promise<Comment | null> {
    const login = await this.#ownLogin()
    const all = await this.#client.call('list comments', [], async (octokit) => {
      const request = { ...this.#repository, issue_number: pullRequest, per_page: 100 }
      return { data: await octokit.paginate(octokit.rest.issues.listComments, request) }
    })
    const ours = this.#read(z.array(Comment), all, 'comments').filter(
      (comment) => isOurs(comment, login) && (comment.body ?? '').startsWith(tag),
    )
    ours.sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1))
    return ours[0] ?? null
  }

  /** null when the comment is gone. */
  async #edit(comment: Comment, body: string): Promise<Comment | null> {
    if (sameText(comment.body ?? '', body)) return comment
    const data = await this.#client.call('edit a comment', [404, 410], async (octokit) =>
      // Not `issues.updateComment`: that takes a number, and ids may exceed 2^53.
      octokit.request(`PATCH /repos/{owner}/{repo}/issues/comments/${comment.id}`, { ...this.#repository, body }),
    )
    return data === null ? null : { ...this.#read(Comment, data, 'an edited comment'), body }
  }

  async #create(pullRequest: number, body: string): Promise<Comment> {
    const data = await this.#client.call('create a comment', [], async (octokit) =>
      octokit.rest.issues.createComment({ ...this.#repository, issue_number: pullRequest, body }),
    )
    return { ...this.#read(Comment, data, 'a new comment'), body }
  }

  #read<T>(schema: z.ZodType<T>, data: unknown, what: string): T {
    return readAnswer(schema, data, what, this.#client.place)
  }

  async #ownLogin(): Promise<string | null> {
    if (this.#login !== undefined) return this.#login
    const data = await this.#client.call('ask who the token belongs to', [403, 404], async (octokit) =>
      octokit.rest.users.getAuthenticated(),
    )
    this.#login = data === null ? null : this.#read(Viewer, data, 'the own user').login
    return this.#login
  }
}

function isOurs(comment: Comment, login: string | null): boolean {
  if (login === null) return comment.user?.type === 'Bot'
  return comment.user?.login.toLowerCase() === login.toLowerCase()
}

function sameText(a: string, b: string): boolean {
  return normalise(a) === normalise(b)
}

/** Forges store line ends and trailing space in their own way. */
function normalise(text: string): string {
  return text.replaceAll('\r\n', '\n').trimEnd()
}

/** The invisible first line that makes a comment ours. */
function markerTag(marker: string): string {
  if (/^[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?$/.test(marker) && !marker.includes('--')) {
    return `<!-- serin:${marker} -->`
  }
  throw new Problem({
    kind: 'bug',
    code: 'FORGE_MARKER',
    message: `"${marker.slice(0, 100)}" is not usable as a comment's marker`,
    hint: 'letters, digits, dots, slashes and single hyphens',
  })
}

function toPullRequest(pull: Pull): PullRequest {
  const merged = pull.merged_at !== null && pull.merged_at !== undefined
  const mergeCommit = merged ? pull.merge_commit_sha : undefined
  return {
    number: pull.number,
    url: pull.html_url,
    title: pull.title,
    author: pull.user?.login ?? 'ghost',
    ...(mergeCommit ? { mergeCommit } : {}),
    state: merged ? 'merged' : pull.state,
  }
}

function ignore(): void {
  return
}
