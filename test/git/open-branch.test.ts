import { createServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { chmod, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openBranch } from '../../src/git/open-branch.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { GitServerFault, GitServerRequest } from '../../src/playground/git-server.ts'
import { change, pull, pushChange, startGitWorld, startMs, type GitWorld } from './world.ts'

let worlds: GitWorld[] = []
afterEach(async () => {
  await Promise.all(worlds.map((world) => world.close()))
  worlds = []
})

/** A server whose faults are set by the test. */
async function start(auth?: { username: string; password: string }): Promise<{
  world: GitWorld
  fault: (next: ((request: GitServerRequest) => GitServerFault | undefined) | undefined) => void
}> {
  let current: ((request: GitServerRequest) => GitServerFault | undefined) | undefined
  const world = await startGitWorld({ fault: (request) => current?.(request), ...(auth === undefined ? {} : { auth }) })
  worlds.push(world)
  return { world, fault: (next) => void (current = next) }
}

async function hook(world: GitWorld, repository: string, name: string, script: string): Promise<void> {
  const path = join(world.root, repository, 'hooks', name)
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
}

async function gitdir(world: GitWorld, client = 'kept'): Promise<string> {
  const [name = ''] = await readdir(join(world.root, client))
  return join(world.root, client, name)
}

describe('a branch over HTTP', () => {
  it('asks for the tip in one request', async () => {
    const { world } = await start()
    const branch = world.open(await world.repository())
    await pull(branch)
    const before = world.server.requests()
    for (let i = 0; i < 3; i += 1) await branch.tip()
    expect(world.server.requests() - before).toBe(3)
  })

  it('talks to nobody when the wanted commit is here', async () => {
    const { world } = await start()
    const branch = world.open(await world.repository())
    const tip = await pull(branch)
    const before = world.server.requests()
    await branch.fetch(tip)
    await branch.files(tip, [''])
    expect(world.server.requests()).toBe(before)
  })

  it('sends credentials at once and asks for them anew each time', async () => {
    const { world } = await start({ username: 'x-access-token', password: 's3cr3t+/=' })
    let asked = 0
    const credentials = async (): Promise<{ username: string; password: string }> => {
      asked += 1
      return { username: 'x-access-token', password: 's3cr3t+/=' }
    }
    const branch = world.open(await world.repository(), 'main', { credentials })
    await pushChange(branch, { a: '1' })
    expect(world.server.requests()).toBe(asked)
  })

  it('takes credentials out of the URL', async () => {
    const { world } = await start({ username: 'bot', password: 'p@ss/word' })
    const url = `${world.server.url.replace('//', '//bot:p%40ss%2Fword@')}/${await world.repository()}`
    const branch = openBranch({ url, branch: 'main', directory: world.root, clock: systemClock, timeoutMs: 5000 })
    const tip = await pull(branch)
    expect(await branch.read(tip, 'README.md')).toBe('hello\n')
    const folder = (await readdir(world.root)).find((name) => name.includes('main'))
    expect(await readFile(join(world.root, folder ?? '', 'config'), 'utf8')).not.toContain('p%40ss')
    await branch.close()
  })

  it('names what is wrong with an address or a token, without secrets', async () => {
    const { world, fault } = await start({ username: 'bot', password: 'right' })
    const credentials = async (): Promise<{ username: string; password: string }> => ({
      username: 'bot',
      password: 'wrong-secret',
    })
    const repository = await world.repository()
    await expect(world.open(repository, 'main', { credentials }).tip()).rejects.toMatchObject({
      kind: 'stalled',
      code: 'GIT_AUTH_DENIED',
      place: `${world.server.url}/${repository}`,
    })
    const right = { credentials: async () => ({ username: 'bot', password: 'right' }) }
    await expect(world.open('none.git', 'main', right).tip()).rejects.toMatchObject({
      kind: 'stalled',
      code: 'GIT_REPOSITORY_NOT_FOUND',
    })
    fault(() => ({ kind: 'html' }))
    await expect(world.open(repository, 'main', right).tip()).rejects.toMatchObject({
      kind: 'stalled',
      code: 'GIT_NOT_A_REPOSITORY',
    })
    fault(() => ({ kind: 'status', status: 503 }))
    await expect(world.open(repository, 'main', right).tip()).rejects.toMatchObject({
      kind: 'retry',
      code: 'GIT_SERVER_ERROR',
    })
    fault(() => ({
      kind: 'status',
      status: 301,
      headers: { location: 'https://u:p@new.example/x.git/git-upload-pack' },
    }))
    await expect(world.open(repository, 'main', right).tip()).rejects.toMatchObject({
      code: 'GIT_MOVED',
      hint: 'set the url to https://new.example/x.git',
    })
    fault(() => ({ kind: 'cut', when: 'before' }))
    await expect(world.open(repository, 'main', right).tip()).rejects.toMatchObject({
      kind: 'retry',
      code: 'GIT_UNREACHABLE',
    })
  })

  it.each([
    ['git@github.com:acme/fleet.git', 'https://github.com/acme/fleet.git'],
    ['ssh://git@git.example.com:2222/acme/fleet', 'https://git.example.com/acme/fleet'],
  ])('refuses the SSH address %s and says what to use', (url, better) => {
    const open = (): unknown =>
      openBranch({ url, branch: 'main', directory: '/nonexistent', clock: systemClock, timeoutMs: 1000 })
    expect(open).toThrow(expect.objectContaining({ kind: 'stalled', hint: expect.stringContaining(better) }))
  })

  it.each(['file:///srv/git', '/srv/git', 'fleet', ''])('refuses the address %j', (url) => {
    const open = (): unknown =>
      openBranch({ url, branch: 'main', directory: '/nonexistent', clock: systemClock, timeoutMs: 1000 })
    expect(open).toThrow(expect.objectContaining({ kind: 'stalled', code: 'GIT_URL' }))
  })

  it.each(['', 'a..b', 'a b', '-x', 'x.lock', 'a//b', 'refs/', '.a'])('refuses the branch name %j', (branch) => {
    const open = (): unknown =>
      openBranch({ url: 'https://x.example/y', branch, directory: '/nonexistent', clock: systemClock, timeoutMs: 1000 })
    expect(open).toThrow(expect.objectContaining({ code: 'GIT_BRANCH_NAME' }))
  })

  it('gives up on a server that accepts connections and says nothing', async () => {
    const silent = createTcpServer(() => undefined)
    const port = await listen(silent)
    const options = { url: `http://127.0.0.1:${port}/x.git`, branch: 'main', directory: '/nonexistent' }
    const branch = openBranch({ ...options, clock: systemClock, timeoutMs: 50 })
    await expect(branch.tip()).rejects.toMatchObject({ kind: 'retry', code: 'GIT_TIMEOUT' })
    silent.close()
  })

  it('gives up on an answer that never ends', async () => {
    const endless = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' })
      const pour = (): void => void response.write(Buffer.alloc(1024 * 1024, '0'), () => setImmediate(pour))
      response.on('close', () => endless.close())
      pour()
    })
    const port = await listen(endless)
    const options = { url: `http://127.0.0.1:${port}/x.git`, branch: 'main', directory: '/nonexistent' }
    const branch = openBranch({ ...options, clock: systemClock, timeoutMs: 3000 })
    await expect(branch.tip()).rejects.toMatchObject({ code: 'GIT_TOO_LARGE' })
  })

  it.each([
    { server: 'a present', oldProtocol: false, behind: 5 },
    { server: 'a present', oldProtocol: false, behind: 120 },
    { server: 'an old', oldProtocol: true, behind: 120 },
  ])(
    'shows only what a merge adds, from $server server, when its branch began $behind commits before the clone',
    async ({ oldProtocol, behind }) => {
      const world = await startGitWorld({ oldProtocol })
      worlds.push(world)
      const repository = await world.repository()
      const writer = world.open(repository)
      const first = await pull(writer)
      let last = first
      for (let i = 1; i <= behind; i += 1)
        last = await change(writer, last, { b: String(i) }, 'Old', startMs + i * 1000)
      await writer.push(first, last)
      const reader = world.open(repository)
      const tip = await pull(reader)
      const commit = async (subject: string, ...parents: string[]): Promise<string> => {
        const args = parents.flatMap((parent) => ['-p', parent])
        return (await world.git(repository, ...identity, 'commit-tree', `${tip}^{tree}`, ...args, '-m', subject)).trim()
      }
      const merge = await commit('merge', tip, await commit('side', first))
      await world.git(repository, 'update-ref', 'refs/heads/main', merge)

      await reader.fetch(merge)

      const subjects = (await reader.between(tip, merge))?.map((one) => one.message.trim())
      expect(subjects).toEqual(['side', 'merge'])
    },
  )

  it('asks again with more depth when more was pushed than one fetch brings', async () => {
    const { world } = await start()
    const repository = await world.repository()
    const [reader, writer] = [world.open(repository), world.open(repository)]
    const first = await pull(reader)
    let last = await pull(writer)
    for (let i = 1; i <= 150; i += 1) last = await change(writer, last, { b: String(i) })
    await writer.push(first, last)
    await pull(reader)
    expect(await reader.between(first, last)).toHaveLength(150)
  })

  it('fetches from a repository whose HEAD names a branch that does not exist', async () => {
    const { world } = await start()
    const repository = await world.repository({})
    const ledger = world.open(repository, 'serin/default')
    const root = await change(ledger, null, { a: '1' })
    expect(await ledger.push(null, root)).toEqual({ kind: 'landed' })
    const other = world.open(repository, 'serin/default')
    expect(await pull(other)).toBe(root)
    expect(await other.read(root, 'a')).toBe('1')
  })

  it('leaves repositories on both sides that git fsck accepts', async () => {
    const { world } = await start()
    const repository = await world.repository()
    const branch = world.open(repository, 'main', { directory: join(world.root, 'kept') })
    for (let i = 0; i < 3; i += 1) await pushChange(branch, { [`dir/${i}`]: String(i) })
    await pushChange(world.open(repository), { theirs: '1' })
    await pull(branch)
    expect(await world.git(repository, 'fsck', '--strict', '--full', '--no-dangling')).toBe('')
    const local = (await gitdir(world)).slice(world.root.length)
    expect(await world.git(local, 'fsck', '--strict', '--full', '--no-dangling')).toBe('')
    expect((await world.git(local, 'rev-parse', 'main')).trim()).toBe(await branch.tip())
  })
})

