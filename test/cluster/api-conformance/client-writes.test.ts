import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Cluster } from '../../../src/cluster/cluster.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { at, type Json, numberAt, stringAt } from '../../../src/lib/json.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import { Problem } from '../../../src/lib/problem.ts'
import { configMap, deployment, service, type Body } from './objects-made.ts'
import { expectStatus, type Installed, listAt, type ServerUnderTest, serverUnderTest } from './server.ts'
import { type Wire, wire } from './wire.ts'

const closing: (() => void)[] = []
let server: ServerUnderTest
let release: Installed
beforeAll(async () => {
  server = await serverUnderTest()
  const spec = {
    type: 'object',
    properties: {
      mode: { type: 'string', default: 'fast' },
      steps: { type: 'array', items: { type: 'object', properties: { weight: { type: 'integer' } } } },
    },
  }
  const status = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec, status } } }
  const version = { name: 'v1', served: true, storage: true, schema, subresources: { status: {} } }
  release = await server.install({ kind: 'Release', versions: [version] })
})
afterEach(() => {
  for (const close of closing.splice(0)) close()
})
afterAll(() => server.close())

/** A new process of Serin: its own cache, and the requests that it makes. */
function process(fieldManager = 'serin'): { readonly cluster: Cluster; readonly line: Wire } {
  const line = wire(server.transport)
  const cluster = new Cluster({ transport: line.transport, clock: systemClock, fieldManager })
  closing.push(() => cluster.stop())
  return { cluster, line }
}

/** An object as Serin reads it from Git. */
function inGit(body: Body): KubeObject {
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...rest } = body
  const [apiVersion = '', kind = ''] = [stringAt(body, 'apiVersion'), stringAt(body, 'kind')]
  const name = stringAt(body, 'metadata', 'name') ?? ''
  return {
    ...rest,
    apiVersion,
    kind,
    metadata: { name, namespace: server.namespace },
  }
}

const nowhere = { nodeSelector: { nowhere: 'yes' } }
const rich = (name: string): KubeObject =>
  inGit(
    deployment(name, {
      replicas: 1,
      pod: {
        ...nowhere,
        containers: [
          {
            name: 'app',
            image: 'app:1',
            ports: [{ containerPort: 80, name: 'http' }],
            env: [
              { name: 'A', value: '1' },
              { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
            ],
            resources: { requests: { cpu: '100m', memory: '64Mi' } },
            readinessProbe: { httpGet: { path: '/ready', port: 80 } },
            volumeMounts: [{ name: 'config', mountPath: '/config' }],
          },
        ],
        volumes: [{ name: 'config', configMap: { name: 'config' } }],
      },
    }),
  )

function everything(name: string): readonly KubeObject[] {
  const metrics = [
    { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
  ]
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: `${name}-none` }
  return [
    rich(name),
    inGit(service(name, { ports: [{ port: 80, name: 'http', targetPort: 'http' }] })),
    inGit(configMap(name, { a: '1' })),
    inGit({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, type: 'Opaque', data: { a: 'Yg==' } }),
    inGit({
      apiVersion: server.since(26, 'autoscaling/v2', 'autoscaling/v2beta2'),
      kind: 'HorizontalPodAutoscaler',
      metadata: { name },
      spec: { maxReplicas: 3, minReplicas: 2, scaleTargetRef, metrics },
    }),
    inGit({
      apiVersion: `${release.group}/v1`,
      kind: 'Release',
      metadata: { name },
      spec: { steps: [{ weight: 10 }, { weight: 50 }] },
    }),
  ]
}

const writes = (line: Wire): readonly string[] => line.requests.filter((one) => !/^(GET|WATCH) /.test(one))
const deploymentRef = (name: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  namespace: server.namespace,
  name,
})

function unlessConflict(error: unknown): undefined {
  if (!(error instanceof Problem && error.code === 'CLUSTER_CONFLICT')) throw error
}

