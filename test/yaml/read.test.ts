import { describe, expect, it } from 'vitest'
import { MAX_YAML_SIZE, readDocuments } from '../../src/yaml/read.ts'

const valuesOf = (text: string): unknown[] => readDocuments(text, 'a.yaml').documents.map(({ value }) => value)
const problemsOf = (text: string): string[] => readDocuments(text, 'a.yaml').problems.map(String)

describe('yaml/read', () => {
  it.each([
    ['yes', true],
    ['on', true],
    ['y', true],
    ['N', false],
    ['off', false],
    ['0755', 493],
    ['0o755', 493],
    ['0b11', 3],
    ['-0x1F', -31],
    ['1_000', 1000],
    ['08', 8],
    ['0779', 779],
    ['1.', 1],
    ['.5', 0.5],
    ['1e3', 1000],
    ['-0', 0],
    ['_1', '_1'],
    ['+.5', 0.5],
    ['1e', '1e'],
    ['12:30:45', '12:30:45'],
    ['2026-01-01', '2026-01-01'],
    ['6.0.1', '6.0.1'],
    ['=', '='],
    ['~', null],
    ['"yes"', 'yes'],
    ['!!str 123', '123'],
    ['!!binary aGVsbG8=', 'hello'],
    ['!Ref foo', 'foo'],
  ])('reads %s as kubectl does', (text, value) => {
    expect(valuesOf(`a: ${text}`)).toEqual([{ a: value }])
  })

  it('reads keys as kubectl does', () => {
    expect(valuesOf('y: 1\n0755: 2\n8080: 3\n1.50: 4')).toEqual([{ true: 1, '493': 2, '8080': 3, '1.5': 4 }])
  })

  it('merges maps at <<', () => {
    expect(valuesOf('a: &a {x: 1, y1: 2}\nb:\n  <<: *a\n  x: 3')).toEqual([{ a: { x: 1, y1: 2 }, b: { x: 3, y1: 2 } }])
  })

  it('reads many documents and skips the empty ones', () => {
    expect(valuesOf('# only a comment\n---\na: 1\n---\n\n--- # again\nb: 2\n...\n---\n')).toEqual([{ a: 1 }, { b: 2 }])
  })

  it('reads JSON, Windows line ends and a byte order mark', () => {
    expect(valuesOf('\uFEFFa: 1\r\n---\r\nb: |\r\n  x\r\n  y\r\n')).toEqual([{ a: 1 }, { b: 'x\ny\n' }])
    expect(valuesOf('{"a": [1, "x\\u00e9"]}')).toEqual([{ a: [1, 'xé'] }])
  })

  it('keeps directives with their document', () => {
    expect(valuesOf('%YAML 1.2\n---\na: 1\n')).toEqual([{ a: 1 }])
  })

  it('reads the documents around a broken one and names its line', () => {
    const file = readDocuments('a: 1\n---\nb: "never closed\n---\nc: [1, 2\n---\nd: 4\n', 'dir/a.yaml')

    expect(file.documents.map(({ value }) => value)).toEqual([{ a: 1 }, { d: 4 }])
    expect(file.documents.map(({ index }) => index)).toEqual([0, 3])
    expect(file.problems[0]?.place).toMatch(/^dir\/a\.yaml:[34]:\d+$/)
    expect(file.problems.some(({ place }) => /^dir\/a\.yaml:[56]:/.test(place ?? ''))).toBe(true)
  })

  it('says which key is there twice, the same key in two spellings included', () => {
    expect(problemsOf('a: 1\nb: 2\na: 3')).toEqual([
      'a.yaml:3:1: map keys must be unique (keep one of them: readers disagree on which one wins)',
    ])
    expect(problemsOf('1: a\n"1": b')).toHaveLength(1)
  })

  it('refuses what JSON can not hold', () => {
    expect(problemsOf('a: .nan')).toEqual(['a.yaml:1:4: .nan is no number that JSON has'])
    expect(problemsOf('a:\n  {{ b }}: 1')[0]).toContain('template that was not rendered')
  })

  it('refuses alias bombs, deep nests and huge files', () => {
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
    for (let n = 1; n < 9; n++)
      bomb.push(
        `a${n}: &a${n} [${Array<string>(9)
          .fill(`*a${n - 1}`)
          .join(', ')}]`,
      )

    expect(problemsOf(bomb.join('\n'))[0]).toContain('alias')
    expect(problemsOf('['.repeat(6000))).not.toEqual([])
    expect(problemsOf('[{a: '.repeat(6000))).not.toEqual([])
    expect(problemsOf('#'.repeat(MAX_YAML_SIZE + 1))[0]).toContain('more than')
  })

  it('finds the line of a value, of a key, and of the nearest place above a missing field', () => {
    const [, second] = readDocuments(
      'x: 1\n---\nspec:\n  list:\n  - name: a\n  - name: b\n  empty:\n',
      'a.yaml',
    ).documents
    const placeOf = second!.placeOf

    expect(placeOf(['spec', 'list', 1, 'name'])).toBe('a.yaml:6:11')
    expect(placeOf(['spec', 'list', 1, 'name'], 'key')).toBe('a.yaml:6:5')
    expect(placeOf(['spec', 'empty'])).toBe('a.yaml:7:3')
    expect(placeOf(['spec', 'list', 1, 'nope', 'deeper'])).toBe('a.yaml:6:5')
    expect(placeOf(['spec', 'nope'])).toBe('a.yaml:3:1')
  })
})
