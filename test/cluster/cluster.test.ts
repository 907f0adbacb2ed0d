import { describe, expect, it } from 'vitest'
import { Cluster } from '../../src/cluster/cluster.ts'
import { autoscalerVersions, primaryAutoscaler } from '../../src/cluster/workloads/autoscaler.ts'
import { primaryDeployment } from '../../src/cluster/workloads/deployment.ts'
import { deploymentReadiness } from '../../src/cluster/workloads/readiness.ts'
import { canaryServices, isAdoptedApex } from '../../src/cluster/workloads/services.ts'
import { conditionFor } from '../../src/cluster/workloads/canary-status.ts'
import type { JsonObject } from '../../src/lib/json.ts'
import type { KubeObject } from '../../src/lib/kube-object.ts'
import { canaryOf, counting, createWorld, start, targetOf } from './world.ts'

const selectorLabels = ['app', 'name', 'app.kubernetes.io/name']
const ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'test', name: 'podinfo-primary' }
const byPeople = { fieldManager: 'people' }

function specOf(object: KubeObject | undefined): JsonObject {
  return object?.spec ?? {}
}

/** Applies all that a canary needs, as a tick does. */
async function tick(world: Awaited<ReturnType<typeof ready>>, canary = world.canary): Promise<boolean[]> {
  const { cluster } = world
  const target = cluster.get({ ...ref, name: 'podinfo' })
  if (target === undefined) throw new Error('no target')
  const liveApex = cluster.get({ apiVersion: 'v1', kind: 'Service', namespace: 'test', name: 'podinfo' })
  const { apex, primary, canary: own } = canaryServices(canary, target, { selectorLabels, liveApex })
  const objects = [primaryDeployment(canary, target, { selectorLabels, current: cluster.get(ref) }), apex, primary, own]
  const changed: boolean[] = []
  for (const object of objects) {
    const isAdopted = object === apex && liveApex !== undefined && isAdoptedApex(liveApex, canary)
    changed.push((await cluster.apply(object, isAdopted ? {} : { owner: canary })).changed)
  }
  return changed
}

async function ready(target = targetOf()) {
  const world = await createWorld()
  await world.people.create(target, byPeople)
  await world.cluster.ensure(ref)
  await world.cluster.ensure({ apiVersion: 'v1', kind: 'Service' })
  const canary = await createCanary(world)
  return { ...world, canary }
}

/** Creates the Canary, so that it has a uid to own things with. */
async function createCanary({ people }: Pick<Awaited<ReturnType<typeof createWorld>>, 'people'>) {
  const canary = canaryOf()
  const made = await people.create({ ...canary, metadata: { name: 'podinfo', namespace: 'test' } }, byPeople)
  return canaryOf({}, made.metadata.uid)
}

/** A new process: its own cache, and the requests it makes once it has read everything. */
async function restart(world: Awaited<ReturnType<typeof ready>>) {
  world.cluster.stop()
  const requests: string[] = []
  const cluster = new Cluster({ transport: counting(world.embedded.transport, requests), clock: world.clock })
  await cluster.ensure(ref)
  await cluster.ensure({ apiVersion: 'v1', kind: 'Service' })
  await world.clock.run(1)
  // Finding out where Deployments are is part of the start.
  requests.length = 0
  return { cluster, requests }
}

