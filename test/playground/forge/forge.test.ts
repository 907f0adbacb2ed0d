import { readdir } from 'node:fs/promises'
import fc from 'fast-check'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runGit } from '../../../src/playground/git-environment.ts'
import { escapeHtml, renderMarkdown } from '../../../src/playground/forge/markdown.ts'
import { startServer } from '../../../src/server/http.ts'
import type { Push } from '../../../src/server/http.ts'
import { startFleet } from '../../forge/fleet.ts'
import type { Fleet } from '../../forge/fleet.ts'

let fleet: Fleet

beforeAll(async () => {
  fleet = await startFleet()
})
afterAll(async () => fleet.stop())

async function git(...args: readonly string[]): Promise<string> {
  return (await runGit(['-C', fleet.repositoryPath, ...args])).trim()
}

let count = 0
/** A merged pull request that writes `files/<n>.yaml`. */
async function mergedPull(): Promise<{ readonly number: number; readonly commit: string; readonly path: string }> {
  count += 1
  const path = `files/${count}.yaml`
  const { number } = await fleet.forge.openPullRequest({ title: 'Add it', files: { [path]: 'a: 1\n' }, author: 'ada' })
  return { number, path, commit: await fleet.forge.merge(number) }
}

describe('the playground forge', () => {
  it('merges as git does: a merge commit on main that keeps what others changed', async () => {
    const before = await git('rev-parse', 'main')
    const { number } = await fleet.forge.openPullRequest({
      title: 'Bump image',
      files: { 'app.yaml': 'image: 2\n' },
      author: 'ada',
    })
    await fleet.forge.push({ 'other.yaml': 'a: 2\n' }, 'Change another file\n', 'bob')

    const commit = await fleet.forge.merge(number, { by: 'carol' })

    expect(await git('rev-parse', 'main')).toBe(commit)
    expect((await git('log', '-1', '--format=%P', commit)).split(' ')).toHaveLength(2)
    expect(await git('log', '-1', '--format=%an: %s', commit)).toBe('carol: Merge pull request #1 from bump-image')
    expect([await git('show', 'main:app.yaml'), await git('show', 'main:other.yaml')]).toEqual(['image: 2', 'a: 2'])
    expect(await git('merge-base', before, commit)).toBe(before)
  })

  it('leaves a sound repository', async () => {
    expect(await git('fsck', '--strict', '--no-dangling')).toBe('')
    expect((await readdir(fleet.repositoryPath)).filter((name) => name.startsWith('index-'))).toEqual([])
  })

  it('does not merge what conflicts, and moves nothing', async () => {
    const { number } = await fleet.forge.openPullRequest({
      title: 'One way',
      files: { 'app.yaml': 'image: 3\n' },
      author: 'ada',
    })
    const tip = await fleet.forge.push({ 'app.yaml': 'image: 4\n' }, 'Another way\n', 'bob')

    await expect(fleet.forge.merge(number)).rejects.toMatchObject({ status: 405, message: 'Merge conflict' })
    expect(await git('rev-parse', 'main')).toBe(tip)
  })

  it('reverts a merge by its pull request, keeping later changes', async () => {
    const first = await mergedPull()
    const second = await mergedPull()

    const commit = await fleet.forge.revert(first.number, 'bob')

    const head = fleet.forge.pulls().find((pull) => pull.number === first.number)?.head
    expect(await git('log', '-1', '--format=%an%n%B', commit)).toBe(
      [
        'bob',
        `Revert "Merge pull request #${first.number} from ${head}"`,
        '',
        `This reverts commit ${first.commit}.`,
      ].join('\n'),
    )
    const files = await git('ls-tree', '-r', '--name-only', 'main')
    expect(files).not.toContain(first.path)
    expect(files).toContain(second.path)
  })

  it('reverts a revert', async () => {
    const pull = await mergedPull()
    const revert = await fleet.forge.revert(pull.commit, 'bob')

    await fleet.forge.revert(revert, 'bob')

    expect(await git('show', `main:${pull.path}`)).toBe('a: 1')
  })

  it('refuses a revert that conflicts with later changes', async () => {
    const pull = await mergedPull()
    await fleet.forge.push({ [pull.path]: 'a: 2\n' }, 'Later\n', 'bob')

    await expect(fleet.forge.revert(pull.number, 'bob')).rejects.toMatchObject({ status: 409 })
  })

  it('lets many people merge at once without losing anything', async () => {
    const numbers: number[] = []
    for (const name of ['x', 'y', 'z']) {
      const files = { [`${name}.yaml`]: `${name}\n` }
      numbers.push((await fleet.forge.openPullRequest({ title: name, files, author: 'ada' })).number)
    }

    await Promise.all(numbers.map(async (number) => fleet.forge.merge(number)))

    const files = await git('ls-tree', '--name-only', 'main')
    for (const name of ['x', 'y', 'z']) expect(files).toContain(`${name}.yaml`)
  })

  it('announces pushes as GitHub does, with a signature that the server takes', async () => {
    const pushes: Push[] = []
    const server = await startServer({
      host: '127.0.0.1',
      port: 0,
      ready: () => ({ ok: true, reasons: [] }),
      registry: new Registry(),
      webhookSecret: 'shared',
      onPush: (push) => pushes.push(push),
    })
    const webhook = { url: `${server.url}/webhooks/github`, secret: 'shared' }
    const announced = await startFleet({ webhook })

    await announced.forge.push({ 'app.yaml': 'image: 9\n' }, 'Push\n', 'ada')
    await announced.stop()
    await server.close()

    expect(pushes).toEqual([{ repository: 'example/fleet', ref: 'refs/heads/main' }])
  })
})

