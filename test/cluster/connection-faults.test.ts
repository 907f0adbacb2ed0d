import { describe, expect, it } from 'vitest'
import { ClusterCache } from '../../src/cluster/cache.ts'
import { createClient } from '../../src/cluster/client.ts'
import { EventRecorder } from '../../src/cluster/event-recorder.ts'
import { Problem } from '../../src/lib/problem.ts'
import { createVirtualClock } from '../../src/playground/virtual-clock.ts'
import { MemoryApi, settle } from './memory-api.ts'
import { canaryOf } from './world.ts'

const deployments = '/apis/apps/v1/namespaces/test/deployments'
const kind = { apiVersion: 'apps/v1', kind: 'Deployment' }
const podinfo = { ...kind, namespace: 'test', name: 'podinfo' }
const deployment = { ...kind, metadata: { name: 'podinfo', namespace: 'test' }, spec: { replicas: 1 } }
const byUs = { fieldManager: 'serin' }

function world() {
  const api = new MemoryApi()
  const clock = createVirtualClock(0)
  const problems: Problem[] = []
  const client = createClient(api)
  const onProblem = (problem: Problem): void => void problems.push(problem)
  const cache = new ClusterCache({ client, clock, fieldManagers: ['serin'], random: () => 0, onProblem })
  const events = new EventRecorder({ client, clock, ...byUs, random: () => 0, onProblem })
  return { api, clock, client, cache, events, problems }
}

function watchesOf(api: MemoryApi): number {
  return api.requests.filter((request) => request.startsWith('WATCH')).length
}

describe('a watch that has gone silent', () => {
  it('is opened anew, with all others, when it does not tell of our own writes', async () => {
    const { api, clock, cache, problems } = world()
    api.put(deployments, deployment)
    await cache.ensure(kind)
    await cache.ensure({ apiVersion: 'v1', kind: 'Service' })
    await settle()
    const before = watchesOf(api)

    cache.wrote({ ...deployment, metadata: { ...deployment.metadata, resourceVersion: '150' } })
    await clock.run(9_000)
    expect(watchesOf(api)).toBe(before)
    await clock.run(3_000)

    expect(watchesOf(api)).toBe(before + 2)
    expect(problems.map(({ code }) => code)).toEqual(['CLUSTER_WATCH_SILENT'])
    expect(cache.status().every(({ problem }) => problem === undefined)).toBe(true)
    cache.stop()
  })

  it('is left alone when it tells of our writes, of something newer, or when nothing was written', async () => {
    const { api, clock, cache, problems } = world()
    api.put(deployments, deployment)
    await cache.ensure(kind)
    await settle()
    const before = watchesOf(api)

    const live = cache.get(podinfo)
    if (live === undefined) throw new Error('no deployment')
    cache.wrote(live)
    const newer = String(api.version + 1)
    cache.wrote({ ...live, metadata: { ...live.metadata, resourceVersion: newer } })
    api.put(deployments, { ...deployment, metadata: { ...deployment.metadata, name: 'other' } })
    await clock.run(60_000)

    expect(watchesOf(api)).toBe(before)
    expect(problems).toEqual([])
    cache.stop()
  })
})

describe('a cluster that was away', () => {
  it('makes everybody look again when it is back, at most five seconds later, although nothing changed', async () => {
    const { api, clock, cache } = world()
    api.put(deployments, deployment)
    await cache.ensure(kind)
    await settle()
    const changed: string[] = []
    cache.onChange(({ name }) => changed.push(name))
    const away = new Problem({ kind: 'retry', code: 'CLUSTER_UNREACHABLE', message: 'nobody listens' })
    api.before = () => {
      throw away
    }
    for (const watch of api.watches) watch.fail(away)
    await clock.run(10 * 60_000)
    expect(changed).toEqual([])

    api.before = () => undefined
    await clock.run(5_000)

    expect(changed).toEqual(['podinfo'])
    cache.stop()
  })
})

