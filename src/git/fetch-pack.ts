import git, { type GitHttpRequest, type GitHttpResponse } from 'isomorphic-git'
import { Problem, toProblem } from '../lib/problem.ts'
import { discover } from './advertisement.ts'
import type { atomicFs } from './atomic-fs.ts'
import type { GitHttp } from './git-http.ts'
import type { Oid } from './types.ts'

/** How much to fetch. Without a depth: what is new since the local branch's tip. */
export interface FetchRequest {
  readonly gitdir: string
  readonly fs: ReturnType<typeof atomicFs>
  /** isomorphic-git's parsed pack indexes; one per gitdir, thrown away with it. */
  readonly cache: object
  readonly ref: string
  readonly depth?: number
  /** The depth counts from the present boundary instead of from the tip. */
  readonly relative?: boolean
  /** How long the transfer may take in all. */
  readonly totalMs: number
  readonly maxBytes: number
}

/**
 * Fetches one branch into a gitdir with isomorphic-git: its pack and index, `shallow` and the tracking ref. The local
 * branch must only ever name what the server has, since that is what isomorphic-git tells it to build on. Resolves to
 * the fetched tip. Rejects with a Problem; one with code `GIT_FETCH_FAILED` may mean that the gitdir is damaged.
 */
export async function fetchPack(http: GitHttp, wanted: FetchRequest): Promise<Oid> {
  const { gitdir, fs, cache, ref, depth, relative } = wanted
  try {
    const result = await git.fetch({
      fs,
      http: { request: (request) => answer(http, wanted, request) },
      gitdir,
      cache,
      url: http.url,
      remote: 'origin',
      ref,
      remoteRef: ref,
      singleBranch: true,
      tags: false,
      headers: {},
      ...(depth === undefined ? {} : { depth }),
      ...(relative === undefined ? {} : { relative }),
    })
    if (result.fetchHead === null) throw gone(http, ref)
    return result.fetchHead
  } catch (error) {
    if (error instanceof Problem) throw error
    const message = `the fetch failed: ${http.clean(toProblem(error).message)}`
    throw new Problem({ kind: 'retry', code: 'GIT_FETCH_FAILED', message, place: http.url, cause: error })
  }
}

async function answer(http: GitHttp, wanted: FetchRequest, request: GitHttpRequest): Promise<GitHttpResponse> {
  const { url, method = 'GET' } = request
  const body = method === 'GET' ? await firstAnswer(http, wanted.ref) : await transfer(http, wanted, request)
  return { url, method, headers: {}, statusCode: 200, statusMessage: 'OK', body: once(body) }
}

async function firstAnswer(http: GitHttp, ref: string): Promise<Buffer> {
  const { tip, filtered } = await discover(http, ref)
  if (tip === null) throw gone(http, ref)
  return filtered
}

async function transfer(http: GitHttp, wanted: FetchRequest, request: GitHttpRequest): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of request.body ?? []) parts.push(part)
  return http.send({
    method: 'POST',
    path: request.url.slice(http.url.length),
    headers: request.headers ?? {},
    body: Buffer.concat(parts),
    expect: 'application/x-git-upload-pack-result',
    totalMs: wanted.totalMs,
    maxBytes: wanted.maxBytes,
  })
}

async function* once(body: Buffer): AsyncGenerator<Uint8Array, void, void> {
  await Promise.resolve()
  yield body
}

function gone(http: GitHttp, ref: string): Problem {
  const branch = ref.replace('refs/heads/', '')
  return new Problem({
    kind: 'retry',
    code: 'GIT_BRANCH_GONE',
    message: `the branch "${branch}" is not at the server`,
    place: http.url,
  })
}
