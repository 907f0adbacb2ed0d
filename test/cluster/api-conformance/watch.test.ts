import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { at, stringAt } from '../../../src/lib/json.ts'
import { configMap } from './objects-made.ts'
import { expectStatus, namesOf, refusal, type ServerUnderTest, serverUnderTest, versionOf } from './server.ts'

let server: ServerUnderTest
beforeAll(async () => {
  server = await serverUnderTest()
})
afterAll(() => server.close())

const maps = (query = ''): string => server.path(`configmaps${query}`)
const map = (name: string): string => server.path(`configmaps/${name}`)
const create = (name: string, labels: Readonly<Record<string, string>> = {}): Promise<unknown> =>
  expectStatus(server.send('POST', maps(), configMap(name, {}, { labels })), 201)
const currentVersion = async (): Promise<string> => versionOf((await server.send('GET', maps())).body)

describe('API conformance: watch', () => {
  it('tells what happens after a version, also what happened before it was opened', async () => {
    const from = await currentVersion()
    await create('replayed', { group: 'replay' })

    const tap = await server.watch(maps(`?watch=1&resourceVersion=${from}&labelSelector=group%3Dreplay`))
    await server.merge(map('replayed'), { data: { k: '1' } })
    await server.send('DELETE', map('replayed'))
    const lines = await tap.have(3)

    expect(tap.told()).toEqual(['ADDED replayed', 'MODIFIED replayed', 'DELETED replayed'])
    expect(at(lines[1]?.object, 'data')).toEqual({ k: '1' })
    expect(Number(versionOf(lines[2]?.object))).toBeGreaterThan(Number(versionOf(lines[1]?.object)))
  })

  it('begins with what is there, from version 0 and without one', async () => {
    for (const name of ['there-a', 'there-b']) await create(name, { group: 'there' })
    await server.until('the server has seen both', async () => {
      const { body } = await server.send('GET', maps('?resourceVersion=0&labelSelector=group%3Dthere'))
      return namesOf(body).length === 2
    })

    for (const version of ['&resourceVersion=0', '']) {
      const tap = await server.watch(maps(`?watch=true&labelSelector=group%3Dthere${version}`))
      await tap.have(2)
      expect([...tap.told()].toSorted()).toEqual(['ADDED there-a', 'ADDED there-b'])
    }
  })

  it('takes leaving the selection for a deletion, and entering it for a creation', async () => {
    await create('moving', { group: 'moving', on: 'yes' })
    const from = await currentVersion()
    const tap = await server.watch(maps(`?watch=1&resourceVersion=${from}&labelSelector=group%3Dmoving,on%3Dyes`))

    await server.merge(map('moving'), { metadata: { labels: { on: 'no' } } })
    await server.merge(map('moving'), { data: { k: 'unseen' } })
    const last = await server.merge(map('moving'), { metadata: { labels: { on: 'yes' } } })
    const lines = await tap.have(2)

    expect(tap.told()).toEqual(['DELETED moving', 'ADDED moving'])
    expect(versionOf(lines[1]?.object)).toBe(versionOf(last.body))
    expect(stringAt(lines[0]?.object, 'metadata', 'labels', 'on')).toBe('yes')
  })

  it('follows one name', async () => {
    await create('one-name')
    const from = await currentVersion()
    const tap = await server.watch(maps(`?watch=1&resourceVersion=${from}&fieldSelector=metadata.name%3Done-name`))

    await create('other-name')
    await server.merge(map('one-name'), { data: { k: '1' } })
    await tap.have(1)

    expect(tap.told()).toEqual(['MODIFIED one-name'])
  })

  it('tells nothing of a write that changed nothing', async () => {
    await create('quiet', { group: 'quiet' })
    const from = await currentVersion()
    const tap = await server.watch(maps(`?watch=1&resourceVersion=${from}&labelSelector=group%3Dquiet`))

    await server.merge(map('quiet'), {})
    await server.merge(map('quiet'), { data: { k: '1' } })
    await tap.have(1)

    expect(tap.told()).toEqual(['MODIFIED quiet'])
  })

  it('shows an object that finalizers hold as modified, then as deleted', async () => {
    const body = configMap('held', {}, { labels: { group: 'held' }, finalizers: ['conformance.example.com/x'] })
    await expectStatus(server.send('POST', maps(), body), 201)
    const from = await currentVersion()
    const tap = await server.watch(maps(`?watch=1&resourceVersion=${from}&labelSelector=group%3Dheld`))

    await server.send('DELETE', map('held'))
    await server.merge(map('held'), { metadata: { finalizers: null } })
    await tap.have(2)

    expect(tap.told()).toEqual(['MODIFIED held', 'DELETED held'])
  })

  it('ends after its time with a plain end of the stream, and with a bookmark before it where one is wanted', async () => {
    const from = await currentVersion()
    const query = `?watch=1&resourceVersion=${from}&timeoutSeconds=1&labelSelector=group%3Dnone`

    const plain = await server.watch(maps(query))
    const marked = await server.watch(maps(`${query}&allowWatchBookmarks=true`))
    await Promise.all([plain.ended, marked.ended])

    expect(plain.lines).toEqual([])
    expect(marked.told().filter((line) => line !== 'BOOKMARK')).toEqual([])
    for (const { object } of marked.lines) {
      expect(Number(versionOf(object))).toBeGreaterThanOrEqual(Number(from))
      expect(stringAt(object, 'kind')).toBe('ConfigMap')
    }
  })

  it('refuses what it cannot follow', async () => {
    const told = [
      await server.send('GET', maps('?watch=1&resourceVersion=nonsense')),
      await server.send('GET', maps('?watch=1&labelSelector=a%20b')),
      await server.send('GET', maps('?watch=1&fieldSelector=data.x%3Dy')),
      await server.send('GET', server.path('nothings?watch=1')),
    ]

    // A bad version of a watch was 400 before it became the server's own fault.
    expect(told.slice(1).map(({ status }) => status)).toEqual([400, 400, 404])
    expect([400, 500]).toContain(told[0]?.status)
  })

  it('begins with what is there and a bookmark that says so when asked for initial events (from 1.27)', async () => {
    await create('initial', { group: 'initial' })
    const query =
      '?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=group%3Dinitial'
    if (server.minor < 27) {
      expect((await server.send('GET', maps(`${query}&timeoutSeconds=1`))).status).toBe(422)
      return
    }

    const tap = await server.watch(maps(query))
    const lines = await tap.have(2)

    expect(tap.told()).toEqual(['ADDED initial', 'BOOKMARK'])
    expect(at(lines[1]?.object, 'metadata', 'annotations')).toEqual({ 'k8s.io/initial-events-end': 'true' })
  })

  it('says 410 for a version that it no longer remembers, in the stream or as the answer', async () => {
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
    const versions = [{ name: 'v1', served: true, storage: true, schema }]
    const { group, plural } = await server.install({ kind: 'Forgotten', versions })
    server.forget()
    // What was before the definition is not remembered for its objects. After that the stream ends by itself.
    const { status, body } = await server.send('GET', `/apis/${group}/v1/${plural}?watch=1&resourceVersion=1`)

    const told = typeof body === 'string' ? JSON.parse(body.split('\n')[0] ?? '') : body
    const answer = at(told, 'type') === 'ERROR' ? at(told, 'object') : told
    expect([200, 410]).toContain(status)
    expect(answer).toMatchObject({ kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 })
    expect(stringAt(answer, 'message')).toMatch(/^too old resource version: 1 \(\d+\)$/)
  })
})

