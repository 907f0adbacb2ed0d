import fc from 'fast-check'
import git from 'isomorphic-git'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  encodeCommit,
  encodeTree,
  nameObject,
  parseCommit,
  parseTree,
  type NamedObject,
  type TreeEntry,
} from '../../src/git/objects.ts'
import { isWhole, writePack, writePackIndex } from '../../src/git/pack.ts'
import { PackReader, applyDelta, readPackIndex } from '../../src/git/pack-reader.ts'
import { runGit } from '../../src/playground/git-environment.ts'
import { alice, startMs } from './world.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'serin-objects-'))
  await git.init({ fs, gitdir: dir, bare: true })
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const oid = fc.nat(15).map((digit) => digit.toString(16).repeat(40))
const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((text) => !/[/\0\ud800-\udfff\ufffd\\]/.test(text) && !['.', '..', '.git'].includes(text.toLowerCase()))
const entry: fc.Arbitrary<TreeEntry> = fc.record({
  mode: fc.constantFrom('100644', '100755', '40000', '120000'),
  name: fc.oneof(name, fc.constantFrom('a', 'a.b', 'a-b', 'a0', 'ab')),
  oid,
})
const entries = fc.uniqueArray(entry, { selector: (one) => one.name, maxLength: 12 })

describe('git objects', () => {
  it('names blobs as isomorphic-git does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const { oid: expected } = await git.hashBlob({ object: bytes })
        expect(nameObject('blob', Buffer.from(bytes)).oid).toBe(expected)
      }),
      { numRuns: 30 },
    )
  })

  it('writes trees as isomorphic-git does, and reads them back', async () => {
    await fc.assert(
      fc.asyncProperty(entries, async (tree) => {
        const ours = encodeTree(tree)
        const theirs = await git.writeTree({
          fs,
          gitdir: dir,
          tree: tree.map((one) => ({
            mode: one.mode === '40000' ? '040000' : one.mode,
            path: one.name,
            oid: one.oid,
            type: one.mode === '40000' ? 'tree' : 'blob',
          })),
        })
        expect(nameObject('tree', ours).oid).toBe(theirs)
        expect(encodeTree(parseTree(ours))).toEqual(ours)
        expect(new Set(parseTree(ours))).toEqual(new Set(tree))
      }),
      { numRuns: 60 },
    )
  })

  it('writes commits as isomorphic-git does, and reads them back', async () => {
    const message = fc.string({ maxLength: 80 }).map((text) => `S${text.replaceAll(/[\0\r]|\n+$/g, '')}.\n`)
    await fc.assert(
      fc.asyncProperty(
        oid,
        fc.array(oid, { maxLength: 3 }),
        message,
        fc.nat(4e9),
        async (tree, parents, text, seconds) => {
          const person = { ...alice, timestamp: seconds, timezoneOffset: 0 }
          const theirs = await git.writeCommit({
            fs,
            gitdir: dir,
            commit: { tree, parent: parents, author: person, committer: person, message: text },
          })
          const body = encodeCommit({ tree, parents, author: alice, timeMs: seconds * 1000 + 7, message: text })
          const ours = nameObject('commit', body)
          expect(ours.oid).toBe(theirs)
          expect(parseCommit(ours.oid, body)).toEqual({
            oid: ours.oid,
            tree,
            parents,
            author: alice,
            committer: alice,
            timeMs: seconds * 1000,
            message: text,
          })
        },
      ),
      { numRuns: 40 },
    )
  })

  it('keeps a file name that is no UTF-8 as it is', () => {
    const raw = Buffer.concat([
      Buffer.from('100644 caf'),
      Buffer.of(0xe9),
      Buffer.from('\0'),
      Buffer.alloc(20, 7),
      Buffer.from('100644 z\0'),
      Buffer.alloc(20, 8),
    ])
    expect(encodeTree(parseTree(raw))).toEqual(raw)
  })

  it('cleans names that would break a commit, and refuses one that is empty', () => {
    const commit = (author: { name: string; email: string }): string =>
      encodeCommit({ tree: 'a'.repeat(40), parents: [], author, timeMs: startMs, message: 'x\0y' }).toString()
    expect(commit({ name: ' Eve <eve>\nauthor ', email: 'e v<e>@x\n' })).toContain('\nauthor Eve eve author <eve@x> ')
    expect(commit(alice)).toMatch(/\n\nxy\n$/)
    expect(() => commit({ name: '<>', email: '' })).toThrow(/no name/)
  })

  it('reads signed commits, other time zones and other encodings', () => {
    const body = Buffer.from(
      [
        `tree ${'a'.repeat(40)}`,
        'author J\u00f6rg <j@x> 100 +0200',
        'committer GitHub <noreply@github.com> 200 -0700',
        'encoding ISO-8859-1',
        'gpgsig -----BEGIN SSH SIGNATURE-----',
        ' parent 123',
        ' -----END SSH SIGNATURE-----',
        '',
        'Gr\u00fcn',
      ].join('\n'),
      'latin1',
    )
    expect(parseCommit('b'.repeat(40), body)).toMatchObject({ parents: [], timeMs: 200_000, message: 'Grün' })
  })
})

