import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { at, type Json, numberAt, stringAt } from '../../../src/lib/json.ts'
import { type Body, deployment, service, type Template } from './objects-made.ts'
import { type Answer, expectStatus, listAt, namesOf, refusal, type ServerUnderTest, serverUnderTest } from './server.ts'

let server: ServerUnderTest
beforeAll(async () => {
  server = await serverUnderTest()
})
afterAll(() => server.close())

const deployments = (name?: string): string =>
  server.path('apps/v1', `deployments${name === undefined ? '' : `/${name}`}`)
const setsOf = async (name: string): Promise<readonly Json[]> =>
  listAt(
    (await server.send('GET', `${server.path('apps/v1', 'replicasets')}?labelSelector=app%3D${name}`)).body,
    'items',
  )
const podsOf = async (name: string): Promise<readonly Json[]> =>
  listAt((await server.send('GET', `${server.path('pods')}?labelSelector=app%3D${name}`)).body, 'items')
const create = (name: string, template: Template = {}): Promise<Json> =>
  expectStatus(server.send('POST', deployments(), deployment(name, template)), 201)
const nowhere: Body = { nodeSelector: { nowhere: 'yes' } }

const counts = (body: unknown): readonly (number | undefined)[] =>
  ['replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas'].map((field) => numberAt(body, 'status', field))

/** Waits until a Deployment's controller has seen its last change and its status satisfies a test. */
function settled(name: string, what: string, holds: (body: Json) => boolean): Promise<Json> {
  return server.until(`${name} ${what}`, async () => {
    const { body } = await server.send('GET', deployments(name))
    const isSeen = numberAt(body, 'status', 'observedGeneration') === numberAt(body, 'metadata', 'generation')
    return isSeen && holds(body) ? body : undefined
  })
}

const rolledOut = (name: string, replicas: number): Promise<Json> =>
  settled(name, 'is rolled out', (body) => counts(body).every((count) => (count ?? 0) === replicas))

function conditionsOf(body: unknown): readonly string[] {
  return listAt(body, 'status', 'conditions')
    .map((one) => `${stringAt(one, 'type')}=${stringAt(one, 'status')} ${stringAt(one, 'reason')}`)
    .toSorted()
}

const setImage = (name: string, image: string): Promise<Answer> =>
  server.send(
    'PATCH',
    deployments(name),
    { spec: { template: { spec: { containers: [{ name: 'app', image }] } } } },
    { contentType: 'application/strategic-merge-patch+json' },
  )

