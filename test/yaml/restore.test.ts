import { describe, expect, it } from 'vitest'
import { isObject, type Json } from '../../src/lib/json.ts'
import { restoreDocument } from '../../src/yaml/restore.ts'

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

    expect(edit).toEqual({ text: crlf(`${config}--- # the workload\n${deployment}`) })
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
