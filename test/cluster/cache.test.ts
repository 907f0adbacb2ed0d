import { describe, expect, it } from 'vitest'
import { ClusterCache } from '../../src/cluster/cache.ts'
import { createClient } from '../../src/cluster/client.ts'
import type { ObjectRef } from '../../src/lib/kube-object.ts'
import type { Problem } from '../../src/lib/problem.ts'
import { createVirtualClock } from '../../src/playground/virtual-clock.ts'
import { MemoryApi, settle } from './memory-api.ts'

const deployments = '/apis/apps/v1/namespaces/test/deployments'
const kind = { apiVersion: 'apps/v1', kind: 'Deployment' }
const podinfo = { ...kind, namespace: 'test', name: 'podinfo' }

function deployment(
  name: string,
  replicas: number,
): { apiVersion: string; kind: string; metadata: { name: string; namespace: string }; spec: { replicas: number } } {
  return { ...kind, metadata: { name, namespace: 'test' }, spec: { replicas } }
}

function world() {
  const api = new MemoryApi()
  const clock = createVirtualClock(0)
  const problems: Problem[] = []
  const cache = new ClusterCache({
    client: createClient(api),
    clock,
    fieldManagers: ['serin'],
    random: () => 0,
    onProblem: (problem) => problems.push(problem),
  })
  const changes: string[] = []
  cache.onChange((ref: ObjectRef) => changes.push(ref.name))
  return { api, clock, cache, problems, changes }
}

describe('cluster/cache', () => {
  it('answers reads without any request once a kind is watched', async () => {
    const { api, cache } = world()
    api.put(deployments, deployment('podinfo', 2))
    await cache.ensure(kind)
    await settle()
    const before = api.requests.length

    for (let read = 0; read < 100; read += 1) {
      await cache.ensure(kind)
      expect(cache.get(podinfo)?.spec).toEqual({ replicas: 2 })
    }

    expect(api.requests.length - before).toBe(0)
    expect(api.requests.at(-1)).toContain('watch=1&allowWatchBookmarks=true&resourceVersion=101')
    cache.stop()
  })

  it('follows what other people write and delete', async () => {
    const { api, cache, changes } = world()
    await cache.ensure(kind)
    await settle()

    api.put(deployments, deployment('podinfo', 2))
    api.put(deployments, deployment('podinfo', 3))
    await settle()
    expect(cache.get(podinfo)?.spec).toEqual({ replicas: 3 })
    api.remove(`${deployments}/podinfo`)
    await settle()

    expect(cache.get(podinfo)).toBeUndefined()
    expect(changes).toEqual(['podinfo', 'podinfo', 'podinfo'])
    cache.stop()
  })

  it('lists again when the cluster no longer remembers its version', async () => {
    const { api, cache, clock } = world()
    api.put(deployments, deployment('podinfo', 1))
    api.put(deployments, deployment('gone', 1))
    await cache.ensure(kind)
    await settle()

    const watches = [...api.watches]
    for (const watch of watches) watch.push({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })
    await settle()
    api.put(deployments, deployment('podinfo', 7))
    api.remove(`${deployments}/gone`)
    await clock.run(2_000)

    expect(cache.get(podinfo)?.spec).toEqual({ replicas: 7 })
    expect(cache.get({ ...podinfo, name: 'gone' })).toBeUndefined()
    expect(api.watches.size).toBe(1)
    cache.stop()
  })

  it('goes on from the last version it saw when a connection breaks', async () => {
    const { api, cache, clock, problems } = world()
    await cache.ensure(kind)
    await settle()
    api.put(deployments, deployment('podinfo', 1))
    api.tell(deployments, { type: 'BOOKMARK', object: { metadata: { resourceVersion: '150' } } })
    await settle()

    for (const watch of api.watches) watch.fail(new Error('socket hang up'))
    await clock.run(2_000)

    expect(api.requests.at(-1)).toContain('resourceVersion=150')
    expect(problems.map((problem) => problem.message)).toEqual(['socket hang up'])
    cache.stop()
  })

  it('survives a handler that throws, and still tells the others', async () => {
    const { api, cache, changes, problems } = world()
    cache.onChange(() => {
      throw new Error('handler broke')
    })
    const told: string[] = []
    cache.onChange((ref) => told.push(ref.name))
    await cache.ensure(kind)
    await settle()

    api.put(deployments, deployment('one', 1))
    api.put(deployments, deployment('two', 1))
    await settle()

    expect(changes).toEqual(['one', 'two'])
    expect(told).toEqual(['one', 'two'])
    expect(problems.map((problem) => problem.message)).toEqual(['handler broke', 'handler broke'])
    cache.stop()
  })

  it('says that a kind is missing, goes on with the others, and finds the kind when it is installed', async () => {
    const { api, cache, clock, changes } = world()
    const virtualServices = { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService' }

    await expect(cache.ensure(virtualServices)).rejects.toMatchObject({ code: 'CLUSTER_KIND_MISSING', kind: 'wait' })
    await cache.ensure(kind)
    expect(() => cache.list(virtualServices.apiVersion, virtualServices.kind)).toThrow('does not serve the kind')
    api.served['/apis/networking.istio.io/v1'] = [['VirtualService', 'virtualservices']]
    api.put('/apis/networking.istio.io/v1/namespaces/test/virtualservices', {
      ...virtualServices,
      metadata: { name: 'podinfo', namespace: 'test' },
    })
    await clock.run(60_000)

    expect(cache.list(virtualServices.apiVersion, virtualServices.kind)).toHaveLength(1)
    expect(changes).toContain('podinfo')
    expect(cache.synced).toBe(true)
    cache.stop()
  })

  it('backs off while a kind is denied, and names verb and kind', async () => {
    const { api, cache, clock, problems } = world()
    api.before = ({ path }) =>
      path.startsWith('/apis/apps/v1/deployments')
        ? { status: 403, body: { kind: 'Status', message: 'deployments.apps is forbidden', reason: 'Forbidden' } }
        : undefined

    await expect(cache.ensure(kind)).rejects.toMatchObject({ code: 'CLUSTER_FORBIDDEN', kind: 'stalled' })
    await clock.run(120_000)

    expect(problems[0]?.toString()).toContain('allow the verb "list" on Deployment')
    expect(problems.length).toBeLessThan(12)
    cache.stop()
  })

  it('never reads older than its own write', async () => {
    const { api, cache } = world()
    const first = api.put(deployments, deployment('podinfo', 1))
    await cache.ensure(kind)
    await settle()

    cache.wrote({
      ...deployment('podinfo', 5),
      metadata: { name: 'podinfo', namespace: 'test', uid: 'u', resourceVersion: '900' },
    })
    api.tell(deployments, { type: 'MODIFIED', object: first })
    await settle()
    expect(cache.get(podinfo)?.spec).toEqual({ replicas: 5 })

    cache.deleted(podinfo)
    api.tell(deployments, {
      type: 'MODIFIED',
      object: {
        ...deployment('podinfo', 5),
        metadata: { name: 'podinfo', namespace: 'test', uid: 'u', resourceVersion: '901' },
      },
    })
    await settle()
    expect(cache.get(podinfo)).toBeUndefined()
    cache.stop()
  })

  it('refuses to read a kind that nobody asked to watch', () => {
    expect(() => world().cache.get(podinfo)).toThrow('read but not watched')
  })
})
