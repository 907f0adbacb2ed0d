import { describe, expect, test } from 'vitest'
import { ledgerBranch } from '../../../src/cli/stage/staged-serin.ts'
import type { OutsideCall } from '../../../src/cli/stage/outside.ts'
import { createVirtualStage, type RunningSerin, type VirtualStage } from '../../../src/cli/stage/virtual-stage.ts'
import { meshDefinitions } from '../../../src/playground/mesh-definitions.ts'
import { readDocuments } from '../../../src/yaml/read.ts'
import type { JsonObject } from '../../../src/lib/json.ts'
import { namespace as usual } from '../namespace.ts'
import { canary, manifest } from './world.ts'

interface Told {
  readonly level: 'info' | 'warn'
  readonly message: string
  readonly fields: object
}

const podinfo = (namespace: string, tag: string): string =>
  `${manifest(tag)}---\n${canary({ spec: { autoscalerRef: undefined } })}`.replaceAll(
    `namespace: ${usual}`,
    `namespace: ${namespace}`,
  )

/** podinfo in the namespaces a and b, and what Serins do with it. */
async function twoTeams() {
  const calls: OutsideCall[] = []
  const told: Told[] = []
  const say =
    (level: Told['level']) =>
    (fields: object, message: string): void =>
      void told.push({ level, message, fields })
  const stage = await createVirtualStage({
    seed: 1,
    startMs: Date.UTC(2026, 0, 1),
    files: {
      'namespaces.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n',
      'a.yaml': podinfo('a', 'good-0'),
      'b.yaml': podinfo('b', 'good-0'),
      'config.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  namespace: b\n',
    },
    definitions: meshDefinitions(),
    log: { debug: () => {}, info: say('info'), warn: say('warn'), error: say('warn') },
    minIntervalMs: 1000,
    fateOf: (call) => {
      calls.push(call)
      return { kind: 'pass' }
    },
    metrics: () => ({ query: async () => ({ kind: 'value', value: 99.9 }) }),
  })
  for (const name of ['a', 'b', 'c']) {
    create(stage, '/api/v1/namespaces', `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ${name}\n`)
  }
  const until = async (holds: () => boolean): Promise<void> => {
    expect(await stage.clock.run(10 * 60_000, holds)).toBe(true)
  }
  return { stage, calls, told, until }
}

function create({ cluster }: VirtualStage, path: string, yaml: string): void {
  const body = readDocuments(yaml, 'stdin').documents[0]?.value as JsonObject
  const { status } = cluster.serve({ method: 'POST', path, body, userAgent: 'kubectl' })
  if (status >= 300) throw new Error(`POST ${path} was answered ${status}`)
}

function phase({ reconciler }: RunningSerin, key: string): string | undefined {
  return reconciler.keeper.entry(key)?.state.phase
}

function deployments({ cluster }: VirtualStage, namespace: string): readonly string[] {
  return cluster.list('apps/v1', 'Deployment', namespace).map(({ metadata }) => metadata.name)
}

/** Requests and watches that go to anything but the named namespaces and the discovery of kinds. */
function outside(calls: readonly OutsideCall[], namespaces: readonly string[]): readonly string[] {
  const allowed = namespaces.map((name) => `/namespaces/${name}/`)
  return calls
    .filter(({ to }) => to === 'api' || to === 'watch')
    .map(({ text }) => text)
    .filter((text) => !allowed.some((path) => text.includes(path)))
    .filter((text) => !/^GET \/(?:api\/v1|apis\/[\w.-]+\/\w+)$/.test(text))
}

