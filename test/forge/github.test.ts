import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createGitHub } from '../../src/forge/github.ts'
import type { GitHubOptions } from '../../src/forge/github.ts'
import type { Forge } from '../../src/forge/types.ts'
import { Problem } from '../../src/lib/problem.ts'
import { runGit } from '../../src/playground/git-environment.ts'
import { startFleet } from './fleet.ts'
import type { Fleet } from './fleet.ts'

const TOKEN = 'secret-token-0123456789'
const tokens = {
  [TOKEN]: { login: 'serin-bot', type: 'User' },
  other: { login: 'mallory', type: 'User' },
} as const

let fleet: Fleet

beforeAll(async () => {
  fleet = await startFleet({ tokens })
})
afterAll(async () => fleet.stop())
afterEach(() => fleet.forge.faults.clear())

/** The adapter as a newly started process has it. */
function connect(options: Partial<GitHubOptions> = {}): Forge {
  return createGitHub({
    apiUrl: fleet.forge.api,
    repository: 'example/fleet',
    branch: 'main',
    token: async () => TOKEN,
    clock: fleet.clock,
    timeoutMs: 5000,
    ...options,
  })
}

let count = 1
async function newPull(): Promise<number> {
  count += 1
  const files = { 'app.yaml': `image: ${count}\n` }
  return (await fleet.forge.openPullRequest({ title: `Bump image to ${count}`, files, author: 'ada' })).number
}

function ours(number: number): readonly string[] {
  return fleet.forge
    .comments(number)
    .filter((comment) => comment.author.login === 'serin-bot')
    .map((comment) => comment.body)
}

async function problemOf(work: Promise<unknown>): Promise<Problem> {
  const error = await work.then(
    () => new Error('it worked'),
    (reason: unknown) => reason,
  )
  if (error instanceof Problem) return error
  throw error
}

describe('pullRequestOf', () => {
  it.each(['merge', 'squash', 'rebase'] as const)('finds the pull request of a %s', async (method) => {
    const number = await newPull()
    const commit = await fleet.forge.merge(number, { method })

    const found = await connect().pullRequestOf(commit)

    expect(found).toEqual({
      number,
      url: `${fleet.forge.url}/example/fleet/pull/${number}`,
      title: `Bump image to ${count}`,
      author: 'ada',
      mergeCommit: commit,
      state: 'merged',
    })
  })

  it('finds the pull request of a commit in the middle of what was merged', async () => {
    const number = await newPull()
    const merge = await fleet.forge.merge(number)
    const inner = (await runGit(['-C', fleet.repositoryPath, 'rev-parse', `${merge}^2`])).trim()

    const found = await connect().pullRequestOf(inner)

    expect(found).toMatchObject({ number, mergeCommit: merge })
  })

  it('is null for a direct push, an open pull request and an unknown commit', async () => {
    const pushed = await fleet.forge.push({ 'other.yaml': `a: ${count}9\n` }, 'Push\n', 'ada')
    await newPull()
    const open = (await runGit(['-C', fleet.repositoryPath, 'rev-parse', `bump-image-to-${count}`])).trim()

    const answers = await Promise.all([pushed, open, 'f'.repeat(40)].map((commit) => connect().pullRequestOf(commit)))

    expect(answers).toEqual([null, null, null])
  })
})

