import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ClusterCache } from '../../../src/cluster/cache.ts'
import { createClient } from '../../../src/cluster/client.ts'
import type { ApiResponse } from '../../../src/cluster/transport.ts'
import { stringAt } from '../../../src/lib/json.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import type { Problem } from '../../../src/lib/problem.ts'
import { configMap } from './objects-made.ts'
import { expectStatus, type Installed, type ServerUnderTest, serverUnderTest } from './server.ts'
import { hastyClock, wire } from './wire.ts'

const closing: (() => void)[] = []
let server: ServerUnderTest
let note: Installed
beforeAll(async () => {
  server = await serverUnderTest()
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  note = await server.install({ kind: 'Note', versions: [{ name: 'v1', served: true, storage: true, schema }] })
})
afterEach(() => {
  for (const close of closing.splice(0)) close()
})
afterAll(() => server.close())

const maps = { apiVersion: 'v1', kind: 'ConfigMap' }
const map = (name: string): string => server.path(`configmaps/${name}`)
const create = (name: string): Promise<unknown> =>
  expectStatus(server.send('POST', server.path('configmaps'), configMap(name, { k: '0' })), 201)
const set = (name: string, k: string): Promise<unknown> => expectStatus(server.merge(map(name), { data: { k } }), 200)
const isList = (path: string): boolean => !path.includes('watch=') && path.includes('/configmaps')

/**
 * A cache over a wire, and what it told: `name=value`, or `name gone`, as it stood at each call. That the cluster is back
 * is told as a change of everything: what is told again as it was before counts once.
 */
function follow() {
  const line = wire(server.transport)
  const { clock, slept } = hastyClock()
  const problems: Problem[] = []
  const client = createClient(line.transport)
  const onProblem = (problem: Problem): void => void problems.push(problem)
  const cache = new ClusterCache({ client, clock, fieldManagers: [], random: () => 0, onProblem })
  const told: string[] = []
  const last = new Map<string, string>()
  cache.onChange((ref) => {
    const seen: KubeObject | undefined = cache.get(ref)
    const state = `${ref.name}${seen === undefined ? ' gone' : `=${stringAt(seen, 'data', 'k') ?? ''}`}`
    if (last.get(ref.name) !== state) told.push(state)
    last.set(ref.name, state)
  })
  closing.push(() => cache.stop())
  const value = (name: string): string | undefined =>
    stringAt(cache.get({ ...maps, namespace: server.namespace, name }), 'data', 'k')
  return { ...line, cache, told, problems, slept, value }
}

const tooMany: ApiResponse = {
  status: 429,
  body: { kind: 'Status', message: 'too many requests', reason: 'TooManyRequests', code: 429 },
  retryAfterMs: 7000,
}
const broken: ApiResponse = { status: 500, body: { kind: 'Status', message: 'etcd is away', code: 500 } }

