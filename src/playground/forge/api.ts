import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Clock } from '../../lib/clock.ts'
import type { JsonObject } from '../../lib/json.ts'
import type { Repository } from './git.ts'
import { commentShape, pullShape, userShape } from './shapes.ts'
import type { ForgePlace } from './shapes.ts'
import type { ForgePull, ForgeStore, ForgeUser } from './store.ts'
import { Refusal } from './work.ts'
import type { ForgeWork } from './work.ts'

export interface ForgeParts {
  readonly repository: Repository
  readonly store: ForgeStore
  readonly work: ForgeWork
  readonly clock: Clock
  readonly place: () => ForgePlace
  /** Who a token belongs to; null turns it down. */
  readonly userOf: (token: string) => ForgeUser | null
}

const Number_ = z.object({ number: z.coerce.number().int() })
const Body = z.object({ body: z.string().min(1).max(65_536) })
const NewPull = z.object({
  title: z.string().min(1),
  head: z.string().min(1),
  base: z.string().min(1),
  body: z.string().nullish(),
})
const Merge = z.object({ merge_method: z.enum(['merge', 'squash', 'rebase']).optional() }).nullish()
const PullQuery = z.object({
  state: z.enum(['open', 'closed', 'all']).optional(),
  head: z.string().optional(),
  base: z.string().optional(),
})

/** The part of GitHub's REST API that the project uses, with its statuses, error bodies and page links. */
export function addApi(app: FastifyInstance, prefix: string, parts: ForgeParts): void {
  const repository = `${prefix}/repos/:owner/:repo`
  addPulls(app, repository, parts)
  addComments(app, repository, parts)
  app.get(`${prefix}/user`, async (request) => userShape(viewer(request, parts), parts.place()))
}

function addPulls(app: FastifyInstance, prefix: string, parts: ForgeParts): void {
  const { store, work, place } = parts
  app.get(`${prefix}/pulls`, async (request, reply) => {
    authorise(request, parts)
    const query = read(PullQuery, request.query)
    const owner = place().name.split('/')[0] ?? ''
    const state = query.state ?? 'open'
    const found = store
      .pulls()
      .filter((pull) => state === 'all' || pull.state === state)
      .filter((pull) => query.head === undefined || query.head === `${owner}:${pull.head}`)
      .filter((pull) => query.base === undefined || query.base === pull.base)
    return page(request, reply, parts, await Promise.all(found.map((pull) => shape(pull, parts))))
  })
  app.post(`${prefix}/pulls`, async (request, reply) => {
    const author = authorise(request, parts)
    const { title, head, base, body } = read(NewPull, request.body)
    const pull = await work.open({ title, head, base, body: body ?? '', author })
    return reply.status(201).send(await shape(pull, parts))
  })
  app.get(`${prefix}/pulls/:number`, async (request) => {
    authorise(request, parts)
    return shape(pullOf(request, parts), parts)
  })
  app.put(`${prefix}/pulls/:number/merge`, async (request) => {
    const user = authorise(request, parts)
    const method = read(Merge, request.body)?.merge_method ?? 'merge'
    const sha = await work.merge(pullOf(request, parts).number, user.login, method)
    return { sha, merged: true, message: 'Pull Request successfully merged' }
  })
  app.get(`${prefix}/commits/:sha/pulls`, async (request, reply) => {
    authorise(request, parts)
    const { sha } = read(z.object({ sha: z.string() }), request.params)
    const commit = await parts.repository.resolve(sha)
    if (commit === null) throw new Refusal(422, `No commit found for SHA: ${sha}`)
    const found: ForgePull[] = []
    for (const pull of store.pulls()) if (await holds(pull, commit, parts)) found.push(pull)
    return page(request, reply, parts, await Promise.all(found.map((pull) => shape(pull, parts))))
  })
}

function addComments(app: FastifyInstance, prefix: string, parts: ForgeParts): void {
  const { store, place, clock } = parts
  app.get(`${prefix}/issues/:number/comments`, async (request, reply) => {
    authorise(request, parts)
    const { number } = pullOf(request, parts)
    const all = store.comments(number).map((comment) => commentShape(number, comment, place()))
    return page(request, reply, parts, all)
  })
  app.post(`${prefix}/issues/:number/comments`, async (request, reply) => {
    const author = authorise(request, parts)
    const { number } = pullOf(request, parts)
    const comment = store.addComment(number, author, read(Body, request.body).body, clock.now())
    return reply.status(201).send(commentShape(number, comment, place()))
  })
  app.patch(`${prefix}/issues/comments/:number`, async (request) => {
    const user = authorise(request, parts)
    const { number: id } = read(Number_, request.params)
    const entry = store.comment(id)
    if (entry === null) throw new Refusal(404, 'Not Found')
    if (entry.comment.author.login !== user.login) throw new Refusal(403, 'Resource not accessible by integration')
    const comment = store.editComment(id, read(Body, request.body).body)
    if (comment === null) throw new Refusal(404, 'Not Found')
    return commentShape(entry.pull, comment, place())
  })
}

/** Whether GitHub would list the pull request for a commit. */
async function holds(pull: ForgePull, commit: string, { repository }: ForgeParts): Promise<boolean> {
  if (pull.commits !== undefined) return pull.commits.includes(commit)
  const head = await repository.resolve(`refs/heads/${pull.head}`)
  const base = await repository.resolve(`refs/heads/${pull.base}`)
  return head !== null && base !== null && (await repository.between(base, head)).includes(commit)
}

async function shape(pull: ForgePull, { repository, place }: ForgeParts): Promise<JsonObject> {
  return pullShape(pull, await repository.resolve(`refs/heads/${pull.head}`), place())
}

function pullOf(request: FastifyRequest, { store }: ForgeParts): ForgePull {
  const pull = store.pull(read(Number_, request.params).number)
  if (pull === null) throw new Refusal(404, 'Not Found')
  return pull
}

function viewer(request: FastifyRequest, { userOf }: ForgeParts): ForgeUser {
  const token = /^(?:bearer|token) (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
  const user = token === undefined ? null : userOf(token)
  if (user === null) throw new Refusal(401, 'Bad credentials')
  return user
}

/** The user of a request to the one repository there is; others do not exist, as on GitHub when one may not see them. */
function authorise(request: FastifyRequest, parts: ForgeParts): ForgeUser {
  const user = viewer(request, parts)
  const { owner, repo } = read(z.object({ owner: z.string(), repo: z.string() }), request.params)
  if (`${owner}/${repo}`.toLowerCase() !== parts.place().name.toLowerCase()) throw new Refusal(404, 'Not Found')
  return user
}

/** One page of a list, with GitHub's `link` header while there is more. */
function page(
  request: FastifyRequest,
  reply: FastifyReply,
  { place }: ForgeParts,
  items: readonly JsonObject[],
): readonly JsonObject[] {
  const url = new URL(request.url, place().url)
  const size = Math.min(100, Math.max(1, Number(url.searchParams.get('per_page') ?? 30) || 30))
  const number = Math.max(1, Number(url.searchParams.get('page') ?? 1) || 1)
  if (number * size < items.length) {
    url.searchParams.set('page', String(number + 1))
    void reply.header('link', `<${url.href}>; rel="next"`)
  }
  return items.slice((number - 1) * size, number * size)
}

function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (!result.success) throw new Refusal(422, 'Validation Failed')
  return result.data
}
