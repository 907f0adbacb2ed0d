import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { at, stringAt, type Json } from '../../src/lib/json.ts'
import { createEmbeddedCluster, type EmbeddedCluster } from '../../src/playground/cluster/embedded-cluster.ts'
import { crds } from '../../src/resources/crds.ts'
import { parseCanary, placeInCluster, readCanary } from '../../src/resources/parse.ts'
import { readDocuments } from '../../src/yaml/read.ts'

const fixture = readFileSync(new URL('../fixtures/canaries/v1beta1.yaml', import.meta.url), 'utf8')

describe('the CRDs in a cluster', () => {
  let cluster: EmbeddedCluster
  let count = 0
  beforeAll(async () => {
    cluster = createEmbeddedCluster({ clock: systemClock, random: () => 0.5 })
    await post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'test' } })
    for (const crd of crds()) {
      const body = JSON.parse(JSON.stringify(crd)) as Json
      expect((await post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', body)).status).toBe(201)
    }
  })
  afterAll(() => cluster.stop())

  const post = (path: string, body: Json) => cluster.transport.send({ method: 'POST', path, body })
  const create = async (text: string): Promise<{ status: number; message: string; inCode: number }> => {
    const named = text.replace('name: podinfo', `name: podinfo-${count++}`)
    const value = readDocuments(named, '').documents[0]?.value ?? null
    const path = '/apis/flagger.app/v1beta1/namespaces/test/canaries?fieldValidation=Strict'
    const { status, body } = await post(path, value)
    const inCode = parseCanary(value, placeInCluster(value), 'strict').problems.length
    return { status, message: stringAt(body, 'message') ?? '', inCode }
  }

  it('take a full Canary as it is', async () => {
    expect(await create(fixture)).toMatchObject({ status: 201, inCode: 0 })
    expect(await create(fixture.replace('targetPort: http', 'targetPort: 9898'))).toMatchObject({
      status: 201,
      inCode: 0,
    })
  })

  it('take a Canary without steps only when its analysis is skipped', async () => {
    const noSteps = fixture.replace(/ {4}(maxWeight|stepWeight): .*\n/g, '')

    expect(await create(noSteps)).toMatchObject({ status: 422, inCode: 1 })
    expect(await create(noSteps.replace('spec:', 'spec:\n  skipAnalysis: true'))).toMatchObject({
      status: 201,
      inCode: 0,
    })
    expect(await create(fixture.replace(/ {2}analysis:\n( {4}.*\n)+/, ''))).toMatchObject({ status: 201, inCode: 0 })
  })

  it.each([
    ['a percentage above 100', 'stepWeight: 5\n', 'stepWeight: 105\n', 'spec.analysis.stepWeight'],
    ['an unknown provider', 'provider: istio', 'provider: isto', 'spec.provider'],
    ['an unknown field', 'stepWeight: 5\n', 'stepWeight: 5\n    stepp: 1\n', 'unknown field'],
    ['a bad duration', 'interval: 1m\n    threshold', 'interval: 1h\n    threshold', 'spec.analysis.interval'],
    ['a target port that is neither number nor name', 'targetPort: http', 'targetPort: true', 'targetPort'],
    ['a missing port', '    port: 9898\n', '', 'spec.service.port'],
  ])('refuse %s, and so does the code', async (_, search, replacement, message) => {
    const answer = await create(fixture.replace(search, replacement))

    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.message).toContain(message)
    expect(answer.inCode).toBe(1)
  })

  it.each(['v1alpha1', 'v1alpha2', 'v1alpha3'])(
    'keep all of what is applied as %s, with its meaning',
    async (version) => {
      const name = version === 'v1alpha2' ? 'v1alpha3' : version
      const text = readFileSync(new URL(`../fixtures/canaries/${name}.yaml`, import.meta.url), 'utf8')
      const named = text.replace(name, version).replace('name: podinfo', `name: ${version}`)
      const value = readDocuments(named, '').documents[0]?.value ?? null
      const path = (as: string) => `/apis/flagger.app/${as}/namespaces/test/canaries`

      const created = await post(`${path(version)}?fieldValidation=Strict`, value)
      const read = await cluster.transport.send({ method: 'GET', path: `${path('v1beta1')}/${version}` })

      expect(created.status).toBe(201)
      expect(stringAt(read.body, 'apiVersion')).toBe('flagger.app/v1beta1')
      expect(at(read.body, 'spec')).toEqual(at(value, 'spec'))
      expect(readCanary(read.body).canary?.spec).toEqual(
        parseCanary(value, placeInCluster(value), 'strict').canary?.spec,
      )
    },
  )

  it.each(['v1alpha1', 'v1alpha3'])('refuse an analysis without steps in %s, and so does the code', async (version) => {
    const text = readFileSync(new URL(`../fixtures/canaries/${version}.yaml`, import.meta.url), 'utf8')
    const value = readDocuments(text.replace(/ +stepWeight: 10\n/, ''), '').documents[0]?.value ?? null

    const { status, body } = await post(`/apis/flagger.app/${version}/namespaces/test/canaries`, value)

    expect(status).toBe(422)
    expect(stringAt(body, 'message')).toContain('spec.canaryAnalysis')
    expect(readCanary(value).problems).toHaveLength(1)
  })

  it('keep nothing that the status does not have', async () => {
    const path = '/apis/flagger.app/v1beta1/namespaces/test/canaries/podinfo-0'
    const status = { phase: 'Progressing', canaryWeight: 10, failedChecks: 0, iterations: 0, nonsense: 1 }
    const patch = { method: 'PATCH', contentType: 'application/merge-patch+json' } as const

    const { body } = await cluster.transport.send({ ...patch, path: `${path}/status`, body: { status } })

    expect(at(body, 'status')).toEqual({ phase: 'Progressing', canaryWeight: 10, failedChecks: 0, iterations: 0 })
  })
})