describe('API conformance: what Serin follows', () => {
  it('stays whole when the watch is cut: nothing is missed, nothing goes back', async () => {
    await create('cut')
    const here = follow()
    await here.cache.ensure(maps, server.namespace)
    here.told.length = 0

    for (let round = 1; round <= 5; round += 1) {
      if (round % 2 === 0) here.cut()
      await set('cut', String(round))
      await server.until('it is seen', async () => here.value('cut') === String(round))
    }
    here.cut()
    await server.send('DELETE', map('cut'))
    await server.until('it is seen', async () => here.value('cut') === undefined)

    expect(here.told.filter((one) => one.startsWith('cut'))).toEqual([
      'cut=1',
      'cut=2',
      'cut=3',
      'cut=4',
      'cut=5',
      'cut gone',
    ])
    expect(here.problems.every(({ kind }) => kind === 'retry')).toBe(true)
  })

  it('lists anew when its version is too old, and sees what changed, came and went meanwhile', async () => {
    const kind = { apiVersion: `${note.group}/v1`, kind: 'Note' }
    const path = (name = ''): string => server.path(kind.apiVersion, `${note.plural}${name}`)
    const body = (name: string, k: string) => ({ ...kind, metadata: { name }, data: { k } })
    for (const name of ['stays', 'goes', 'changes'])
      await expectStatus(server.send('POST', path(), body(name, '0')), 201)
    const here = follow()
    await here.cache.ensure(kind, server.namespace)
    here.told.length = 0

    const release = here.hold()
    server.forget()
    here.ageNextWatch('1')
    await server.merge(path('/changes'), { data: { k: '1' } })
    await server.send('DELETE', path('/goes'))
    await expectStatus(server.send('POST', path(), body('comes', '0')), 201)
    here.cut()
    release()
    const names = (): readonly string[] =>
      here.cache.list(kind.apiVersion, kind.kind).map(({ metadata }) => metadata.name)
    await server.until('all is seen', async () => names().includes('comes') && !names().includes('goes'))

    expect(here.told.toSorted()).toEqual(['changes=1', 'comes=0', 'goes gone'])
    expect(
      here.requests.filter((one) => one.includes('resourceVersion=1&') || one.endsWith('resourceVersion=1')),
    ).toHaveLength(1)
    expect(here.cache.status()[0]?.problem).toBeUndefined()
  })

  it('waits as long as the server asks for with 429, then goes on', async () => {
    const here = follow()
    here.answer(2, ({ path }, isWatch) => !isWatch && isList(path), tooMany)

    await expect(here.cache.ensure(maps, server.namespace)).rejects.toMatchObject({ kind: 'retry' })
    await server.until('it is known', async () => here.cache.synced)

    expect(here.problems).toHaveLength(2)
    expect(Math.min(...here.slept)).toBeGreaterThanOrEqual(7000)
  })

  it('goes on after 429 and 500 in a watch, from where it was', async () => {
    await create('disturbed')
    const here = follow()
    await here.cache.ensure(maps, server.namespace)
    here.told.length = 0

    here.answer(1, (_request, isWatch) => isWatch, tooMany)
    here.answer(2, (_request, isWatch) => isWatch, broken)
    here.cut()
    await set('disturbed', '1')
    await server.until('it is seen', async () => here.value('disturbed') === '1')

    expect(here.told.filter((one) => one.startsWith('disturbed'))).toEqual(['disturbed=1'])
    expect(here.requests.filter((one) => one.startsWith('GET') && isList(one))).toHaveLength(1)
    expect(here.slept.some((ms) => ms >= 7000)).toBe(true)
    expect(here.problems.length).toBeGreaterThanOrEqual(3)
  })

  it('takes up a kind that is installed later', async () => {
    const here = follow()
    const late = { apiVersion: 'late.example.com/v1', kind: 'Late' }

    await expect(here.cache.ensure(late)).rejects.toMatchObject({ code: 'CLUSTER_KIND_MISSING' })
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
    const versions = [{ name: 'v1', served: true, storage: true, schema }]
    const installed = await server.install({ kind: 'Late', versions })
    const found = { apiVersion: `${installed.group}/v1`, kind: 'Late' }
    await server.until('it is known', async () => {
      await here.cache.ensure(found, server.namespace).catch(() => undefined)
      return here.cache.knows(found, server.namespace)
    })

    expect(here.cache.list(found.apiVersion, 'Late', server.namespace)).toEqual([])
  })

  it('reads lists in pages, and in one piece when a page came too late', async () => {
    for (const name of ['paged-a', 'paged-b']) await create(name)
    const here = follow()
    const expired: ApiResponse = { status: 410, body: { kind: 'Status', reason: 'Expired', code: 410 } }
    const list = await createClient(server.transport).list(maps, { namespace: server.namespace })
    // Nothing here has more than one page of 500: let the first say that there is more.
    here.answer(1, ({ path }) => path.includes('limit=500'), {
      status: 200,
      body: { kind: 'ConfigMapList', metadata: { resourceVersion: '1', continue: 'next' }, items: [configMap('old')] },
    })
    here.answer(1, ({ path }) => path.includes('continue=next'), expired)

    await here.cache.ensure(maps, server.namespace)

    const names = here.cache.list('v1', 'ConfigMap').map(({ metadata }) => metadata.name)
    expect(names.toSorted()).toEqual(list.items.map(({ metadata }) => metadata.name).toSorted())
  })
})