describe('the copy on disk', () => {
  it('saves the clone after a restart', async () => {
    const { world } = await start()
    const repository = await world.repository()
    const directory = join(world.root, 'kept')
    const tip = await pushChange(world.open(repository, 'main', { directory }), { a: '1' })
    const before = world.server.requests()
    const again = world.open(repository, 'main', { directory })
    await again.fetch(tip)
    expect(await again.read(tip, 'a')).toBe('1')
    expect(world.server.requests()).toBe(before)
  })

  it.each([
    ['a pack that is cut off', async (dir: string) => damage(join(dir, 'objects/pack'), '.pack', 40)],
    ['an index that is cut off', async (dir: string) => damage(join(dir, 'objects/pack'), '.idx', 500)],
    ['an empty branch file', async (dir: string) => truncate(join(dir, 'refs/heads/main'), 0)],
    ['an index without its pack', async (dir: string) => remove(join(dir, 'objects/pack'), '.pack')],
    ['no packs at all', async (dir: string) => rm(join(dir, 'objects'), { recursive: true })],
    ['an empty config', async (dir: string) => truncate(join(dir, 'config'), 0)],
    ['an empty shallow file', async (dir: string) => truncate(join(dir, 'shallow'), 0)],
  ])('is fetched anew when a crash left %s', async (_what, harm) => {
    const { world } = await start()
    const repository = await world.repository()
    const directory = join(world.root, 'kept')
    const writer = world.open(repository)
    await pushChange(writer, { a: '1' })
    await pull(world.open(repository, 'main', { directory }))
    await harm(await gitdir(world))

    await pushChange(writer, { a: '2' })
    const again = world.open(repository, 'main', { directory })
    const tip = await pull(again)

    expect(await again.read(tip, 'a')).toBe('2')
    expect(await again.read(await pushChange(again, { a: '3' }), 'a')).toBe('3')
  })

  it('is not needed for reading when the disk fails, and a person is told', async () => {
    const { world } = await start()
    const repository = await world.repository()
    const branch = world.open(repository, 'main', { directory: join(world.root, 'kept') })
    await pull(branch)
    const local = await gitdir(world)
    await rm(local, { recursive: true })
    await writeFile(local, 'in the way')
    const tip = await branch.tip()
    const next = await change(branch, tip, { a: '1' })
    expect(await branch.push(tip, next)).toEqual({ kind: 'landed' })
    expect(await branch.read(next, 'a')).toBe('1')

    const blocked = join(world.root, 'blocked')
    await writeFile(blocked, '')
    const hopeless = world.open(repository, 'main', { directory: blocked })
    await expect(hopeless.fetch(next)).rejects.toMatchObject({ kind: 'stalled', code: 'GIT_DIRECTORY' })
  })

  it('becomes one pack with recent history when hundreds have gathered', async () => {
    const { world } = await start()
    const repository = await world.repository({ 'x/y': '1', z: '1' })
    const branch = world.open(repository, 'main', { directory: join(world.root, 'kept'), maxPacks: 2 })
    const first = await pull(branch)
    for (let i = 0; i < 5; i += 1) await pushChange(branch, { [`dir/${i}`]: String(i) })
    const tip = await pushChange(world.open(repository), { theirs: '1' })
    await pull(branch)

    const local = await gitdir(world)
    expect((await readdir(join(local, 'objects/pack'))).length).toBeLessThanOrEqual(6)
    expect((await branch.files(tip, [''])).length).toBe(8)
    expect(await branch.between(first, tip)).toHaveLength(6)
    expect(await world.git(local.slice(world.root.length), 'fsck', '--strict', '--full', '--no-dangling')).toBe('')
    await pushChange(branch, { last: '1' })
  })
})