describe('API conformance: what Serin writes', () => {
  it('is sent once, and after a restart not at all, whatever defaults the server fills in', async () => {
    const objects = everything('once')
    const first = process()
    for (const object of objects) expect((await first.cluster.apply(object)).changed).toBe(true)
    const sent = writes(first.line).length
    for (const object of objects) expect((await first.cluster.apply(object)).changed).toBe(false)

    const second = process()
    for (const object of objects) await second.cluster.ensure(object, server.namespace)
    const held = objects.map((object) => `${object.kind} ${second.cluster.holds(object)}`)
    for (const object of objects) expect((await second.cluster.apply(object)).changed).toBe(false)

    expect([sent, writes(first.line).length]).toEqual([objects.length, objects.length])
    expect(held).toEqual(objects.map(({ kind }) => `${kind} true`))
    expect(writes(second.line)).toEqual([])
  })

  it('goes over what people changed, and only that', async () => {
    const { cluster, line } = process()
    const [target] = everything('hand')
    if (target === undefined) throw new Error('no object')
    await cluster.apply(target)
    const path = server.path('apps/v1', 'deployments/hand')

    await expectStatus(server.merge(path, { metadata: { labels: { mine: 'yes' } }, spec: { minReadySeconds: 3 } }), 200)
    await cluster.ensure(target)
    await server.until(
      'it is seen',
      async () => cluster.get(deploymentRef('hand'))?.metadata.labels?.['mine'] === 'yes',
    )
    const others = await cluster.apply(target)
    await expectStatus(
      server.send(
        'PATCH',
        path,
        { spec: { template: { spec: { containers: [{ name: 'app', image: 'app:hand' }] } } } },
        { contentType: 'application/strategic-merge-patch+json' },
      ),
      200,
    )
    await server.until('it is seen', async () =>
      JSON.stringify(cluster.get(deploymentRef('hand'))).includes('app:hand'),
    )
    const back = await cluster.apply(target)

    expect([others.changed, back.changed]).toEqual([false, true])
    expect(writes(line)).toHaveLength(2)
    expect(JSON.stringify(back.object.spec)).toContain('"image":"app:1"')
    expect([back.object.metadata.labels?.['mine'], numberAt(back.object, 'spec', 'minReadySeconds')]).toEqual([
      'yes',
      3,
    ])
  })

  it('takes away what Git no longer has', async () => {
    const { cluster } = process()
    const one = inGit(configMap('less', { a: '1', b: '2' }))
    await cluster.apply(one)

    const { object } = await cluster.apply(inGit(configMap('less', { a: '1' })))

    expect(at(object, 'data')).toEqual({ a: '1' })
  })

  it('is refused over a version that is not the one it was decided on, seen or not seen', async () => {
    const { cluster, line } = process()
    const { object } = await cluster.apply(inGit(configMap('fence', { a: '1' })))
    const resourceVersion = object.metadata.resourceVersion ?? ''
    const path = server.path('configmaps/fence')
    const wanted = inGit(configMap('fence', { a: '2' }))

    const let_go = line.hold()
    await server.merge(path, { data: { b: 'people' } })
    const unseen = await cluster.apply(wanted, { resourceVersion }).catch((error: unknown) => error)
    let_go()
    await server.until('it is seen', async () =>
      JSON.stringify(cluster.get({ ...wanted, ...wanted.metadata, namespace: server.namespace })).includes('people'),
    )
    const seen = await cluster.apply(wanted, { resourceVersion }).catch((error: unknown) => error)

    expect(unseen).toMatchObject({ code: 'CLUSTER_CONFLICT', kind: 'retry' })
    expect(seen).toMatchObject({ code: 'CLUSTER_CONFLICT', kind: 'retry' })
    expect(at((await server.send('GET', path)).body, 'data')).toEqual({ a: '1', b: 'people' })
  })

  it('scales only over the version that it was decided on', async () => {
    const { cluster, line } = process()
    const { object } = await cluster.apply(rich('scaled'))
    const ref = deploymentRef('scaled')
    await server.until(
      'the controller has seen it',
      async () => listAt(cluster.get(ref), 'status', 'conditions').length > 0,
    )

    const stale = await cluster
      .scale(ref, 5, { resourceVersion: object.metadata.resourceVersion ?? '' })
      .catch((error: unknown) => error)
    // The controllers may still write their status: then this is refused too, and tried again over the next version.
    const done = await server.until('it is scaled', () =>
      cluster
        .scale(ref, 5, { resourceVersion: cluster.get(ref)?.metadata.resourceVersion ?? '' })
        .catch(unlessConflict),
    )
    const before = line.requests.length
    await cluster.scale(ref, 5)

    expect(stale).toMatchObject({ code: 'CLUSTER_CONFLICT' })
    expect(numberAt(done, 'spec', 'replicas')).toBe(5)
    expect(line.requests.length).toBe(before)
    expect(await cluster.scale(deploymentRef('none'), 1)).toBeUndefined()
  })

  it('leaves the number of pods as it is when Git no longer names one', async () => {
    const { cluster } = process()
    const named = inGit(deployment('autoscaled', { replicas: 2, pod: nowhere }))
    await cluster.apply(named)
    await cluster.scale(deploymentRef('autoscaled'), 4)
    const { replicas: _replicas, ...spec } = named.spec ?? {}

    const { object } = await cluster.apply({ ...named, spec })
    await expectStatus(
      server.merge(server.path('apps/v1', 'deployments/autoscaled/scale'), { spec: { replicas: 6 } }),
      200,
    )
    await server.until(
      'it is seen',
      async () => numberAt(cluster.get(deploymentRef('autoscaled')), 'spec', 'replicas') === 6,
    )
    const again = await cluster.apply({ ...named, spec })

    expect(numberAt(object, 'spec', 'replicas')).toBe(4)
    expect([again.changed, numberAt(again.object, 'spec', 'replicas')]).toEqual([false, 6])
  })

  it('takes the pod template over that Flagger wrote, so that what is no longer wanted goes', async () => {
    const former = deployment('flagged', {
      replicas: 1,
      pod: { ...nowhere, containers: [{ name: 'app', image: 'app:1', env: [{ name: 'STALE', value: '1' }] }] },
    })
    await expectStatus(
      server.send('POST', `${server.path('apps/v1', 'deployments')}?fieldManager=flagger`, former),
      201,
    )
    const { cluster, line } = process()
    await cluster.ensure(deploymentRef('flagged'), server.namespace)
    await server.until('the controller has seen it', async () => {
      const live = cluster.get(deploymentRef('flagged'))
      return listAt(live, 'status', 'conditions').length === 2 ? live : undefined
    })

    // A controller that writes its status in between makes it a conflict, which is tried again.
    const { object } = await server.until('it is taken over', () =>
      cluster.apply(inGit(deployment('flagged', { replicas: 1, pod: nowhere }))).catch(unlessConflict),
    )
    const before = writes(line).length
    const again = await cluster.apply(inGit(deployment('flagged', { replicas: 1, pod: nowhere })))

    expect(JSON.stringify(object.spec)).not.toContain('STALE')
    expect([again.changed, writes(line).length]).toEqual([false, before])
  })

  it('drops labels of a selector, and ports, that a Service had before', async () => {
    const older = service('cleaned', {
      selector: { app: 'cleaned', tier: 'web' },
      ports: [{ port: 80, name: 'http', targetPort: 8080 }],
    })
    await expectStatus(server.send('POST', server.path('services'), older), 201)
    const { cluster } = process()

    const wanted = inGit(service('cleaned', { ports: [{ port: 9898, name: 'http', targetPort: 'http' }] }))
    const { object } = await cluster.apply(wanted)

    expect(at(object, 'spec', 'selector')).toEqual({ app: 'cleaned' })
    expect(listAt(object, 'spec', 'ports').map((port: Json) => numberAt(port, 'port'))).toEqual([9898])
    expect((await cluster.apply(wanted)).changed).toBe(false)
  })

  it('writes a status through its subresource, once', async () => {
    const { cluster, line } = process()
    const resource = inGit({
      apiVersion: `${release.group}/v1`,
      kind: 'Release',
      metadata: { name: 'status' },
      spec: { mode: 'slow' },
    })
    const { object } = await cluster.apply(resource)
    const owner = { ...object, metadata: { ...object.metadata, namespace: server.namespace } }

    const first = await cluster.writeStatus(owner, { phase: 'Progressing', canaryWeight: 10, lastTransitionTime: 'a' })
    const sent = writes(line).length
    await cluster.writeStatus(owner, { phase: 'Progressing', canaryWeight: 10, lastTransitionTime: 'b' })
    const last = await cluster.writeStatus(owner, { phase: 'Failed', lastTransitionTime: 'c' })

    expect(at(first, 'status', 'canaryWeight')).toBe(10)
    expect(writes(line)).toHaveLength(sent + 1)
    expect(at(last, 'status')).toEqual({ phase: 'Failed', lastTransitionTime: 'c' })
    expect(last?.metadata.generation).toBe(1)
  })

  it('deletes once, and says what a server refuses', async () => {
    const { cluster } = process()
    const wanted = inGit(configMap('deleted', {}))
    await cluster.apply(wanted)
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: server.namespace, name: 'deleted' }

    await cluster.delete(ref)
    await cluster.delete(ref)
    const broken = inGit(deployment('broken', { spec: { selector: { matchLabels: { app: 'other' } } } }))
    const refused = await cluster.apply(broken).catch((error: unknown) => error)
    const lost = inGit(configMap('lost', {}))
    const nowhereToGo = await cluster
      .apply({ ...lost, metadata: { ...lost.metadata, namespace: 'there-is-none' } })
      .catch((error: unknown) => error)

    expect(cluster.get(ref)).toBeUndefined()
    expect(refused).toMatchObject({ code: 'CLUSTER_INVALID', kind: 'stalled' })
    expect(String(refused)).toContain('`selector` does not match template `labels`')
    expect(nowhereToGo).toMatchObject({ code: 'CLUSTER_NOT_FOUND' })
  })

  it('tells events that the server takes, and counts repetitions', async () => {
    const { cluster } = process()
    const { object } = await cluster.apply(inGit(configMap('told', {})))
    const owner = { ...object, metadata: { ...object.metadata, namespace: server.namespace } }
    const query = encodeURIComponent('involvedObject.name=told')
    const events = async (): Promise<readonly Json[]> =>
      listAt((await server.send('GET', `${server.path('events')}?fieldSelector=${query}`)).body, 'items')

    cluster.recordEvent(owner, 'Warning', 'Halt told advancement')
    await server.until('the event is there', async () => (await events()).length === 1)
    cluster.recordEvent(owner, 'Warning', 'Halt told advancement')
    const [event] = await server.until('it is counted', async () => {
      const found = await events()
      return numberAt(found[0], 'count') === 2 ? found : undefined
    })

    expect(event).toMatchObject({ type: 'Warning', message: 'Halt told advancement', source: { component: 'serin' } })
  })
})