describe('an object that somebody deletes while we write to it', () => {
  it('does not come back to life when the answer to the write arrives after the news of the deletion', async () => {
    const { api, cache } = world()
    const made = api.put(deployments, { ...deployment, metadata: { ...deployment.metadata, uid: 'first' } })
    await cache.ensure(kind)
    await settle()
    const live = cache.get(podinfo)
    if (live === undefined) throw new Error('no deployment')
    api.remove(`${deployments}/podinfo`)
    await settle()
    expect(cache.get(podinfo)).toBeUndefined()

    cache.wrote({ ...live, spec: { replicas: 7 } })
    expect(cache.get(podinfo)).toBeUndefined()

    api.put(deployments, { ...made, metadata: { ...deployment.metadata, uid: 'second' } })
    await settle()
    expect(cache.get(podinfo)?.metadata.uid).toBe('second')
    cache.stop()
  })
})

describe('an API server that has just started', () => {
  it('answers "404 page not found" before it knows a kind, which is not taken for an object that is gone', async () => {
    const { api, client } = world()
    await client.serves(kind)
    api.before = ({ path }) => (path.includes('podinfo') ? { status: 404, body: '404 page not found\n' } : undefined)

    const missing = { kind: 'wait', code: 'CLUSTER_KIND_MISSING' }
    await expect(client.get(podinfo)).rejects.toMatchObject(missing)
    await expect(client.delete(podinfo)).rejects.toMatchObject(missing)
    const patch = client.patch(podinfo, { type: 'merge', body: {}, ...byUs, subresource: 'status' })
    await expect(patch).rejects.toMatchObject(missing)
  })
})

describe('an older API server', () => {
  it('calls a field that it does not know a failure of its own, which is for a person to change all the same', async () => {
    const { api, client } = world()
    const message = 'failed to create typed patch object: .spec.minReady: field not declared in schema'
    api.before = ({ method }) => (method === 'PATCH' ? { status: 500, body: { kind: 'Status', message } } : undefined)

    const refused = client.apply(deployment, { ...byUs, force: true })

    await expect(refused).rejects.toMatchObject({
      kind: 'stalled',
      code: 'CLUSTER_INVALID',
      place: 'Deployment/podinfo.test',
    })
    await expect(refused).rejects.toThrow('.spec.minReady: field not declared in schema')
  })
})

describe('events', () => {
  it('wait with their times while the cluster is away for half an hour', async () => {
    const { api, clock, events, problems } = world()
    api.before = () => ({ status: 503, body: 'apiserver is shutting down' })
    events.record(canaryOf(), 'Warning', 'Rolling back podinfo.test')
    await clock.run(5 * 60_000)
    api.before = () => ({ status: 429, body: 'slow down' })
    await clock.run(25 * 60_000)
    api.before = () => undefined
    await clock.run(60_000)

    expect([...api.objects.values()]).toMatchObject([{ message: 'Rolling back podinfo.test' }])
    expect([...api.objects.values()]).toMatchObject([{ firstTimestamp: '1970-01-01T00:00:00Z' }])
    expect(problems).toEqual([])
  })

  it('that the role does not cover are tried for a moment, then dropped and told, and the next ones go on', async () => {
    const { api, clock, events, problems } = world()
    api.before = ({ method }) => (method === 'POST' ? { status: 403, body: { message: 'no' } } : undefined)
    events.record(canaryOf(), 'Normal', 'first')
    await clock.run(2 * 60_000)
    api.before = () => undefined
    events.record(canaryOf(), 'Normal', 'second')
    await clock.run(1000)

    expect([...api.objects.values()]).toMatchObject([{ message: 'second' }])
    expect(problems.map(({ code }) => code)).toEqual(['CLUSTER_EVENT_REFUSED'])
  })

  it('that were not sent when the process ends are told', async () => {
    const { api, clock, events, problems } = world()
    api.before = () => ({ status: 503, body: '' })
    for (const text of ['one', 'two', 'three']) events.record(canaryOf(), 'Normal', text)
    await clock.run(1000)

    events.stop()

    expect(problems.map(({ message }) => message)).toEqual(['3 events were not sent before the end'])
  })
})
