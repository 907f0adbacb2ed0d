import type { Octokit } from 'octokit'
import type { Clock } from '../lib/clock.ts'
import { Problem, toProblem } from '../lib/problem.ts'
import { guardedFetch } from './github-fetch.ts'
import { githubProblem } from './github-problem.ts'

export interface GitHubClientOptions {
  readonly apiUrl: string
  readonly token: () => Promise<string>
  readonly clock: Clock
  readonly timeoutMs: number
  readonly fetch?: typeof fetch
}

/** One request through octokit. */
export type GitHubRequest = (octokit: Octokit) => Promise<{ readonly data: unknown }>

/**
 * octokit without its own retries and queues, which would wait in real time (17 seconds for a single 500). Adds the
 * token, the API version and a deadline, turns every error into a Problem, and after a rate limit rejects at once until
 * GitHub's time is over, as GitHub demands of integrations.
 */
export class GitHubClient {
  readonly #options: GitHubClientOptions
  #octokit: Promise<Octokit> | null = null
  #token = ''
  #limited: Problem | null = null
  #limitedUntilMs = 0

  constructor(options: GitHubClientOptions) {
    this.#options = options
  }

  /** The API's address without credentials and query. */
  get place(): string {
    if (!URL.canParse(this.#options.apiUrl)) return 'forge'
    const url = new URL(this.#options.apiUrl)
    return `${url.origin}${url.pathname}`
  }

  /** The data of an answer; null when its status is one of `expected`. `action` completes "could not …". */
  async call(action: string, expected: readonly number[], request: GitHubRequest): Promise<unknown> {
    const { clock } = this.#options
    this.#rejectWhileLimited()
    try {
      const octokit = await this.#connect()
      return (await request(octokit)).data
    } catch (error) {
      if (error instanceof Error && 'response' in error && expected.includes(Number(Reflect.get(error, 'status')))) {
        return null
      }
      const secrets = [this.#token]
      const problem = githubProblem(error, { action, place: this.place, nowMs: clock.now(), secrets })
      if (problem.code === 'FORGE_RATE_LIMITED') {
        this.#limited = problem
        this.#limitedUntilMs = clock.now() + (problem.retryAfterMs ?? 0)
      }
      throw problem
    }
  }

  #rejectWhileLimited(): void {
    const leftMs = this.#limitedUntilMs - this.#options.clock.now()
    if (this.#limited === null || leftMs <= 0) return
    const { kind, code, message, place } = this.#limited
    throw new Problem({ kind, code, message, place, retryAfterMs: leftMs })
  }

  async #connect(): Promise<Octokit> {
    this.#octokit ??= this.#create()
    try {
      return await this.#octokit
    } catch (error) {
      this.#octokit = null
      throw toProblem(error)
    }
  }

  async #create(): Promise<Octokit> {
    // Loaded on first use: it is large, and most commands never speak to a forge.
    const { Octokit } = await import('octokit')
    const octokit = new Octokit({
      baseUrl: this.#options.apiUrl.replace(/\/+$/, ''),
      userAgent: 'serin',
      retry: { enabled: false },
      throttle: { enabled: false },
      request: { fetch: guardedFetch(this.#options.fetch ?? fetch, this.#options.timeoutMs) },
      log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    })
    octokit.hook.before('request', async (request) => {
      this.#token = await this.#options.token()
      request.headers['x-github-api-version'] = '2022-11-28'
      if (this.#token !== '') request.headers.authorization = `Bearer ${this.#token}`
    })
    return octokit
  }
}

/** octokit's own log lines would bypass ours; what they say is in the Problem. */
function ignore(): void {
  return
}
