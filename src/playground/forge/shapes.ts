import { timestamp } from '../../lib/clock.ts'
import type { JsonObject } from '../../lib/json.ts'
import type { ForgeComment, ForgePull, ForgeUser } from './store.ts'

/** Where the forge's pages and API are, for the addresses inside answers. */
export interface ForgePlace {
  readonly url: string
  readonly api: string
  /** `owner/name`. */
  readonly name: string
}

/** A user as GitHub's REST API shows one, in the members that clients read. */
export function userShape(user: ForgeUser, place: ForgePlace): JsonObject {
  return {
    login: user.login,
    id: Buffer.from(user.login).reduce((sum, byte) => (sum * 31 + byte) % 1_000_000, 7),
    type: user.type,
    html_url: `${place.url}/${user.login}`,
  }
}

/** A comment as GitHub's REST API shows one. */
export function commentShape(pull: number, comment: ForgeComment, place: ForgePlace): JsonObject {
  return {
    id: comment.id,
    url: `${place.api}/repos/${place.name}/issues/comments/${comment.id}`,
    html_url: `${place.url}/${place.name}/pull/${pull}#issuecomment-${comment.id}`,
    issue_url: `${place.api}/repos/${place.name}/issues/${pull}`,
    body: comment.body,
    user: userShape(comment.author, place),
    created_at: timestamp(comment.createdMs),
    updated_at: timestamp(comment.createdMs),
  }
}

/** A pull request as GitHub's REST API shows one, in the members that clients read. */
export function pullShape(pull: ForgePull, headSha: string | null, place: ForgePlace): JsonObject {
  const owner = place.name.split('/')[0] ?? ''
  const merged = pull.mergedMs !== undefined
  return {
    id: 5000 + pull.number,
    number: pull.number,
    url: `${place.api}/repos/${place.name}/pulls/${pull.number}`,
    html_url: `${place.url}/${place.name}/pull/${pull.number}`,
    state: pull.state,
    locked: false,
    draft: false,
    title: pull.title,
    body: pull.body === '' ? null : pull.body,
    user: userShape(pull.author, place),
    created_at: timestamp(pull.createdMs),
    updated_at: timestamp(pull.mergedMs ?? pull.createdMs),
    closed_at: merged ? timestamp(pull.mergedMs ?? 0) : null,
    merged_at: merged ? timestamp(pull.mergedMs ?? 0) : null,
    merge_commit_sha: pull.mergeCommit ?? null,
    head: { label: `${owner}:${pull.head}`, ref: pull.head, sha: pull.headSha ?? headSha ?? '' },
    base: { label: `${owner}:${pull.base}`, ref: pull.base },
  }
}