describe('comment', () => {
  let number: number
  beforeEach(async () => {
    number = await newPull()
  })

  it('creates the comment once and then edits it in place', async () => {
    const forge = connect()

    const first = await forge.comment(number, 'demo', 'weight 10')
    const second = await forge.comment(number, 'demo', 'weight 20')

    expect(second).toEqual(first)
    expect(ours(number)).toEqual(['<!-- serin:demo -->\nweight 20'])
  })

  it('edits the comment of an earlier process', async () => {
    await connect().comment(number, 'demo', 'weight 10')

    await connect().comment(number, 'demo', 'weight 20')

    expect(ours(number)).toEqual(['<!-- serin:demo -->\nweight 20'])
  })

  it('changes nothing when the text is already this one', async () => {
    await connect().comment(number, 'demo', 'weight 10')

    await connect().comment(number, 'demo', 'weight 10')

    expect(fleet.forge.comments(number).map((comment) => comment.edits)).toEqual([0])
  })

  it('makes no second comment when the answer to the first was lost', async () => {
    fleet.forge.faults.add({ kind: 'lost-answer', times: 1, method: 'POST' })
    const lost = await problemOf(connect().comment(number, 'demo', 'weight 10'))

    await connect().comment(number, 'demo', 'weight 10')

    expect(lost).toMatchObject({ kind: 'retry', code: 'FORGE_UNREACHABLE' })
    expect(ours(number)).toHaveLength(1)
  })

  it('makes one comment when two calls come at once', async () => {
    const forge = connect()

    await Promise.all([forge.comment(number, 'demo', 'weight 10'), forge.comment(number, 'demo', 'weight 20')])

    expect(ours(number)).toEqual(['<!-- serin:demo -->\nweight 20'])
  })

  it('finds its comment behind more than a page of others', async () => {
    for (let i = 0; i < 105; i++) fleet.forge.say(number, 'ada', `opinion ${i}`)
    await connect().comment(number, 'demo', 'weight 10')

    await connect().comment(number, 'demo', 'weight 20')

    expect(ours(number)).toHaveLength(1)
  })

  it('leaves a stranger alone who writes the marker', async () => {
    fleet.forge.say(number, 'mallory', '<!-- serin:demo -->\nall is well')

    await connect().comment(number, 'demo', 'weight 10')

    expect(fleet.forge.comments(number).map((comment) => [comment.author.login, comment.edits])).toEqual([
      ['mallory', 0],
      ['serin-bot', 0],
    ])
  })

  it('keeps a comment per marker', async () => {
    await connect().comment(number, 'east', 'weight 10')
    await connect().comment(number, 'west', 'weight 20')

    expect(ours(number)).toHaveLength(2)
  })

  it('edits the first when an old mistake left two', async () => {
    await connect().comment(number, 'demo', 'weight 10')
    const copy = connect({ login: 'nobody' })
    await copy.comment(number, 'demo', 'weight 10')

    await connect().comment(number, 'demo', 'weight 20')

    expect(ours(number).map((text) => text.split('\n')[1])).toEqual(['weight 20', 'weight 10'])
  })

  it('writes a new comment when a person deleted it', async () => {
    const forge = connect()
    await forge.comment(number, 'demo', 'weight 10')
    fleet.forge.deleteComment(fleet.forge.comments(number)[0]!.id)

    await forge.comment(number, 'demo', 'weight 20')

    expect(ours(number)).toEqual(['<!-- serin:demo -->\nweight 20'])
  })

  it('refuses a marker that could end the hidden line', async () => {
    const problem = await problemOf(connect().comment(number, 'a --> b', 'text'))

    expect(problem.code).toBe('FORGE_MARKER')
  })
})

describe('openPullRequest', () => {
  const text = { title: 'Revert "Bump"', body: 'why' }

  it('opens one, and returns the same when asked again', async () => {
    const head = 'serin/revert-1'
    await runGit(['-C', fleet.repositoryPath, 'branch', head, 'bump-image-to-2'])
    await fleet.forge.push({ 'new.yaml': '1\n' }, 'New\n', 'ada', head)

    const first = await connect().openPullRequest({ head, base: 'main', ...text })
    const second = await connect().openPullRequest({ head, base: 'main', ...text })

    expect(first).toMatchObject({ state: 'open', title: text.title, author: 'serin-bot' })
    expect(second).toEqual(first)
  })

  it('names the branches when there is nothing to open', async () => {
    const problem = await problemOf(connect().openPullRequest({ head: 'nowhere', base: 'main', ...text }))

    expect(problem).toMatchObject({ kind: 'stalled', code: 'FORGE_REFUSED' })
    expect(problem.message).toContain('"nowhere"')
  })
})

