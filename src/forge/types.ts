import type { Oid } from '../git/types.ts'

/** A pull request as the project needs it; ids are strings because forges differ. */
export interface PullRequest {
  readonly number: number
  readonly url: string
  readonly title: string
  readonly author: string
  /** The commit on the source branch that it became; absent while it is open. */
  readonly mergeCommit?: Oid
  readonly state: 'open' | 'merged' | 'closed'
}

/** A Git hosting service, in the project's words. Each call has a deadline and rejects with a Problem. */
export interface Forge {
  /** The pull request whose merge brought this commit to the source branch (merge, squash or rebase); null when there is none. */
  pullRequestOf(commit: Oid): Promise<PullRequest | null>
  /** Creates or edits in place the one comment that carries the marker. Does nothing when its text is already this one. */
  comment(pullRequest: number, marker: string, markdown: string): Promise<{ readonly url: string }>
  /** Opens a pull request from `head` to `base`, or returns the open one between them. */
  openPullRequest(request: {
    readonly head: string
    readonly base: string
    readonly title: string
    readonly body: string
  }): Promise<PullRequest>
}