describe('API conformance: lists', () => {
  it('come in pages that show one state, with the number of what is left', async () => {
    const names = Array.from({ length: 5 }, (_, index) => `page-${index}`)
    const path = server.path('secrets')
    for (const name of names) {
      await expectStatus(server.send('POST', path, { apiVersion: 'v1', kind: 'Secret', metadata: { name } }), 201)
    }
    const whole = namesOf((await server.send('GET', path)).body).length

    const first = await server.send('GET', `${path}?limit=2`)
    const token = stringAt(first.body, 'metadata', 'continue') ?? ''
    await server.send('DELETE', `${path}/page-4`)
    const rest = await server.send('GET', `${path}?limit=100&continue=${encodeURIComponent(token)}`)

    expect(at(first.body, 'metadata', 'remainingItemCount')).toBe(whole - 2)
    const items = [first, rest].flatMap(({ body }) => namesOf(body))
    expect(items.filter((name) => name.startsWith('page-'))).toEqual(names)
    expect(stringAt(rest.body, 'metadata', 'continue') ?? '').toBe('')
    expect(versionOf(rest.body)).toBe(versionOf(first.body))
    const selected = await server.send('GET', `${path}?limit=1&labelSelector=!nothing`)
    expect(at(selected.body, 'metadata', 'remainingItemCount')).toBeUndefined()
  })

  it('refuse tokens that they did not make, and a version beside a token', async () => {
    const broken = await server.send('GET', maps('?limit=1&continue=nonsense'))
    for (const name of ['token-a', 'token-b']) await create(name)
    const { body } = await server.send('GET', maps('?limit=1'))
    const token = encodeURIComponent(stringAt(body, 'metadata', 'continue') ?? '')
    const both = await server.send('GET', maps(`?limit=1&continue=${token}&resourceVersion=5`))

    expect(refusal(broken).slice(0, 2)).toEqual([400, 'BadRequest'])
    expect(refusal(broken)[2]).toMatch(/continue key is not valid/)
    expect(refusal(both)[0]).toBe(400)
    expect(refusal(both)[2]).toMatch(/specifying resource version is not allowed when using continue/)
  })

  it('go on from a token as long as its state is remembered, else say 410', async () => {
    for (const name of ['expire-a', 'expire-b']) await create(name)
    const first = await server.send('GET', maps('?limit=1'))
    const token = encodeURIComponent(stringAt(first.body, 'metadata', 'continue') ?? '')
    await create('expire-c')
    server.forget()

    const next = await server.send('GET', maps(`?limit=500&continue=${token}`))

    // A real server compacts every five minutes: nothing to wait for here.
    if (server.isReal) expect(next.status).toBe(200)
    else expect(refusal(next).slice(0, 2)).toEqual([410, 'Expired'])
  })

  it('select by labels in every form', async () => {
    await create('label-1', { set: 'labels', env: 'prod', tier: 'web' })
    await create('label-2', { set: 'labels', env: 'test' })
    await create('label-3', { set: 'labels', tier: 'db' })
    const select = async (selector: string): Promise<readonly string[]> => {
      const { body } = await server.send('GET', maps(`?labelSelector=${encodeURIComponent(`set=labels,${selector}`)}`))
      return namesOf(body).map((name) => name.slice(-1))
    }

    expect(await select('env=prod')).toEqual(['1'])
    expect(await select('env==prod')).toEqual(['1'])
    expect(await select('env!=prod')).toEqual(['2', '3'])
    expect(await select('env in (prod, test)')).toEqual(['1', '2'])
    expect(await select('env notin (prod)')).toEqual(['2', '3'])
    expect(await select('env')).toEqual(['1', '2'])
    expect(await select('!env')).toEqual(['3'])
    expect(await select('tier,env')).toEqual(['1'])
    expect(await select('tier=')).toEqual([])
    for (const bad of ['a b', 'a in', 'a=b=c', '=b', '-a']) {
      expect((await server.send('GET', maps(`?labelSelector=${encodeURIComponent(bad)}`))).status, bad).toBe(400)
    }
  })

  it('select by the fields that a kind allows', async () => {
    await create('field-a')
    const named = await server.send('GET', maps('?fieldSelector=metadata.name%3Dfield-a'))
    const other = await server.send('GET', maps('?fieldSelector=data.k%3Dv'))

    expect(namesOf(named.body)).toEqual(['field-a'])
    expect(refusal(other).slice(0, 2)).toEqual([400, 'BadRequest'])
    expect(refusal(other)[2]).toMatch(/"data.k" is not a known field selector/)
  })

  it('are read at a version', async () => {
    const made = await create('at-version', { group: 'at' })
    await server.merge(map('at-version'), { data: { k: '1' } })
    const query = `resourceVersion=${versionOf(made)}&labelSelector=group%3Dat`

    const exact = await server.send('GET', maps(`?${query}&resourceVersionMatch=Exact`))
    const newer = await server.send('GET', maps(`?${query}&resourceVersionMatch=NotOlderThan`))
    const nonsense = await server.send('GET', maps('?resourceVersion=x'))

    expect(at(exact.body, 'items')).toMatchObject([{ metadata: { resourceVersion: versionOf(made) } }])
    expect(newer.status).toBe(200)
    expect(nonsense.status).toBe(server.since(25, 400, 500))
  })
})
