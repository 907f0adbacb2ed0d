import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { entryFiles, ledgerFiles, parseEntry, type LedgerFile } from '../../src/ledger/files.ts'
import { Problem } from '../../src/lib/problem.ts'
import { anyEntry, ledgerEntry } from '../support/ledger-world.ts'

function parseWith(file: LedgerFile, text: string | null): unknown {
  try {
    return parseEntry('test/podinfo', { ...entryFiles(ledgerEntry()), [file]: text })
  } catch (error) {
    return error
  }
}

describe('ledger/files', () => {
  test('what is written is read back, whatever it holds', () => {
    fc.assert(
      fc.property(anyEntry, (entry) => {
        expect(parseEntry('test/podinfo', entryFiles(entry))).toEqual(entry)
      }),
    )
  })

  test('the same entry gives the same bytes, also after it was read back', () => {
    fc.assert(
      fc.property(anyEntry, (entry) => {
        const files = entryFiles(entry)

        expect(entryFiles(parseEntry('test/podinfo', files))).toEqual(files)
      }),
      { numRuns: 30 },
    )
  })

  test('every file ends with a line end and holds no line of white space alone', () => {
    for (const text of Object.values(entryFiles(ledgerEntry()))) expect(text).toMatch(/^(\S|\s+\S)[^]*\n$/)
  })

  test("status.yaml shows the Canary's status in Flagger's words, with the revision and the time of the transition", () => {
    const text = entryFiles(ledgerEntry())['status.yaml']

    expect(text).toMatch(/^phase: Progressing\ncanaryWeight: 20\nfailedChecks: 0\niterations: 0\n/)
    expect(text).toContain('lastAppliedSpec: b-hash\nlastPromotedSpec: a-hash\n')
    expect(text).toContain('lastTransitionTime: "2026-01-01T12:30:15.250Z"\n')
  })

  test("a weight's change is a change of two lines in routes.yaml", () => {
    const before = entryFiles(ledgerEntry({ canaryWeight: 20 }))['routes.yaml'].split('\n')
    const after = entryFiles(ledgerEntry({ canaryWeight: 30 }))['routes.yaml'].split('\n')

    const changed = after.filter((line, index) => line !== before[index]).map((line) => line.trim())
    expect(changed).toEqual(['weight: 70', 'weight: 30'])
  })

  test.each(ledgerFiles)('a missing %s is named', (file) => {
    expect(parseWith(file, null)).toMatchObject({
      code: 'LEDGER_UNREADABLE',
      kind: 'stalled',
      place: `test/podinfo/${file}`,
      message: 'the file is missing',
    })
  })

  test.each([
    ['an empty status', 'status.yaml', '', /object/],
    ['a status that is a list', 'status.yaml', '- a\n', /object/],
    [
      'a phase that does not exist',
      'status.yaml',
      entryFiles(ledgerEntry())['status.yaml'].replace('Progressing', 'Done'),
      /phase/,
    ],
    [
      'a weight above 100',
      'status.yaml',
      entryFiles(ledgerEntry())['status.yaml'].replace(': 20', ': 120'),
      /canaryWeight/,
    ],
    [
      'a weight that is no number',
      'status.yaml',
      entryFiles(ledgerEntry())['status.yaml'].replace(': 20', ': much'),
      /canaryWeight/,
    ],
    [
      'a time that is none',
      'status.yaml',
      entryFiles(ledgerEntry())['status.yaml'].replace('2026-01-01T12', 'soon'),
      /lastTransitionTime/,
    ],
    ['text that is no YAML', 'promoted.yaml', 'commit: [a\nhash: }', /./],
    ['a promotion without a hash', 'promoted.yaml', 'commit: a\nattempt: 1\nbefore: []\n', /hash/],
    ['an object without a name', 'routes.yaml', 'apiVersion: v1\nkind: Service\nmetadata: {}\n', /no name/],
    ['a document that is no object', 'primary.yaml', 'hello\n', /no Kubernetes object/],
    ['conflict marks', 'status.yaml', '<<<<<<< HEAD\nphase: Failed\n=======\nphase: Progressing\n>>>>>>> x\n', /./],
  ] as const)('%s is a mistake with its place', (_name, file, text, message) => {
    const problem = parseWith(file, text)

    expect(problem).toBeInstanceOf(Problem)
    expect(problem).toMatchObject({ code: 'LEDGER_UNREADABLE', kind: 'stalled', place: `test/podinfo/${file}` })
    expect((problem as Problem).message).toMatch(message)
    expect((problem as Problem).message).not.toContain('\n')
  })

  test('comments and another order of fields do not matter', () => {
    const lines = entryFiles(ledgerEntry())['promoted.yaml'].trimEnd().split('\n')

    const read = parseWith('promoted.yaml', `# looked at by a person\n${lines.toReversed().join('\n')}\n`)

    expect(read).toEqual(ledgerEntry())
  })
})
