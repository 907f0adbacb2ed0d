import { expect, it } from 'vitest'
import type { GitBranch, Oid } from '../../../src/git/types.ts'
import { alice, change, pull, pushChange, startMs } from '../world.ts'

/** A remote repository whose branch `main` holds `files` in one commit, and clients of it. */
export interface ContractRemote {
  open(branch?: string): GitBranch
  /** Puts `main` anywhere, as a forced push does. */
  force(tip: Oid): Promise<void>
}

/** What every GitBranch promises, whatever is behind it. */
export function branchContract(start: (files: Readonly<Record<string, string>>) => Promise<ContractRemote>): void {
  it('says that a branch which does not exist has no tip', async () => {
    const remote = await start({ a: '1' })
    expect(await remote.open('serin/none').tip()).toBeNull()
  })

  it('starts a branch with an unrelated history', async () => {
    const remote = await start({ a: '1' })
    const ledger = remote.open('serin/default')
    const root = await change(ledger, null, { 'test/podinfo/status.yaml': 'weight: 0\n' }, 'Start')
    expect(await ledger.push(null, root)).toEqual({ kind: 'landed' })

    const reader = remote.open('serin/default')
    expect(await pull(reader)).toBe(root)
    expect((await reader.commit(root)).parents).toEqual([])
    expect(await reader.read(root, 'test/podinfo/status.yaml')).toBe('weight: 0\n')
  })

  it('loses the race to start a branch when somebody else started it first', async () => {
    const remote = await start({ a: '1' })
    const [one, two] = [remote.open('serin/x'), remote.open('serin/x')]
    const first = await change(one, null, { a: 'one' })
    const second = await change(two, null, { a: 'two' })
    expect(await one.push(null, first)).toEqual({ kind: 'landed' })
    expect(await two.push(null, second)).toEqual({ kind: 'lost', tip: first })
  })

  it('lists the files below the wanted folders in path order', async () => {
    const remote = await start({ 'a/b/c': '1', 'a/b.yaml': '2', 'a-z': '3', 'd/e': '4', 'd2/f': '5', g: '6' })
    const branch = remote.open()
    const tip = await pull(branch)
    const paths = async (...folders: string[]): Promise<string[]> =>
      (await branch.files(tip, folders)).map((file) => file.path)
    expect(await paths('')).toEqual(['a-z', 'a/b.yaml', 'a/b/c', 'd/e', 'd2/f', 'g'])
    expect(await paths('d/', './a', 'a/b')).toEqual(['a/b.yaml', 'a/b/c', 'd/e'])
    expect(await paths('g', 'none', 'g/none')).toEqual(['g'])
    expect(await paths('.')).toHaveLength(6)
  })

  it('reads texts by blob and by path', async () => {
    const remote = await start({ 'a/b': 'grün\r\n', big: 'x'.repeat(1024 * 1024 + 1) })
    const branch = remote.open()
    const tip = await pull(branch)
    const [file] = await branch.files(tip, ['a'])
    expect(await branch.text(file!.oid)).toBe('grün\r\n')
    expect(await branch.read(tip, 'a/b')).toBe('grün\r\n')
    expect(await branch.read(tip, 'a')).toBeNull()
    expect(await branch.read(tip, 'a/none')).toBeNull()
    expect(await branch.read(tip, 'big')).toBeNull()
  })

  it('rejects to read a commit that it has not fetched', async () => {
    const remote = await start({ a: '1' })
    const reader = remote.open()
    await pull(reader)
    const next = await pushChange(remote.open(), { a: '2' })
    await expect(reader.commit(next)).rejects.toMatchObject({ code: 'GIT_COMMIT_NOT_HERE' })
    await expect(reader.files(next, [''])).rejects.toMatchObject({ code: 'GIT_COMMIT_NOT_HERE' })
    await expect(change(reader, next, { a: '3' })).rejects.toMatchObject({ code: 'GIT_COMMIT_NOT_HERE' })
  })

  it('shows what others committed since, oldest first, and which paths they changed', async () => {
    const remote = await start({ a: '1', 'dir/b': '1', 'dir/c': '1', 'other/d': '1' })
    const reader = remote.open()
    const before = await pull(reader)
    const writer = remote.open()
    const first = await pushChange(writer, { 'dir/b': '2' }, 'First')
    const second = await pushChange(writer, { a: null, 'new/e': '1' }, 'Second\n\nBody')

    const tip = await pull(reader)

    const commits = await reader.between(before, tip)
    expect(commits?.map((commit) => commit.oid)).toEqual([first, second])
    expect(commits?.map((commit) => commit.message)).toEqual(['First\n', 'Second\n\nBody\n'])
    expect(await reader.changedPaths(before, tip)).toEqual(['a', 'dir/b', 'new/e'])
    expect(await reader.changedPaths(tip, tip)).toEqual([])
    expect(await reader.between(tip, before)).toBeNull()
    expect(await reader.between(tip, tip)).toEqual([])
  })

  it('begins with the newest commit only and fetches older ones when asked to', async () => {
    const remote = await start({ a: '1' })
    const writer = remote.open()
    const oldest = await pull(writer)
    for (const n of [2, 3, 4]) await pushChange(writer, { a: String(n) })

    const late = remote.open()
    const tip = await pull(late)
    expect(await late.between(oldest, tip)).toBeNull()
    expect(await late.between(null, tip)).toHaveLength(1)
    expect(await late.deepen(oldest)).toBe(true)
    expect(await late.between(oldest, tip)).toHaveLength(3)
    expect(await late.read(oldest, 'a')).toBe('1')
    expect(await late.deepen('1'.repeat(40))).toBe(false)
  })

  it('gives the same commit for the same request', async () => {
    const remote = await start({ a: '1' })
    const [one, two] = [remote.open(), remote.open()]
    const tip = await pull(one)
    await pull(two)
    const oid = await change(one, tip, { a: '2', b: '3' })
    expect(await change(two, tip, { b: '3', a: '2' })).toBe(oid)
    expect(await one.commit(oid)).toMatchObject({ author: alice, timeMs: startMs + 60_000, message: 'Change\n' })
  })

  it('pushes a chain of commits at once, each of them readable to others', async () => {
    const remote = await start({ a: '1' })
    const writer = remote.open()
    const tip = await pull(writer)
    let last = tip
    for (let i = 0; i < 25; i += 1) last = await change(writer, last, { [`dir-${i % 5}/f`]: String(i) }, `Commit ${i}`)
    expect(await writer.push(tip, last)).toEqual({ kind: 'landed' })

    const reader = remote.open()
    await pull(reader)
    await reader.deepen(tip)
    expect((await reader.between(tip, last))?.map((commit) => commit.message.trim())).toEqual(
      Array.from({ length: 25 }, (_, i) => `Commit ${i}`),
    )
    expect(await reader.read(last, 'dir-4/f')).toBe('24')
  })

  it('loses a push when somebody else pushed first, and changes nothing', async () => {
    const remote = await start({ a: '1' })
    const [one, two] = [remote.open(), remote.open()]
    const tip = await pull(one)
    await pull(two)
    const mine = await change(one, tip, { mine: '1' })
    const theirs = await pushChange(two, { theirs: '1' })
    expect(await one.push(tip, mine)).toEqual({ kind: 'lost', tip: theirs })
    expect(await one.tip()).toBe(theirs)
    expect(await one.read(theirs, 'theirs')).toBe('1')
  })

  it('says that a push landed when it is repeated, even after others pushed on top', async () => {
    const remote = await start({ a: '1' })
    const [one, two] = [remote.open(), remote.open()]
    const tip = await pull(one)
    const mine = await change(one, tip, { mine: '1' })
    expect(await one.push(tip, mine)).toEqual({ kind: 'landed' })
    expect(await one.push(tip, mine)).toEqual({ kind: 'landed' })
    await pushChange(two, { theirs: '1' })
    expect(await one.push(tip, mine)).toEqual({ kind: 'landed' })
  })

  it('never pushes what does not build on the expected tip', async () => {
    const remote = await start({ a: '1' })
    const branch = remote.open()
    const tip = await pull(branch)
    const next = await pushChange(branch, { a: '2' })
    const aside = await change(branch, tip, { a: '3' })
    await expect(branch.push(next, aside)).rejects.toMatchObject({ kind: 'bug', code: 'GIT_NOT_A_DESCENDANT' })
    await expect(branch.push(next, tip)).rejects.toMatchObject({ code: 'GIT_NOT_A_DESCENDANT' })
    expect(await branch.tip()).toBe(next)
  })

  it('tells a rewritten branch by a history that no longer holds the old tip', async () => {
    const remote = await start({ a: '1' })
    const writer = remote.open()
    const root = await pull(writer)
    const dropped = await pushChange(writer, { a: '2' })
    const reader = remote.open()
    await pull(reader)
    await remote.force(root)
    const kept = await pushChange(remote.open(), { b: '1' })

    expect(await pull(reader)).toBe(kept)
    expect(await reader.between(dropped, kept)).toBeNull()
    expect(await reader.changedPaths(dropped, kept)).toEqual(['a', 'b'])
  })

  it('fetches the wanted commit although the branch has moved on since', async () => {
    const remote = await start({ a: '1' })
    const reader = remote.open()
    const seen = await reader.tip()
    const newer = await pushChange(remote.open(), { a: '2' })
    await reader.fetch(seen!)
    expect(await reader.read(seen!, 'a')).toBe('1')
    await reader.fetch(newer)
    expect(await reader.read(newer, 'a')).toBe('2')
  })

  it('rejects to fetch a commit that the branch does not hold', async () => {
    const remote = await start({ a: '1' })
    await expect(remote.open().fetch('2'.repeat(40))).rejects.toMatchObject({ kind: 'retry', code: 'GIT_TIP_GONE' })
    await expect(remote.open('none').fetch('2'.repeat(40))).rejects.toMatchObject({ kind: 'retry' })
  })

  it('goes on from made commits that it has not pushed', async () => {
    const remote = await start({ a: '1' })
    const branch = remote.open()
    const tip = await pull(branch)
    const one = await change(branch, tip, { 'x/a': '1', 'x/b': '1' })
    const two = await change(branch, one, { 'x/a': null })
    expect((await branch.files(two, ['x'])).map((file) => file.path)).toEqual(['x/b'])
    expect(await branch.changedPaths(tip, two)).toEqual(['x/b'])
    expect(await branch.push(tip, one)).toEqual({ kind: 'landed' })
    expect(await branch.push(one, two)).toEqual({ kind: 'landed' })
  })
}