describe('API conformance: Deployments', () => {
  it('become ReplicaSets with their revision, and pods that belong to them', async () => {
    await create('rollout', { replicas: 2 })
    const body = await rolledOut('rollout', 2)
    const [set] = await setsOf('rollout')
    const pods = await podsOf('rollout')

    expect(conditionsOf(body)).toEqual([
      'Available=True MinimumReplicasAvailable',
      'Progressing=True NewReplicaSetAvailable',
    ])
    expect(stringAt(body, 'metadata', 'annotations', 'deployment.kubernetes.io/revision')).toBe('1')
    const hash = stringAt(set, 'metadata', 'labels', 'pod-template-hash')
    expect(stringAt(set, 'metadata', 'name')).toBe(`rollout-${hash}`)
    expect(listAt(set, 'metadata', 'ownerReferences')).toMatchObject([
      { kind: 'Deployment', name: 'rollout', controller: true, blockOwnerDeletion: true },
    ])
    expect(pods).toHaveLength(2)
    for (const pod of pods) {
      expect(stringAt(pod, 'metadata', 'labels', 'pod-template-hash')).toBe(hash)
      expect(listAt(pod, 'metadata', 'ownerReferences')).toMatchObject([{ kind: 'ReplicaSet', controller: true }])
      expect(stringAt(pod, 'status', 'phase')).toBe('Running')
    }
  })

  it('roll to a new image, back to the old one, and to nothing', async () => {
    await create('back', { replicas: 1 })
    await rolledOut('back', 1)

    await setImage('back', 'app:2')
    const second = await rolledOut('back', 1)
    await server.until('the old pods are scaled down', async () =>
      (await setsOf('back')).some((one) => numberAt(one, 'status', 'replicas') === 0),
    )
    await setImage('back', 'app:1')
    const third = await rolledOut('back', 1)
    await server.merge(`${deployments('back')}/scale`, { spec: { replicas: 0 } })
    const none = await rolledOut('back', 0)

    const revision = (body: Json): string | undefined =>
      stringAt(body, 'metadata', 'annotations', 'deployment.kubernetes.io/revision')
    expect([revision(second), revision(third)]).toEqual(['2', '3'])
    expect(await setsOf('back')).toHaveLength(2)
    expect(counts(none)).toEqual([undefined, undefined, undefined, undefined])
    await server.until('all pods are gone', async () => (await podsOf('back')).length === 0)
  })

  it('say when they do not get on in time', async () => {
    await create('stuck', { pod: nowhere, spec: { progressDeadlineSeconds: 1 } })

    const body = await settled('stuck', 'has missed its deadline', (seen) =>
      conditionsOf(seen).some((one) => one.includes('ProgressDeadlineExceeded')),
    )

    expect(conditionsOf(body)).toEqual([
      'Available=False MinimumReplicasUnavailable',
      'Progressing=False ProgressDeadlineExceeded',
    ])
    const message = listAt(body, 'status', 'conditions').map((one) => stringAt(one, 'message'))
    expect(message).toContainEqual(expect.stringMatching(/^ReplicaSet "stuck-[a-z0-9]+" has timed out progressing\.$/))
    expect(numberAt(body, 'status', 'unavailableReplicas')).toBe(1)
  })

  it('roll nothing out while they are paused', async () => {
    await create('paused', { replicas: 1 })
    await rolledOut('paused', 1)

    await server.merge(deployments('paused'), { spec: { paused: true } })
    await setImage('paused', 'app:2')
    const paused = await settled('paused', 'says that it is paused', (body) =>
      conditionsOf(body).some((one) => one.includes('DeploymentPaused')),
    )
    const before = await setsOf('paused')
    await server.merge(deployments('paused'), { spec: { paused: false } })
    await rolledOut('paused', 1)

    expect(before).toHaveLength(1)
    expect(conditionsOf(paused)).toContain('Progressing=Unknown DeploymentPaused')
    expect(await setsOf('paused')).toHaveLength(2)
  })

  it('replace a pod that is deleted', async () => {
    await create('replaced', { replicas: 1 })
    await rolledOut('replaced', 1)
    const [name = ''] = (await podsOf('replaced')).map((pod) => stringAt(pod, 'metadata', 'name') ?? '')

    await server.send('DELETE', server.path(`pods/${name}`))

    const after = await server.until('there is another pod', async () => {
      const names = namesOf({ items: await podsOf('replaced') })
      return names.length === 1 && names[0] !== name ? names : undefined
    })
    expect(after).toHaveLength(1)
    await rolledOut('replaced', 1)
  })

  it('are checked', async () => {
    await create('fixed', { replicas: 0 })
    const template = (body: Body): Promise<Answer> => server.send('POST', deployments(), body)
    const told = [
      await server.merge(deployments('fixed'), { spec: { selector: { matchLabels: { app: 'other' } } } }),
      await server.send('PUT', deployments('fixed'), { ...deployment('other'), metadata: { name: 'fixed' } }),
      await template(deployment('x', { spec: { selector: { matchLabels: { app: 'y' } } } })),
      await template(deployment('x', { pod: { containers: [] } })),
      await template(deployment('x', { pod: { containers: [{ name: 'app' }] } })),
      await template(deployment('x', { pod: { restartPolicy: 'Never' } })),
      await template(deployment('x', { spec: { minReadySeconds: 10, progressDeadlineSeconds: 5 } })),
      await template(deployment('x', { spec: { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } } })),
      await template(
        deployment('x', { pod: { containers: [{ name: 'a', image: 'a', ports: [{ containerPort: 99999 }] }] } }),
      ),
      await template(deployment('x', { pod: { containers: [{ name: 'a', image: 'a', env: [{ value: 'b' }] }] } })),
    ]

    expect(told.map(({ status }) => status)).toEqual(told.map(() => 422))
    const messages = told.map((answer) => refusal(answer)[2])
    expect(messages[0]).toContain('`selector` does not match template `labels`')
    expect(messages[0]).toContain('field is immutable')
    expect(messages[1]).toMatch(
      /^Deployment\.apps "fixed" is invalid: spec\.selector: Invalid value: .*: field is immutable$/,
    )
    expect(messages[2]).toContain('spec.template.metadata.labels: Invalid value: ')
    expect(messages.slice(3)).toEqual([
      'Deployment.apps "x" is invalid: spec.template.spec.containers: Required value',
      'Deployment.apps "x" is invalid: spec.template.spec.containers[0].image: Required value',
      'Deployment.apps "x" is invalid: spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
      'Deployment.apps "x" is invalid: spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds',
      // 1.20 shows how Go prints the value.
      `Deployment.apps "x" is invalid: spec.strategy.rollingUpdate.maxUnavailable: Invalid value: ${server.since(21, '0', 'intstr.IntOrString{Type:0, IntVal:0, StrVal:""}')}: may not be 0 when \`maxSurge\` is 0`,
      'Deployment.apps "x" is invalid: spec.template.spec.containers[0].ports[0].containerPort: Invalid value: 99999: must be between 1 and 65535, inclusive',
      'Deployment.apps "x" is invalid: spec.template.spec.containers[0].env[0].name: Required value',
    ])
  })
})