describe('a push', () => {
  it('is refused with the message of a hook, in one line and without control characters', async () => {
    const { world } = await start()
    const repository = await world.repository()
    await hook(
      world,
      repository,
      'pre-receive',
      'printf "GH006: Protected \\033[31mbranch\\nupdate failed\\n" >&2; exit 1',
    )
    const branch = world.open(repository)
    const tip = await pull(branch)
    const outcome = await branch.push(tip, await change(branch, tip, { a: '1' }))
    expect(outcome).toEqual({
      kind: 'refused',
      code: 'GIT_PUSH_REFUSED',
      message: 'pre-receive hook declined: GH006: Protected [31mbranch update failed',
    })
    expect(await branch.tip()).toBe(tip)
  })

  it('raises an alarm of its own when the server cannot move a ref that nobody moved', async () => {
    const { world } = await start()
    const repository = await world.repository()
    await writeFile(join(world.root, repository, 'refs/heads/main.lock'), '')
    const branch = world.open(repository, 'main', { clock: { ...systemClock, sleep: async () => undefined } })
    const tip = await pull(branch)
    const outcome = await branch.push(tip, await change(branch, tip, { a: '1' }))
    expect(outcome).toMatchObject({ kind: 'refused', code: 'GIT_REF_STUCK' })
    expect(outcome).toMatchObject({
      message: expect.stringContaining('refuses this ref although its tip has not moved'),
    })
  })

  it('is unknown when the answer is lost, and lands when the same commit is pushed again', async () => {
    const { world, fault } = await start()
    const branch = world.open(await world.repository())
    const tip = await pull(branch)
    const next = await change(branch, tip, { a: '1' })
    fault((request) => (request.isPush ? { kind: 'cut', when: 'after' } : undefined))
    expect(await branch.push(tip, next)).toMatchObject({ kind: 'unknown' })
    expect(await branch.tip()).toBe(next)
    fault(undefined)
    expect(await branch.push(tip, next)).toEqual({ kind: 'landed' })
  })

  it.each<GitServerFault>([
    { kind: 'status', status: 500 },
    { kind: 'status', status: 429 },
    { kind: 'cut', when: 'before' },
    { kind: 'truncate', bytes: 7 },
    { kind: 'html' },
  ])('is unknown after %j', async (what) => {
    const { world, fault } = await start()
    const branch = world.open(await world.repository())
    const tip = await pull(branch)
    fault((request) => (request.isPush ? what : undefined))
    expect(await branch.push(tip, await change(branch, tip, { a: '1' }))).toMatchObject({ kind: 'unknown' })
  })

  it('is unknown when the server takes too long', async () => {
    const { world, fault } = await start()
    const repository = await world.repository()
    const branch = world.open(repository, 'main', { timeoutMs: 150 })
    const tip = await pull(branch)
    fault((request) => (request.isPush ? { kind: 'delay', ms: 400 } : undefined))
    expect(await branch.push(tip, await change(branch, tip, { a: '1' }))).toMatchObject({ kind: 'unknown' })
  })

  it('is unknown when it went through but the tip cannot be read back', async () => {
    const { world, fault } = await start()
    const branch = world.open(await world.repository())
    const tip = await pull(branch)
    const next = await change(branch, tip, { a: '1' })
    fault((request) => (request.isPush ? undefined : { kind: 'status', status: 502 }))
    expect(await branch.push(tip, next)).toMatchObject({ kind: 'unknown' })
    fault(undefined)
    expect(await branch.push(tip, next)).toEqual({ kind: 'landed' })
  })

  it('rejects when the token may not write', async () => {
    const { world, fault } = await start()
    const branch = world.open(await world.repository())
    const tip = await pull(branch)
    fault((request) => (request.isPush ? { kind: 'status', status: 403 } : undefined))
    const pushed = branch.push(tip, await change(branch, tip, { a: '1' }))
    await expect(pushed).rejects.toMatchObject({ kind: 'stalled', code: 'GIT_AUTH_DENIED' })
  })

  it('sends only what the server lacks', async () => {
    const files = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`apps/${i}/app.yaml`, `app: ${i}\n`]))
    const { world } = await start()
    const repository = await world.repository(files)
    await world.git(repository, 'config', 'receive.unpackLimit', '1')
    const branch = world.open(repository)
    await pushChange(branch, { 'apps/7/app.yaml': 'app: seven\n' })
    const packs = join(world.root, repository, 'objects/pack')
    const counts = await Promise.all(
      (await readdir(packs))
        .filter((name) => name.endsWith('.pack'))
        .map(async (name) => (await readFile(join(packs, name))).readUInt32BE(8)),
    )
    expect(Math.min(...counts)).toBe(5)
  })
})

const identity = ['-c', 'user.name=Side', '-c', 'user.email=side@example.com']

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as AddressInfo
  return address.port
}

async function damage(folder: string, ending: string, bytes: number): Promise<void> {
  for (const name of await readdir(folder)) if (name.endsWith(ending)) await truncate(join(folder, name), bytes)
}

async function remove(folder: string, ending: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.endsWith(ending)) await rm(join(folder, name))
}
