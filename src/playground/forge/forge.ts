import { createHmac } from 'node:crypto'
import fastify from 'fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../lib/clock.ts'
import { systemClock } from '../../lib/clock.ts'
import { addApi } from './api.ts'
import type { ForgeParts } from './api.ts'
import { Faults } from './faults.ts'
import type { Fault } from './faults.ts'
import { Repository } from './git.ts'
import { addPages } from './pages.ts'
import { ForgeStore } from './store.ts'
import type { ForgeComment, ForgePull, ForgeUser } from './store.ts'
import { ForgeWork, Refusal } from './work.ts'
import type { MergeMethod, NewPullRequest } from './work.ts'

export interface PlaygroundForgeOptions {
  /** A bare repository on this disk; may be served by a Git server at the same time. */
  readonly repositoryPath: string
  /** `owner/name`. */
  readonly name: string
  /** 0 takes a free one. */
  readonly port?: number
  readonly clock?: Clock
  /** Who the tokens belong to; without it every token belongs to the bot `serin[bot]`. */
  readonly tokens?: Readonly<Record<string, ForgeUser>>
  /** Where to announce moved branches, as GitHub does; a signature is sent when there is a secret. */
  readonly webhook?: { readonly url: string; readonly secret?: string }
}

/** A running forge, as the demo's script uses it. What it does as a person goes straight to Git, not over HTTP. */
export interface PlaygroundForge {
  /** Its pages, for example `http://127.0.0.1:40123`. */
  readonly url: string
  /** The base of its REST API. */
  readonly api: string
  /** The repository's page. */
  readonly repositoryUrl: string
  readonly faults: Faults
  openPullRequest(request: NewPullRequest): Promise<ForgePull & { readonly url: string }>
  /** Merges as a person; resolves to the commit on the base branch. */
  merge(number: number, options?: { readonly by?: string; readonly method?: MergeMethod }): Promise<string>
  /** A person's `git revert`, pushed to `main` or `branch`, of a commit or of a pull request's merge. */
  revert(target: number | string, author: string, branch?: string): Promise<string>
  /** A person's direct push. */
  push(
    files: Readonly<Record<string, string | null>>,
    message: string,
    author: string,
    branch?: string,
  ): Promise<string>
  pulls(): readonly ForgePull[]
  comments(number: number): readonly ForgeComment[]
  /** A comment by a person. */
  say(number: number, author: string, body: string): ForgeComment
  deleteComment(id: number): boolean
  close(): Promise<void>
}

/** Starts a small forge on 127.0.0.1 that speaks the part of GitHub's REST API that the project uses. */
export async function createForge(options: PlaygroundForgeOptions): Promise<PlaygroundForge> {
  const { name, clock = systemClock, tokens } = options
  const store = new ForgeStore()
  const repository = new Repository(options.repositoryPath)
  const announcements = new Announcements(options)
  const work = new ForgeWork(repository, store, clock, (branch, before, after) =>
    announcements.send(branch, before, after),
  )
  const faults = new Faults()
  const app = fastify({ bodyLimit: 4 * 1024 * 1024, forceCloseConnections: true })
  let url = ''
  const place = (): { url: string; api: string; name: string } => ({ url, api: `${url}/api/v3`, name })
  const bot: ForgeUser = { login: 'serin[bot]', type: 'Bot' }
  const userOf = (token: string): ForgeUser | null => (tokens === undefined ? bot : (tokens[token] ?? null))
  const parts: ForgeParts = { repository, store, work, clock, place, userOf }
  addFaults(app, faults, clock)
  addErrors(app)
  addApi(app, '/api/v3', parts)
  addPages(app, parts)
  url = await app.listen({ host: '127.0.0.1', port: options.port ?? 0 })
  const commitOf = (target: number | string): string => {
    if (typeof target === 'string') return target
    const commit = store.pull(target)?.mergeCommit
    if (commit === undefined) throw new Refusal(422, `pull request ${target} is not merged`)
    return commit
  }
  return {
    url,
    api: place().api,
    repositoryUrl: `${url}/${name}`,
    faults,
    openPullRequest: async (request) => {
      const pull = await work.propose(request)
      return { ...pull, url: `${url}/${name}/pull/${pull.number}` }
    },
    merge: async (number, { by = 'maintainer', method = 'merge' } = {}) => work.merge(number, by, method),
    revert: async (target, author, branch = 'main') => work.revert(commitOf(target), author, branch),
    push: async (files, message, author, branch = 'main') => work.push(files, message, author, branch),
    pulls: () => store.pulls(),
    comments: (number) => store.comments(number),
    say: (number, author, body) => store.addComment(number, { login: author, type: 'User' }, body, clock.now()),
    deleteComment: (id) => store.deleteComment(id),
    close: async () => {
      await announcements.settled()
      await app.close()
    },
  }
}