describe('cluster/cluster', () => {
  it('makes the primary and the three Services, and no request while nothing changes', async () => {
    const world = await ready()

    expect(await tick(world)).toEqual([true, true, true, true])
    await world.clock.run(60_000)
    const before = world.requests.length
    for (let round = 0; round < 20; round += 1) expect(await tick(world)).toEqual([false, false, false, false])

    expect(world.requests.slice(before)).toEqual([])
    const primary = world.cluster.get(ref)
    expect(primary?.metadata.ownerReferences).toMatchObject([
      { kind: 'Canary', uid: world.canary.metadata.uid, controller: true },
    ])
    const readiness = { readyThresholdPercent: 100, deadlineSeconds: 600, nowMs: world.clock.now() }
    expect(primary && deploymentReadiness(primary, readiness)).toEqual({ kind: 'ready' })
    world.end()
  })

  it('makes no request after a restart either', async () => {
    const world = await ready()
    await tick(world)
    await world.clock.run(60_000)

    const { cluster, requests } = await restart(world)

    expect(await tick({ ...world, cluster })).toEqual([false, false, false, false])
    expect(requests).toEqual([])
    cluster.stop()
    world.end()
  })

  it('asks once where the cluster writes values in another form than Git', async () => {
    const world = await ready()
    const inGit = primaryDeployment(world.canary, targetOf(), { selectorLabels })
    await world.cluster.apply(inGit, { owner: world.canary })
    await world.clock.run(60_000)

    const { cluster, requests } = await restart(world)
    for (let round = 0; round < 3; round += 1) {
      expect(await cluster.apply(inGit, { owner: world.canary })).toMatchObject({ changed: false })
    }

    expect(JSON.stringify(inGit)).toContain('1000m')
    expect(JSON.stringify(cluster.get(ref))).not.toContain('1000m')
    expect(requests).toHaveLength(1)
    cluster.stop()
    world.end()
  })

  it('brings back what somebody changed or removed by hand', async () => {
    const world = await ready()
    await tick(world)
    await world.clock.run(10_000)

    const service = { apiVersion: 'v1', kind: 'Service', namespace: 'test', name: 'podinfo' }
    const body = { spec: { selector: { app: 'podinfo', version: 'v2' } } }
    await world.people.patch(service, { type: 'merge', body, ...byPeople })
    await world.people.delete(ref)
    await world.clock.run(1_000)
    expect(await tick(world)).toEqual([true, true, false, false])

    expect(specOf(world.cluster.get(service))['selector']).toEqual({ app: 'podinfo-primary' })
    expect(world.cluster.get(ref)).toBeDefined()
    world.end()
  })

  it('takes a field away from the primary that the target no longer has', async () => {
    const world = await ready(targetOf('podinfo:1', { minReadySeconds: 5 }))
    await tick(world)
    expect(specOf(world.cluster.get(ref))['minReadySeconds']).toBe(5)

    const body = [{ op: 'remove', path: '/spec/minReadySeconds' }]
    await world.people.patch({ ...ref, name: 'podinfo' }, { type: 'json', body, ...byPeople })
    await world.clock.run(100)
    await tick(world)

    expect(specOf(world.cluster.get(ref))['minReadySeconds']).toBeUndefined()
    world.end()
  })

  it('takes over a primary of Flagger without a restart, and without what the target no longer has', async () => {
    const world = await ready()
    const wanted = primaryDeployment(world.canary, targetOf(), { selectorLabels })
    const template = {
      metadata: {
        labels: { app: 'podinfo-primary', tier: 'web' },
        annotations: { 'flagger-id': 'x', 'prometheus.io/scrape': 'true' },
      },
      spec: {
        containers: [
          {
            name: 'podinfod',
            image: 'podinfo:1',
            ports: [{ containerPort: 9898, name: 'http' }],
            resources: { requests: { cpu: '1000m', memory: '64Mi' } },
            env: [{ name: 'STALE', value: '1' }],
          },
        ],
      },
    }
    await world.people.create({ ...wanted, spec: { ...wanted.spec, template } }, { fieldManager: 'flagger' })
    await world.clock.run(100)

    const { object } = await world.cluster.apply(wanted, { owner: world.canary })

    expect(JSON.stringify(object.spec)).not.toContain('STALE')
    expect(JSON.stringify(object.spec)).toContain('"flagger-id":"x"')
    const before = world.requests.length
    expect((await world.cluster.apply(wanted, { owner: world.canary })).changed).toBe(false)
    expect(world.requests.length).toBe(before)
    world.end()
  })

  it('uses a Service that was there before, keeps its type and labels, and drops its other ports', async () => {
    const world = await ready()
    await world.people.create(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'podinfo', namespace: 'test', labels: { team: 'blue' } },
        spec: {
          type: 'LoadBalancer',
          selector: { app: 'podinfo', tier: 'web' },
          ports: [{ name: 'http', port: 80, targetPort: 9898 }],
        },
      },
      byPeople,
    )
    await world.clock.run(100)
    await tick(world)

    const service = world.cluster.get({ apiVersion: 'v1', kind: 'Service', namespace: 'test', name: 'podinfo' })
    expect(service?.metadata.labels).toEqual({ team: 'blue' })
    expect(specOf(service)).toMatchObject({ type: 'LoadBalancer', selector: { app: 'podinfo-primary' } })
    expect(specOf(service)['ports']).toMatchObject([{ name: 'http', port: 9898 }])
    await world.clock.run(100)
    expect(await tick(world)).toEqual([false, false, false, false])
    world.end()
  })

  it('hands the number of pods over when an autoscaler takes over', async () => {
    const world = await ready()
    const canary = canaryOf(
      { autoscalerRef: { kind: 'HorizontalPodAutoscaler', name: 'podinfo' } },
      world.canary.metadata.uid,
    )
    await tick(world)
    await world.cluster.scale(ref, 6)
    await world.clock.run(1_000)
    await tick(world)
    expect(specOf(world.cluster.get(ref))['replicas']).toBe(2)

    await world.clock.run(1_000)
    await tick(world, canary)
    await world.clock.run(1_000)
    expect(specOf(world.cluster.get(ref))['replicas']).toBe(2)

    await world.cluster.scale(ref, 6)
    await world.clock.run(1_000)
    expect(await tick(world, canary)).toEqual([false, false, false, false])
    expect(specOf(world.cluster.get(ref))['replicas']).toBe(6)
    world.end()
  })

  it('copies an autoscaler in the version that the cluster serves', async () => {
    const world = await ready()
    const hpa = await world.people.create(
      {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'podinfo', namespace: 'test' },
        spec: {
          minReplicas: 2,
          maxReplicas: 4,
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'podinfo' },
          metrics: [
            { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 90 } } },
          ],
        },
      },
      byPeople,
    )
    const kinds = autoscalerVersions.map((apiVersion) => ({ apiVersion, kind: 'HorizontalPodAutoscaler' }))
    const served = await world.cluster.firstServed(kinds)
    const canary = canaryOf({
      autoscalerRef: { kind: 'HorizontalPodAutoscaler', name: 'podinfo', primaryScalerReplicas: { maxReplicas: 10 } },
    })

    const wanted = primaryAutoscaler(canary, hpa, { apiVersion: served?.apiVersion ?? '' })
    const { object } = await world.cluster.apply(wanted, { owner: canary })

    expect(object.metadata.name).toBe('podinfo-primary')
    expect(object.spec).toMatchObject({ minReplicas: 2, maxReplicas: 10, scaleTargetRef: { name: 'podinfo-primary' } })
    expect((await world.cluster.apply(wanted, { owner: canary })).changed).toBe(false)
    world.end()
  })

  it('refuses to write over a version that is not the one it decided on', async () => {
    const world = await ready()
    const target = world.cluster.get({ ...ref, name: 'podinfo' })
    expect(target).toBeDefined()
    const wanted = primaryDeployment(canaryOf(), targetOf(), { selectorLabels })
    const { object } = await world.cluster.apply(wanted)

    const stale = world.cluster.apply(
      { ...wanted, spec: { ...wanted.spec, minReadySeconds: 9 } },
      { resourceVersion: '1' },
    )

    await expect(stale).rejects.toMatchObject({ code: 'CLUSTER_CONFLICT', kind: 'retry' })
    expect(world.cluster.get(ref)?.metadata.resourceVersion).toBe(object.metadata.resourceVersion)
    world.end()
  })

  it('says which object is refused and why', async () => {
    const world = await ready()
    const wanted = primaryDeployment(canaryOf(), targetOf(), { selectorLabels })
    const broken = { ...wanted, spec: { ...wanted.spec, selector: { matchLabels: { app: 'other' } } } }

    const refused = await world.cluster.apply(broken).catch((error: unknown) => error)

    expect(refused).toMatchObject({
      code: 'CLUSTER_INVALID',
      kind: 'stalled',
      place: 'Deployment/podinfo-primary.test',
    })
    expect(String(refused)).toContain('`selector` does not match template `labels`')
    world.end()
  })

  it('writes a status only when it says something new, and takes fields away', async () => {
    const world = await ready()
    const { canary } = world
    const status = (phase: 'Progressing' | 'Succeeded', extra: JsonObject, nowMs: number): JsonObject => ({
      phase,
      canaryWeight: 0,
      failedChecks: 0,
      iterations: 0,
      lastTransitionTime: new Date(nowMs).toISOString(),
      conditions: [{ ...conditionFor(phase, 'Deployment', undefined, start) }],
      ...extra,
    })
    await world.cluster.ensure(canary)
    await world.clock.run(1)
    await world.cluster.writeStatus(canary, status('Progressing', { trackedConfigs: { 'configmap/a': '1' } }, start))
    const before = world.requests.length

    await world.cluster.writeStatus(
      canary,
      status('Progressing', { trackedConfigs: { 'configmap/a': '1' } }, start + 5_000),
    )
    expect(world.requests.length).toBe(before)
    await world.cluster.writeStatus(canary, status('Succeeded', { trackedConfigs: { 'secret/b': '2' } }, start + 9_000))

    const live = await world.people.get({ ...ref, apiVersion: canary.apiVersion, kind: canary.kind, name: 'podinfo' })
    expect(live?.status).toMatchObject({ phase: 'Succeeded', conditions: [{ status: 'True', reason: 'Succeeded' }] })
    expect(live?.status?.['trackedConfigs']).toEqual({ 'secret/b': '2' })
    expect(
      await world.cluster.writeStatus({ ...canaryOf(), metadata: { name: 'gone', namespace: 'test' } }, {}),
    ).toBeUndefined()
    world.end()
  })

  it('keeps going for one kind while another is denied or the cluster is away', async () => {
    const world = await ready()
    world.faults.intercept = ({ path }) =>
      path.includes('configmaps') ? { fail: { status: 403, body: { message: 'no', reason: 'Forbidden' } } } : 'pass'
    await expect(world.cluster.ensure({ apiVersion: 'v1', kind: 'ConfigMap' })).rejects.toMatchObject({
      code: 'CLUSTER_FORBIDDEN',
    })
    expect(await tick(world)).toEqual([true, true, true, true])

    world.faults.intercept = () => ({ drop: 'before' })
    await expect(world.cluster.apply(targetOf('podinfo:9'))).rejects.toMatchObject({ kind: 'retry' })
    expect(world.cluster.get(ref)).toBeDefined()
    world.faults.intercept = () => 'pass'
    await world.clock.run(60_000)

    expect(world.cluster.synced).toBe(true)
    world.end()
  })

  it('tells events in order, counts repetitions, and sends them again when the cluster was away', async () => {
    const world = await ready()
    const { canary } = world
    world.faults.intercept = ({ path }) => (path.includes('/events') ? { drop: 'after' } : 'pass')
    world.cluster.recordEvent(canary, 'Normal', 'New revision detected! Scaling up podinfo.test')
    await world.clock.run(100)
    world.faults.intercept = () => 'pass'
    world.cluster.recordEvent(canary, 'Warning', 'Halt podinfo.test advancement')
    await world.clock.run(10_000)
    world.cluster.recordEvent(canary, 'Warning', 'Halt podinfo.test advancement')
    await world.clock.run(10_000)

    const events = world.embedded.list('v1', 'Event', 'test').filter((event) => event['reason'] === 'Synced')
    const told = events.map((event) => [event['type'], event['message'], event['count']])
    expect(told.toSorted((one, other) => String(one[0]).localeCompare(String(other[0])))).toEqual([
      ['Normal', 'New revision detected! Scaling up podinfo.test', 1],
      ['Warning', 'Halt podinfo.test advancement', 2],
    ])
    expect(events[0]).toMatchObject({
      source: { component: 'serin' },
      involvedObject: { kind: 'Canary', name: 'podinfo' },
    })
    world.end()
  })

  it('drops the oldest events when more come than the cluster takes, and says how many', async () => {
    const world = await createWorld()
    for (let event = 0; event < 1005; event += 1) world.cluster.recordEvent(canaryOf(), 'Normal', `event ${event}`)
    await world.clock.run(60_000)

    const events = world.embedded.list('v1', 'Event', 'test')
    expect(events).toHaveLength(1000)
    expect(events.some((event) => event['message'] === 'event 1004')).toBe(true)
    expect(world.problems.map((problem) => problem.message)).toEqual([
      '5 events were dropped: more came than the cluster took',
    ])
    world.end()
  })
})