describe('git packs', () => {
  const objects = fc
    .uniqueArray(fc.uint8Array({ maxLength: 3000 }), { minLength: 1, maxLength: 20, selector: (one) => String(one) })
    .map((bodies): NamedObject[] => bodies.map((body) => nameObject('blob', Buffer.from(body))))

  it('are read by isomorphic-git and by us as they were written', async () => {
    await fc.assert(
      fc.asyncProperty(objects, async (all) => {
        const pack = writePack(all)
        const index = writePackIndex(pack)
        const packs = join(dir, 'objects/pack')
        await fs.promises.mkdir(packs, { recursive: true })
        await writeFile(join(packs, 'pack-test.pack'), pack.bytes)
        await writeFile(join(packs, 'pack-test.idx'), index)
        const reader = new PackReader()
        reader.add(pack.bytes, readPackIndex(index))
        expect(isWhole(pack.bytes) && isWhole(index)).toBe(true)
        for (const object of all) {
          expect(reader.read(object.oid)?.body).toEqual(object.body)
          const theirs = await git.readBlob({ fs, gitdir: dir, oid: object.oid })
          expect(Buffer.from(theirs.blob)).toEqual(object.body)
        }
      }),
      { numRuns: 10 },
    )
    await runGit(['-C', dir, 'verify-pack', join(dir, 'objects/pack/pack-test.idx')])
  })

  it('with deltas are read as Git unpacks them', async () => {
    const repository = join(dir, 'deltas.git')
    await runGit(['init', '--quiet', '--bare', repository])
    const text = Array.from({ length: 400 }, (_, i) => `line ${i * 7919}`)
    const stream = Array.from({ length: 12 }, (_, i) => {
      const body = text.map((line, j) => (j < i * 30 && j % 3 === 0 ? `changed ${j}` : line)).join('\n')
      return `commit refs/heads/main\ncommitter A <a@b> ${i} +0000\ndata 1\nx\nM 100644 inline f\ndata ${body.length}\n${body}\n`
    })
    await runGit(['-C', repository, 'fast-import', '--quiet'], stream.join(''))
    await runGit(['-C', repository, 'repack', '-adfq'])
    const packs = join(repository, 'objects/pack')
    const index = (await fs.promises.readdir(packs)).find((file) => file.endsWith('.idx'))!
    const reader = new PackReader()
    reader.add(
      await readFile(join(packs, index.replace('idx', 'pack'))),
      readPackIndex(await readFile(join(packs, index))),
    )

    const listed = await runGit(['-C', repository, 'verify-pack', '-v', join(packs, index)])
    expect(listed).toMatch(/chain length = [2-9]/)
    const names = (await runGit(['-C', repository, 'cat-file', '--batch-all-objects', '--batch-check']))
      .trim()
      .split('\n')
    expect(names).toHaveLength(reader.size)
    for (const line of names) {
      const [one = '', type] = line.split(' ')
      const object = reader.read(one)!
      expect(object.type).toBe(type)
      expect(nameObject(object.type, object.body).oid).toBe(one)
    }
  })

  it('that are damaged give an error and never a wrong object', () => {
    const object = nameObject('blob', Buffer.from('some text '.repeat(50)))
    const pack = writePack([object])
    fc.assert(
      fc.property(fc.nat(pack.bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = Buffer.from(pack.bytes)
        bytes[at] = (bytes[at] ?? 0) ^ flip
        expect(isWhole(bytes)).toBe(false)
        const reader = new PackReader()
        reader.add(bytes, pack.entries)
        try {
          reader.read(object.oid)
        } catch (error) {
          expect(error).toMatchObject({ code: 'GIT_DAMAGED' })
        }
      }),
    )
  })

  it('refuse deltas that reach outside their base', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 40 }), (base, delta) => {
        try {
          applyDelta(Buffer.from(base), Buffer.from(delta))
        } catch (error) {
          expect(error).toMatchObject({ code: 'GIT_DAMAGED' })
        }
      }),
    )
  })
})