/** GitHub's error bodies. */
function addErrors(app: FastifyInstance): void {
  const documentation_url = 'https://docs.github.com/rest'
  app.setErrorHandler(async (error, _request, reply) => {
    if (error instanceof Refusal) return reply.status(error.status).send({ message: error.message, documentation_url })
    const message = error instanceof Error ? error.message : 'unknown'
    return reply.status(500).send({ message, documentation_url })
  })
  app.setNotFoundHandler(async (_request, reply) => reply.status(404).send({ message: 'Not Found', documentation_url }))
}

function addFaults(app: FastifyInstance, faults: Faults, clock: Clock): void {
  const later = new WeakMap<FastifyRequest, Fault>()
  app.addHook('onRequest', async (request, reply) => {
    if (!request.url.startsWith('/api/')) return undefined
    const fault = faults.take(request.method, request.url)
    if (fault === null) return undefined
    if (fault.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, fault.afterMs ?? 1000))
    if (fault.kind === 'lost-answer') later.set(request, fault)
    return answerFault(fault, reply, clock.now())
  })
  app.addHook('onSend', async (request, reply, payload) => {
    if (later.has(request)) reply.raw.destroy()
    return payload
  })
}

/** The faulty answer, or undefined when the request goes its way. */
function answerFault(fault: Fault, reply: FastifyReply, nowMs: number): FastifyReply | undefined {
  const seconds = fault.retryAfterSeconds ?? 60
  switch (fault.kind) {
    case 'slow':
    case 'lost-answer':
      return undefined
    case 'error':
      return reply.status(500).send({ message: 'Server Error' })
    case 'rate-limit':
      return reply
        .status(403)
        .header('retry-after', String(seconds))
        .send({ message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.' })
    case 'primary-limit':
      return reply
        .status(403)
        .header('x-ratelimit-remaining', '0')
        .header('x-ratelimit-reset', String(Math.floor(nowMs / 1000) + seconds))
        .send({ message: 'API rate limit exceeded for installation ID 1.' })
    case 'bad-json':
      return reply.type('application/json').send('{"message": ')
    case 'html':
      return reply.type('text/html').send('<!doctype html><title>Sign in</title>')
    case 'wrong-shape':
      return reply.send({ surprise: true })
    case 'down':
      reply.hijack()
      reply.raw.destroy()
      return reply
  }
}

/** Push webhooks: one try each, in order, nobody waits for them. */
class Announcements {
  readonly #options: PlaygroundForgeOptions
  #last: Promise<void> = Promise.resolve()

  constructor(options: PlaygroundForgeOptions) {
    this.#options = options
  }

  send(branch: string, before: string, after: string): void {
    const { webhook, name } = this.#options
    if (webhook === undefined) return
    const body = JSON.stringify({ ref: `refs/heads/${branch}`, before, after, repository: { full_name: name } })
    const headers: Record<string, string> = { 'content-type': 'application/json', 'x-github-event': 'push' }
    if (webhook.secret !== undefined) {
      headers['x-hub-signature-256'] = `sha256=${createHmac('sha256', webhook.secret).update(body).digest('hex')}`
    }
    const post = async (): Promise<void> => {
      const signal = AbortSignal.timeout(5000)
      const response = await fetch(webhook.url, { method: 'POST', headers, body, signal })
      await response.body?.cancel()
    }
    // As on GitHub, a receiver that is away misses the announcement; polling makes up for it.
    this.#last = this.#last.then(post).catch(() => undefined)
  }

  async settled(): Promise<void> {
    await this.#last
  }
}