describe('scenarios: namespaces', () => {
  test('watches and writes nothing outside of them, so that a Role in each of them is enough', async () => {
    const { stage, calls, told, until } = await twoTeams()
    const serin = stage.start({ namespaces: ['a', 'c'] })
    await until(() => phase(serin, 'a/podinfo') === 'Initialized')
    create(stage, '/apis/apps/v1/namespaces/c/deployments', podinfo('c', 'good-0'))
    create(stage, '/apis/flagger.app/v1beta1/namespaces/c/canaries', podinfo('c', 'good-0').split('---\n')[1] ?? '')
    await until(() => phase(serin, 'c/podinfo') === 'Initialized')
    stage.commit({ 'a.yaml': podinfo('a', 'good-1'), 'b.yaml': podinfo('b', 'good-1') }, 'Release')
    await until(() => phase(serin, 'a/podinfo') === 'Succeeded')

    expect(outside(calls, ['a', 'c'])).toEqual([])
    expect(deployments(stage, 'b')).toEqual([])
    expect(serin.reconciler.keeper.keys()).toEqual(['a/podinfo', 'c/podinfo'])
    const left = told.filter(({ message }) => message === 'canaries of other namespaces are left alone')
    expect(left.map(({ fields }) => fields)).toMatchObject([{ canaries: ['b/podinfo'] }])
    expect(told.filter(({ level }) => level === 'warn')).toEqual([])
  })

  test('leaves a Canary alone that somebody applies to another one', async () => {
    const { stage, until } = await twoTeams()
    const serin = stage.start({ namespaces: ['a'] })
    await until(() => phase(serin, 'a/podinfo') === 'Initialized')
    create(stage, '/apis/apps/v1/namespaces/b/deployments', podinfo('b', 'good-0'))
    create(stage, '/apis/flagger.app/v1beta1/namespaces/b/canaries', podinfo('b', 'good-0').split('---\n')[1] ?? '')
    await stage.clock.run(60_000)

    expect(deployments(stage, 'b')).toEqual(['podinfo'])
    const [live] = stage.cluster.list('flagger.app/v1beta1', 'Canary', 'b')
    expect(live?.status).toBeUndefined()
  })

  test('are shared by two Serins of one repository and ledger: each looks after its own', async () => {
    const { stage, calls, until } = await twoTeams()
    const one = stage.start({ namespaces: ['a'] })
    const other = stage.start({ namespaces: ['b'] })
    await until(() => phase(one, 'a/podinfo') === 'Initialized' && phase(other, 'b/podinfo') === 'Initialized')

    stage.commit({ 'a.yaml': podinfo('a', 'good-1'), 'b.yaml': podinfo('b', 'good-1') }, 'Release')
    await until(() => phase(one, 'a/podinfo') === 'Succeeded' && phase(other, 'b/podinfo') === 'Succeeded')
    await stage.clock.run(60_000)

    expect(
      outside(
        calls.filter((call) => call.process === 1),
        ['a'],
      ),
    ).toEqual([])
    expect(
      outside(
        calls.filter((call) => call.process === 2),
        ['b'],
      ),
    ).toEqual([])
    const promotions = stage.remote.log(ledgerBranch).filter(({ message }) => message.startsWith('Promotion completed'))
    expect(promotions).toHaveLength(2)
    const files = stage.remote.files(ledgerBranch)
    expect([...files.keys()].filter((path) => path.endsWith('/status.yaml'))).toEqual([
      'a/podinfo/status.yaml',
      'b/podinfo/status.yaml',
    ])
    expect(stage.cluster.list('v1', 'ConfigMap', 'b').map(({ metadata }) => metadata.name)).toContain('settings')
  })

  test('have each an answer of their own to what a person breaks on the ledger', async () => {
    const { stage, until } = await twoTeams()
    const one = stage.start({ namespaces: ['a'] })
    const other = stage.start({ namespaces: ['b'] })
    await until(() => phase(one, 'a/podinfo') === 'Initialized' && phase(other, 'b/podinfo') === 'Initialized')
    await stage.clock.run(10_000)

    const edit = new Map([['b/podinfo/status.yaml', 'phase: Happy\n']])
    stage.remote.commit(ledgerBranch, edit, 'Tidy up\n', { name: 'Ada', email: 'ada@example.com' }, stage.clock.now())
    await stage.clock.run(30_000)

    const subjects = stage.remote.log(ledgerBranch).map(({ message }) => message.split('\n', 1)[0])
    expect(subjects.slice(subjects.indexOf('Tidy up') + 1)).toEqual(['Keep b/podinfo as recorded'])
  })
})