describe('a forge in trouble', () => {
  it.each([
    ['error', 'FORGE_UNREACHABLE'],
    ['down', 'FORGE_UNREACHABLE'],
    ['bad-json', 'FORGE_BAD_ANSWER'],
    ['html', 'FORGE_BAD_ANSWER'],
    ['wrong-shape', 'FORGE_BAD_ANSWER'],
  ] as const)('names "%s" as %s at once, to be tried again', async (kind, code) => {
    fleet.forge.faults.add({ kind, times: 1 })
    const before = Date.now()

    const problem = await problemOf(connect().pullRequestOf('a'.repeat(40)))

    expect(problem).toMatchObject({ kind: 'retry', code, place: fleet.forge.api })
    expect(Date.now() - before).toBeLessThan(1000)
  })

  it('gives up on a forge that does not answer in time', async () => {
    fleet.forge.faults.add({ kind: 'slow', times: 1, afterMs: 80 })

    const problem = await problemOf(connect({ timeoutMs: 20 }).pullRequestOf('a'.repeat(40)))

    expect(problem).toMatchObject({ kind: 'retry', code: 'FORGE_TIMEOUT' })
  })

  it('says that nothing listens', async () => {
    const problem = await problemOf(connect({ apiUrl: 'http://127.0.0.1:2/' }).pullRequestOf('a'.repeat(40)))

    expect(problem).toMatchObject({ kind: 'retry', code: 'FORGE_UNREACHABLE' })
    expect(problem.message).toContain('ECONNREFUSED')
  })

  it.each(['rate-limit', 'primary-limit'] as const)('keeps silent until a %s is over', async (kind) => {
    const forge = connect()
    fleet.forge.faults.add({ kind, times: 1, retryAfterSeconds: 30 })

    const first = await problemOf(forge.pullRequestOf('a'.repeat(40)))
    fleet.clock.jump(10_000)
    const during = await problemOf(forge.pullRequestOf('a'.repeat(40)))
    fleet.clock.jump(21_000)
    const after = await forge.pullRequestOf('a'.repeat(40))

    expect(first).toMatchObject({ kind: 'retry', code: 'FORGE_RATE_LIMITED' })
    expect(first.retryAfterMs).toBeGreaterThan(29_000)
    expect(during.code).toBe('FORGE_RATE_LIMITED')
    expect(during.retryAfterMs).toBe((first.retryAfterMs ?? 0) - 10_000)
    expect(after).toBeNull()
  })

  it('asks a person for a token that is not taken', async () => {
    const problem = await problemOf(connect({ token: async () => 'wrong-token' }).pullRequestOf('a'.repeat(40)))

    expect(problem).toMatchObject({ kind: 'stalled', code: 'FORGE_UNAUTHORIZED' })
    expect(problem.hint).toContain('token')
  })

  it('takes a renewed token without a new start', async () => {
    let token = 'expired'
    const forge = connect({ token: async () => token })
    await problemOf(forge.pullRequestOf('a'.repeat(40)))

    token = TOKEN

    expect(await forge.pullRequestOf('a'.repeat(40))).toBeNull()
  })

  it('asks a person when the repository is not there', async () => {
    const problem = await problemOf(connect({ repository: 'example/other' }).pullRequestOf('a'.repeat(40)))

    expect(problem).toMatchObject({ kind: 'stalled', code: 'FORGE_NOT_FOUND' })
  })

  it('never shows a token, not even one that the server echoes', async () => {
    const echo: typeof fetch = async (_input, init) => {
      const message = `bad token ${JSON.stringify(init?.headers)}`
      return Response.json({ message }, { status: 401 })
    }

    const problem = await problemOf(connect({ fetch: echo }).pullRequestOf('a'.repeat(40)))

    expect(problem.message).toContain('bad token')
    expect(JSON.stringify([problem, problem.message, String(problem), problem.stack])).not.toContain(TOKEN)
  })

  it('refuses a repository name that is none', () => {
    expect(() => connect({ repository: 'https://github.com/a/b' })).toThrow('is not a repository name')
  })
})
