import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { setScalar } from '../../src/yaml/edit.ts'
import { readDocuments } from '../../src/yaml/read.ts'
import { writeYaml } from '../../src/yaml/write.ts'

const path = ['spec', 'image']

/** Layouts in which OLD stands for the scalar at spec.image. */
const layouts: Record<string, string> = {
  plain: 'spec:\n  image: OLD\n',
  comment: '# head\nspec:\n    image:   OLD   # why\n    other: 1   # aligned\n',
  'second document': 'x: 1\n--- # two\nspec:\n  image: OLD\n---\ny: yes\n',
  'Windows line ends': 'spec:\r\n  image: OLD\r\n  mode: 0755\r\n',
  'byte order mark': '\uFEFFspec:\n  image: OLD\n',
  'no final newline': 'spec:\n  image: OLD',
  'flow map': 'spec: { image: OLD, ports: [ 1,2 ] }\n',
  'dense flow map': 'spec: {"a":1,image: OLD}\n',
  'anchors elsewhere': 'a: &a {k: v}\nspec:\n  <<: *a\n  image: OLD\nb: *a\n',
  'unindented list': 'spec:\n  image: OLD\n  list:\n  - a\n  -   b: |\n        text\n\n  - >-\n    folded\n    text\n',
  directive: '%YAML 1.2\n---\nspec:\n  image: OLD\n...\n',
}
const styles = ['v1', '"v1"', "'v1'", 'ghcr.io/org/app:1.2.3', '"two\\nlines"', '0755', 'yes', 'null', '12:30', '""']

const scalar = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    'yes',
    '0755',
    '1e5',
    'v2, x',
    'a: b',
    'x #y',
    '12:30:45',
    '2026-01-01',
    '',
    ' ',
    '- a',
    '*a',
    '<<',
    '---',
  ),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
)

describe('yaml/edit', () => {
  it('changes exactly the bytes of the scalar, in every layout, quote style and for every value', () => {
    const cases = fc.record({
      layout: fc.constantFrom(...Object.keys(layouts)),
      old: fc.constantFrom(...styles),
      value: scalar,
    })
    fc.assert(
      fc.property(cases, ({ layout, old, value }) => {
        const [before = '', after = ''] = layouts[layout]!.split('OLD')
        const text = before + old + after
        const index = layout === 'second document' ? 1 : 0

        const edit = setScalar(text, index, path, value)

        if ('refused' in edit) throw new Error(edit.refused)
        expect(edit.text.startsWith(before) && edit.text.endsWith(after)).toBe(true)
        const data = readDocuments(edit.text, '').documents[index]?.value as { spec: { image: unknown } }
        expect(data.spec.image).toBe(value)
      }),
      { numRuns: 700 },
    )
  })

  it('keeps the quote style', () => {
    expect(setScalar("a: 'x' # c\n", 0, ['a'], "it's")).toEqual({ text: "a: 'it''s' # c\n" })
    expect(setScalar('a: "x"\n', 0, ['a'], 'y')).toEqual({ text: 'a: "y"\n' })
    expect(setScalar('a: app:1.0.0\n', 0, ['a'], 'app:1.0.1')).toEqual({ text: 'a: app:1.0.1\n' })
    expect(setScalar('a: x\n', 0, ['a'], 'no')).toEqual({ text: 'a: "no"\n' })
    expect(setScalar('a:\nb: 1\n', 0, ['a'], 5)).toEqual({ text: 'a: 5\nb: 1\n' })
  })

  it.each([
    ['an alias', 'a: &x 1\nb: *x\n', ['b']],
    ['an anchor', 'a: &x 1\nb: *x\n', ['a']],
    ['a value inside an anchored map that is used twice', 'a: &x {v: 1}\nb: *x\n', ['a', 'v']],
    ['a block of text', 'a: |\n  x\n', ['a']],
    ['a tag', 'a: !!str 5\n', ['a']],
    ['a map', 'a: {b: 1}\n', ['a']],
    ['a missing field', 'a: 1\n', ['b']],
    ['a value that came by a merge', 'a: &x {v: 1}\nb:\n  <<: *x\n', ['b', 'v']],
    ['a broken file', 'a: [\n', ['a']],
  ])('refuses %s', (_, text, where) => {
    expect(setScalar(text, 0, where, 2)).toHaveProperty('refused')
  })
})

describe('yaml/write', () => {
  it('writes what kubectl reads back as the same data, with keys in the order given', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.oneof(fc.string(), scalar.map(String)),
          fc.oneof(scalar, fc.array(scalar), fc.dictionary(fc.string(), scalar)),
        ),
        (data) => {
          const read = readDocuments(writeYaml(data), '')

          expect(read.problems).toEqual([])
          expect(JSON.stringify(read.documents[0]?.value)).toBe(JSON.stringify(data))
        },
      ),
      { numRuns: 400 },
    )
  })

  it('does not fold long lines and writes blocks', () => {
    expect(writeYaml({ b: 'word '.repeat(60), a: [{ x: 1, y1: undefined }] })).toBe(
      `b: "${'word '.repeat(60)}"\na:\n  - x: 1\n`,
    )
  })
})
