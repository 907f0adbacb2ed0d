import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, isObject, type Json } from '../../src/lib/json.ts'
import { readDocuments } from '../../src/yaml/read.ts'
import { restoreDocument } from '../../src/yaml/restore.ts'
import { writeYaml } from '../../src/yaml/write.ts'

const isDeployment = (value: Json): boolean => isObject(value) && value['kind'] === 'Deployment'

const older = `# podinfo
apiVersion: apps/v1
kind: Deployment
metadata: {name: podinfo}
spec:
  template:
    spec:
      containers:
        - name: app
          image: app:1.0.0 # the image
---
kind: ConfigMap
metadata: {name: settings}
data: {colour: blue}
`

describe('yaml/restore', () => {
  it('changes one line back where one scalar differs, and keeps later comments and other documents', () => {
    const current = older
      .replace('app:1.0.0 # the image', 'app:2.0.0 # bumped by a person')
      .replace('{colour: blue}', '{colour: red} # later')

    const edit = restoreDocument(current, older, isDeployment)

    expect(edit).toEqual({ text: current.replace('app:2.0.0', 'app:1.0.0') })
  })

  it('replaces the document where its shape changed, and nothing else', () => {
    const current = older
      .replace('          image: app:1.0.0 # the image\n', '          image: app:2.0.0\n          env: []\n')
      .replace('blue', 'red')

    const edit = restoreDocument(current, older, isDeployment)

    expect(edit).toEqual({ text: older.replace('blue', 'red') })
  })

  it('replaces a document that moved to another place in the file, with its separator and line ends', () => {
    const [deployment = '', config = ''] = older.split('---\n')
    const crlf = (text: string): string => text.replaceAll('\n', '\r\n')
    const changed = deployment.replace('containers:', 'hostNetwork: true\n      containers:').trimEnd()
    const current = crlf(`${config}--- # the workload\n${changed}`)

    const edit = restoreDocument(current, older, isDeployment)

    expect(edit).toEqual({ text: crlf(`${config}--- # the workload\n${deployment.trimEnd()}`) })
  })

  it('keeps comments that were added since, also where the shape changed', () => {
    const current = older
      .replace('# podinfo', '# podinfo, by team blue')
      .replace('spec:\n  template', 'spec:\n  # two are enough\n  replicas: 2\n\n  # the pods\n  template')

    const edit = restoreDocument(current, older, isDeployment)

    expect(edit).toEqual({ text: current.replace('  # two are enough\n  replicas: 2\n', '  # two are enough\n') })
  })

  it('gives the chosen document its old data and leaves every other byte alone, whatever the data', () => {
    const data = fc.dictionary(
      fc.stringMatching(/^[a-z]{1,3}$/),
      fc.oneof(
        fc.constantFrom('yes', '0755', 'a: b', 'x #y', 'two\nlines\n', ''),
        fc.integer(),
        fc.array(fc.constantFrom(1, 'a', true, null), { maxLength: 4 }),
        fc.dictionary(fc.stringMatching(/^[a-z]{1,2}$/), fc.string(), { maxKeys: 4 }),
      ),
    )
    const layout = fc.record({
      past: data,
      now: data,
      crlf: fc.boolean(),
      mark: fc.boolean(),
      isFirst: fc.boolean(),
      isLast: fc.boolean(),
      ends: fc.boolean(),
      comment: fc.boolean(),
    })
    fc.assert(
      fc.property(layout, ({ past, now, crlf, mark, isFirst, isLast, ends, comment }) => {
        const inFile = (text: string): string => (crlf ? text.replaceAll('\n', '\r\n') : text)
        const target = (spec: unknown): string => writeYaml({ kind: 'Deployment', metadata: { name: 'a' }, spec })
        const before = (mark ? '\uFEFF' : '') + inFile(isFirst ? '' : 'kind: A # first\nx: [ 1,2 ]\n--- # next\n')
        const after = inFile(isLast ? '' : '---\n# last\nkind:   B\n')
        let middle = inFile(target(now) + (comment ? '# trailing\n' : ''))
        if (isLast && !ends) middle = middle.trimEnd()

        const edit = restoreDocument(before + middle + after, `kind: C\n---\n${target(past)}`, isDeployment)

        if ('refused' in edit) throw new Error(edit.refused)
        expect(edit.text.startsWith(before) && edit.text.endsWith(after)).toBe(true)
        const found = readDocuments(edit.text, '').documents.find(({ value }) => isDeployment(value))
        expect(canonicalJson(found?.value)).toBe(
          canonicalJson({ kind: 'Deployment', metadata: { name: 'a' }, spec: past }),
        )
        if (comment) expect(edit.text).toContain('# trailing')
      }),
      { numRuns: 200 },
    )
  })

  it('does nothing where the data is the same', () => {
    const current = older.replace('# podinfo', '# said otherwise')

    expect(restoreDocument(current, older, isDeployment)).toEqual({ text: current })
  })

  it('restores several chosen documents at once', () => {
    const current = older.replace('app:1.0.0', 'app:2.0.0').replace('{colour: blue}', '{colour: red, size: 1}')

    expect(restoreDocument(current, older, () => true)).toEqual({ text: older })
  })

  it.each([
    ['the document is gone now', older.split('---\n')[1]!, older],
    ['the document was not there then', older, older.split('---\n')[1]!],
    ['the file does not parse', `${older}---\na: [`, older],
    ['the document is there twice', `${older}---\n${older}`, older],
    ['its data hangs on an anchor of the file', older.replace('app:1.0.0', '*x'), older],
  ])('refuses when %s', (_, current, then) => {
    expect(restoreDocument(current, then, isDeployment)).toHaveProperty('refused')
  })
})