describe('API conformance: Services', () => {
  const path = (name: string): string => server.path(`services/${name}`)

  it('get an address that stays, and the defaults of their ports', async () => {
    const made = await expectStatus(server.send('POST', server.path('services'), service('web')), 201)
    const address = stringAt(made, 'spec', 'clusterIP') ?? ''

    const put = await server.send('PUT', path('web'), service('web', { ports: [{ port: 81, targetPort: 'http' }] }))
    const moved = await server.merge(path('web'), { spec: { clusterIP: '10.0.255.254' } })

    expect(address).toMatch(/^10\.\d+\.\d+\.\d+$/)
    expect(at(made, 'spec')).toMatchObject({
      type: 'ClusterIP',
      sessionAffinity: 'None',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    })
    // 1.20 wants the address named again.
    expect([put.status, stringAt(put.body, 'spec', 'clusterIP')]).toEqual(
      server.since(21, [200, address], [422, undefined]),
    )
    expect(refusal(moved).slice(0, 2)).toEqual([422, 'Invalid'])
    expect(refusal(moved)[2]).toContain('may not change once set')
    await expectStatus(server.merge(path('web'), { spec: { selector: { app: 'other' } } }), 200)
    expect(stringAt((await server.send('DELETE', path('web'))).body, 'status')).not.toBe('Failure')
  })

  it('may have none', async () => {
    const made = await expectStatus(
      server.send('POST', server.path('services'), service('headless', { clusterIP: 'None' })),
      201,
    )

    expect(stringAt(made, 'spec', 'clusterIP')).toBe('None')
  })

  it('are checked', async () => {
    const post = async (spec: Body): Promise<string> =>
      refusal(await server.send('POST', server.path('services'), service('bad', spec)))[2]

    expect(await post({ ports: [] })).toBe('Service "bad" is invalid: spec.ports: Required value')
    expect(await post({ ports: [{ port: 80 }, { port: 81 }] })).toBe(
      'Service "bad" is invalid: [spec.ports[0].name: Required value, spec.ports[1].name: Required value]',
    )
    expect(await post({ ports: [{ port: 70000 }] })).toContain(
      'spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive',
    )
    expect(
      await post({
        ports: [
          { port: 80, name: 'a' },
          { port: 80, name: 'b' },
        ],
      }),
    ).toContain('spec.ports[1]: Duplicate value')
    expect(
      await post({
        ports: [
          { port: 80, name: 'a' },
          { port: 81, name: 'a' },
        ],
      }),
    ).toContain('spec.ports[1].name: Duplicate value: "a"')
    expect(await post({ type: 'Odd' })).toContain('spec.type: Unsupported value: "Odd": supported values: ')
    const name = service('1.bad')
    expect(refusal(await server.send('POST', server.path('services'), name))[2]).toContain(
      'metadata.name: Invalid value: "1.bad": ',
    )
  })
})

describe('API conformance: autoscalers', () => {
  const hpa = (apiVersion: string, name: string, spec: Body = {}): Body => ({
    apiVersion,
    kind: 'HorizontalPodAutoscaler',
    metadata: { name },
    spec: {
      maxReplicas: 3,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'none' },
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
      ],
      ...spec,
    },
  })

  it('are one object in all versions that the server has', async () => {
    const versions = server.since(26, ['v2'], ['v2beta2', 'v2beta1'])
    const { body } = await server.send('GET', '/apis/autoscaling')
    const served = listAt(body, 'versions').map((one) => stringAt(one, 'version') ?? '')
    expect(served).toEqual(expect.arrayContaining(['v1', versions[0]]))
    const version = `autoscaling/${versions[0]}`
    const plural = 'horizontalpodautoscalers'

    const made = await expectStatus(server.send('POST', server.path(version, plural), hpa(version, 'both')), 201)
    const old = await expectStatus(server.send('GET', server.path('autoscaling/v1', `${plural}/both`)), 200)
    const patched = await server.merge(server.path('autoscaling/v1', `${plural}/both`), { spec: { maxReplicas: 5 } })
    const seen = await server.send('GET', server.path(version, `${plural}/both`))

    expect(at(made, 'spec', 'minReplicas')).toBe(1)
    expect(at(old, 'spec')).toMatchObject({ maxReplicas: 3, targetCPUUtilizationPercentage: 50 })
    expect([patched.status, at(seen.body, 'spec', 'maxReplicas')]).toEqual([200, 5])
    const wrong = await server.send('POST', server.path(version, plural), hpa(version, 'bad', { minReplicas: 9 }))
    expect(refusal(wrong)[0]).toBe(422)
    expect(refusal(wrong)[2]).toContain(
      'spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`',
    )
    const missing = await server.send(
      'GET',
      server.path(server.since(26, 'autoscaling/v2beta2', 'autoscaling/v2'), plural),
    )
    expect(missing.status).toBe(404)
  })
})