describe('its pages', () => {
  async function page(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(`${fleet.forge.url}${path}`)
    return { status: response.status, text: await response.text() }
  }

  it('show pull requests, comments, logs and commits', async () => {
    const pull = await mergedPull()
    fleet.forge.say(pull.number, 'ada', '### Heading\n\n| A | B |\n| :-- | --: |\n| 1 | **2** |\n')

    const list = await page('/example/fleet')
    const one = await page(`/example/fleet/pull/${pull.number}`)
    const log = await page('/example/fleet/commits/main')
    const commit = await page(`/example/fleet/commit/${pull.commit}`)

    expect(list.text).toContain(`<a href="/example/fleet/pull/${pull.number}">Add it</a>`)
    expect(one.text).toContain('<h3>Heading</h3>')
    expect(one.text).toContain('<td class="right"><strong>2</strong></td>')
    expect(log.text).toContain(`Merge pull request #${pull.number}`)
    expect(commit.text).toContain(`<span class="added">+a: 1</span>`)
  })

  it('run nothing that a title, a file or a comment brings', async () => {
    const evil = '<script>alert(1)</script>'
    const { number } = await fleet.forge.openPullRequest({
      title: evil,
      files: { 'evil.yaml': evil },
      author: evil,
      body: evil,
    })
    fleet.forge.say(number, evil, `${evil} [x](javascript:alert(1)) <img src=x onerror=alert(1)>`)

    const pages = await Promise.all([page('/example/fleet'), page(`/example/fleet/pull/${number}`)])

    for (const { status, text } of pages) {
      expect(status).toBe(200)
      expect(text).not.toMatch(/<script|<img|href="javascript/)
    }
  })

  it('answer 404 to what is not there', async () => {
    const paths = ['/example/fleet/pull/999', '/example/fleet/commits/nowhere', '/example/fleet/commit/--help']

    const statuses = await Promise.all(paths.map(async (path) => (await page(path)).status))

    expect(statuses).toEqual([404, 404, 404])
  })
})

describe('renderMarkdown', () => {
  it('lets out no tag, attribute or scheme but those it knows', () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 6 }),
      fc.constantFrom('<script>', '<img src=x onerror=y>', '](', '[', '"', '`', '**', '|', '\n', '# ', 'javascript:'),
      fc.constantFrom(
        '<details><summary>',
        '</summary>',
        '</details>',
        '<sub>',
        '</sub>',
        '| :-- |',
        '<!--',
        '-->',
        '&',
      ),
      fc.constantFrom('[a](https://x.example/"onclick="y)', '- item'),
    )
    const known =
      /<\/?(?:h[1-6]|p|br|ul|li|table|thead|tbody|tr|th|td|strong|code|sub|details|summary)>|<details open>|<t[hd] class="right">|<a href="https?:\/\/[^"<>]*" rel="nofollow noopener">|<\/a>/g
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        expect(renderMarkdown(pieces.join('')).replace(known, '')).not.toMatch(/[<>]/)
      }),
    )
  })

  it('shows a hidden line to nobody', () => {
    expect(renderMarkdown('<!-- serin:demo -->\ntext')).toBe('<p>text</p>')
  })

  it('keeps text as it is', () => {
    expect(renderMarkdown('a < b & "c"')).toBe(`<p>${escapeHtml('a < b & "c"')}</p>`)
  })
})
