import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ObjectReader } from '../../src/git/object-reader.ts'
import { encodeTree, nameObject, type NamedObject, type TreeEntry } from '../../src/git/objects.ts'
import { editTree } from '../../src/git/tree-edit.ts'
import type { Oid } from '../../src/git/types.ts'

/** A store in memory that applies changes and lists what a tree holds. */
function store(): {
  apply(root: Oid | null, changes: Readonly<Record<string, string | null>>): Oid
  add(entries: TreeEntry[]): Oid
  list(root: Oid): Record<string, string>
  made: NamedObject[]
} {
  const objects = new Map<Oid, NamedObject>()
  const made: NamedObject[] = []
  const reader = new ObjectReader({ read: (oid) => objects.get(oid) })
  const list = (tree: Oid, prefix: string, out: Record<string, string>): void => {
    for (const entry of reader.tree(tree)) {
      if (entry.mode === '40000') list(entry.oid, `${prefix}${entry.name}/`, out)
      else out[prefix + entry.name] = `${entry.mode === '100644' ? '' : `${entry.mode} `}${reader.text(entry.oid)}`
    }
  }
  return {
    made,
    apply: (root, changes) => {
      const edit = editTree((oid) => reader.tree(oid), root, new Map(Object.entries(changes)))
      made.push(...edit.objects)
      for (const object of edit.objects) objects.set(object.oid, object)
      return edit.tree
    },
    add: (entries) => {
      for (const text of ['run', 'to']) {
        const blob = nameObject('blob', Buffer.from(text))
        objects.set(blob.oid, blob)
      }
      const tree = nameObject('tree', encodeTree(entries))
      objects.set(tree.oid, tree)
      return tree.oid
    },
    list: (root) => {
      const out: Record<string, string> = {}
      list(root, '', out)
      return out
    },
  }
}

describe('editing a tree', () => {
  it('does to paths what a map does, whatever the order of edits', () => {
    const path = fc
      .array(fc.constantFrom('a', 'b', 'c.d', 'c-d', 'c'), { minLength: 1, maxLength: 3 })
      .map((p) => p.join('/'))
    const edits = fc.array(fc.dictionary(path, fc.option(fc.constantFrom('1', '2', '')), { maxKeys: 4 }), {
      maxLength: 6,
    })
    fc.assert(
      fc.property(edits, (steps) => {
        const git = store()
        let root: Oid | null = null
        let model: Record<string, string> = {}
        for (const step of steps) {
          const after = Object.fromEntries(
            Object.entries({ ...model, ...step }).filter((pair): pair is [string, string] => pair[1] !== null),
          )
          const paths = Object.keys(after)
          if (paths.some((one) => paths.some((other) => other.startsWith(`${one}/`)))) {
            expect(() => git.apply(root, step)).toThrow(/cannot be written/)
            continue
          }
          root = git.apply(root, step)
          model = after
          expect(git.list(root)).toEqual(model)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('makes only the folders on the way to a change', () => {
    const git = store()
    const root = git.apply(null, { 'a/x/1': '1', 'a/y/1': '1', 'b/z/1': '1' })
    git.made.length = 0
    git.apply(root, { 'a/x/1': '2' })
    expect(git.made.map((object) => object.type)).toEqual(['blob', 'tree', 'tree', 'tree'])
    git.made.length = 0
    expect(git.apply(root, { 'a/x/1': '1', none: null })).toBe(root)
    expect(git.made).toEqual([])
  })

  it('keeps the mode of a program and replaces a symbolic link by a file', () => {
    const git = store()
    const blob = nameObject('blob', Buffer.from('run')).oid
    const link = nameObject('blob', Buffer.from('to')).oid
    const root = git.add([
      { mode: '100755', name: 'run.sh', oid: blob },
      { mode: '120000', name: 'link', oid: link },
    ])
    expect(git.list(git.apply(root, { 'run.sh': 'changed', link: 'text' }))).toEqual({
      'run.sh': '100755 changed',
      link: 'text',
    })
  })

  it.each(['', '/a', 'a//b', 'a/', '..', 'a/../b', '.git/config', 'a/.GIT/x', 'a\0b'])(
    'refuses the path %j',
    (path) => {
      expect(() => store().apply(null, { [path]: 'x' })).toThrow(/is no path/)
    },
  )
})
