import { resolve } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { autoscalerVersions } from '../../../src/cluster/workloads/autoscaler.ts'
import { createClient, type Client } from '../../../src/cluster/client.ts'
import { isObject, stringAt, type Json, type JsonObject } from '../../../src/lib/json.ts'
import { refOf, type KubeObject } from '../../../src/lib/kube-object.ts'
import { Problem } from '../../../src/lib/problem.ts'
import { statusOf, stalledStatus } from '../../../src/reconciler/canary-status.ts'
import { Service } from '../../../src/resources/canary/service.ts'
import { crdSchema } from '../../../src/resources/crd-schema.ts'
import { crds } from '../../../src/resources/crds.ts'
import { splitAt } from '../../../src/traffic/split.ts'
import { install, objectsBelow } from '../../cluster/control-plane/furnish.ts'
import { sharedData } from '../../support/shared-data.ts'
import { schemaComplaints } from '../../traffic/crd-schemas.ts'
import { analysisSamples, builtProviders, fieldSamples, sampleCanary, SPLITS, written } from './canary-samples.ts'
import { checkRules } from './cel-rules.ts'
import { createJudge, type Judge } from './judge.ts'
import { openPlace, type Place } from './own-control-plane.ts'
import { publishedDefinitions, REPLACEMENTS, schemaFor, type Published } from './published.ts'
import { randomService } from './random-service.ts'
import { isBuiltIn, unknownToRecent } from './recent-fields.ts'
import { serviceSamples } from './service-samples.ts'
import { STATES } from './states.ts'
import { autoscaler, events, primaries, richTarget, services } from './workload-samples.ts'

const MANIFESTS = resolve(import.meta.dirname, '../../../manifests')
const NAMESPACE = 'test'
/** A minor version that knows every field. */
const NEWEST = 99
const providers = builtProviders()
const hasPublished = sharedData('crds') !== undefined
if (!hasPublished) console.log('left out: what the published definitions of the meshes take (SERIN_SHARED names them)')

let place: Place
let client: Client
let judge: Judge
let published: readonly Published[] = []
let definitions: readonly KubeObject[] = []

beforeAll(async () => {
  place = await openPlace()
  client = createClient(place.connection.transport)
  judge = createJudge(place.connection.transport)
  published = (await publishedDefinitions()) ?? []
  definitions = published.filter(({ folder }) => !(folder in REPLACEMENTS)).flatMap((one) => one.definitions)
  await install(client, [...crds(), ...definitions])
  for (const name of [NAMESPACE, 'serin-system']) {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
    await client.apply(namespace, { fieldManager: 'serin-test', force: true })
  }
}, 120_000)

afterAll(async () => {
  await place.close()
})

interface Titled {
  readonly title: string
  readonly object: KubeObject
}

/** What the schemas say, without any server: newer than the server's, and with rules that an old server does not check. */
function bySchema({ title, object }: Titled): readonly string[] {
  const schema = schemaFor([...definitions, ...crds()], object)
  if (isBuiltIn(object)) return unknownToRecent(object).map((path) => `${title} | unknown ${path}`)
  if (!isObject(schema)) return [`${title} | no schema of ${object.apiVersion} ${object.kind}`]
  const found = [...schemaComplaints(schema, object), ...checkRules(schema, object as Json).failed]
  return found.map((complaint) => `${title} | ${object.kind} by its schema ${complaint}`)
}

async function judged(objects: readonly Titled[]): Promise<readonly string[]> {
  return [...(await judge.judgeAll(objects)), ...objects.flatMap(bySchema)]
}

/** What one provider writes for every sample, and for every split. */
function routesOf(provider: (typeof providers)[number]): readonly Titled[] {
  const samples = [...fieldSamples(NAMESPACE, place.minor), ...analysisSamples(NAMESPACE)]
  const bySample = samples.map(({ title, canary }) => ({ title, canary, split: splitAt(50) }))
  const bySplit = SPLITS.map((split) => ({
    title: JSON.stringify(split),
    canary: sampleCanary(NAMESPACE, {}, { analysis: { interval: '1m', threshold: 1, stepWeight: 1, mirrorWeight: 5 } }),
    split,
  }))
  return [...bySample, ...bySplit].flatMap(({ title, canary, split }) => {
    const objects = written(provider, canary, split)
    return objects instanceof Problem ? [] : objects.map((object) => ({ title: `${provider.name} ${title}`, object }))
  })
}

describe('the samples', () => {
  test('have every field of spec.service, however deep', () => {
    const wanted = fieldPaths(crdSchema(Service), '')
    const there = new Set(
      Object.entries(serviceSamples).flatMap(([field, values]) =>
        values.flatMap((value: unknown) => valuePaths(value as Json, `.${field}`)),
      ),
    )

    expect(wanted.filter((path) => !there.has(path))).toEqual([])
  })

  test.each(providers)('of provider $name give objects of exactly its kinds', (provider) => {
    const kinds = new Set(routesOf(provider).map(({ object: { apiVersion, kind } }) => `${apiVersion} ${kind}`))
    expect([...kinds].toSorted()).toEqual(provider.kinds.map((one) => `${one.apiVersion} ${one.kind}`).toSorted())
  })
})

describe.skipIf(!hasPublished)('with the published definitions, a server takes all that is written for', () => {
  test.each(providers)(
    'provider $name: each field of spec.service, each weight',
    async (provider) => {
      expect(await judged(routesOf(provider))).toEqual([])
    },
    120_000,
  )

  test('any provider and any valid spec.service, as the schemas and their rules say', () => {
    fc.assert(
      fc.property(randomService(NEWEST), fc.integer({ min: 0, max: 100 }), (service, weight) => {
        const canary = sampleCanary(NAMESPACE, service)
        const routes = providers.flatMap((provider) => {
          const objects = written(provider, canary, splitAt(weight))
          return objects instanceof Problem ? [] : objects
        })
        expect([asObject(canary), ...routes].flatMap((object) => bySchema({ title: '', object }))).toEqual([])
      }),
      { numRuns: 60 },
    )
  }, 120_000)

  test('any provider and any valid spec.service', async () => {
    const property = fc.asyncProperty(
      randomService(place.minor),
      fc.integer({ min: 0, max: 100 }),
      fc.constantFrom(...providers),
      async (service, weight, provider) => {
        const canary = sampleCanary(NAMESPACE, service)
        const routes = written(provider, canary, splitAt(weight))
        const all = [asObject(canary), ...services(canary), ...(routes instanceof Problem ? [] : routes)]
        expect(await judged(all.map((object) => ({ title: provider.name, object })))).toEqual([])
      },
    )
    await fc.assert(property, { numRuns: 12, endOnFailure: true })
  }, 120_000)
})

describe('a server takes', () => {
  test('the Services of every sample', async () => {
    const all = fieldSamples(NAMESPACE, place.minor).flatMap(({ title, canary }) =>
      services(canary).map((object) => ({ title, object })),
    )
    expect(await judged(all)).toEqual([])
  }, 120_000)

  test('the Canary of every sample', async () => {
    const samples = [...fieldSamples(NAMESPACE, place.minor), ...analysisSamples(NAMESPACE)]
    expect(await judged(samples.map(({ title, canary }) => ({ title, object: asObject(canary) })))).toEqual([])
  }, 120_000)

  test('every primary workload, autoscaler and copied config', async () => {
    const served = await servedAutoscaler()
    const all = [richTarget(NAMESPACE), ...primaries(NAMESPACE, served)]
    expect(await judge.judgeAll(all.map((object) => ({ title: 'primary', object })))).toEqual([])
    // Served or not, what is written for the newest version fits its description.
    const newest = [...primaries(NAMESPACE, 'autoscaling/v2'), autoscaler(NAMESPACE, 'autoscaling/v2')]
    expect(newest.flatMap(unknownToRecent)).toEqual([])
  })

  test('every event', async () => {
    expect(await judged(events(NAMESPACE).map((object) => ({ title: 'event', object })))).toEqual([])
  })

  test('the status of every phase, without losing a field', async () => {
    const stored = await client.apply(asObject(sampleCanary(NAMESPACE)), { fieldManager: 'serin', force: true })
    const problem = new Problem({ kind: 'stalled', code: 'X', message: 'no', place: 'here', hint: 'do it' })
    for (const state of STATES) {
      for (const body of [
        statusOf(state, 'Deployment', undefined, 0),
        statusOf(state, 'Deployment', undefined, 0, problem),
        stalledStatus(statusOf(state, 'Deployment', undefined, 0), problem, 0),
      ]) {
        const got = await judge.dryRun.patch(refOf(stored), {
          type: 'merge',
          body: { status: body },
          fieldManager: 'serin',
          subresource: 'status',
        })
        expect(got.status, state.phase).toEqual(JSON.parse(JSON.stringify(body)))
      }
    }
  })

  test('the definitions of its own kinds, and everything of manifests', async () => {
    const served = await servedAutoscaler()
    const files = await objectsBelow(MANIFESTS)
    // An autoscaler is written in the newest version that the cluster serves; its shape is the same.
    const objects = [...crds(), ...files].map((object) =>
      object.kind === 'HorizontalPodAutoscaler' ? { ...object, apiVersion: served } : object,
    )
    const deployable = objects.filter(({ apiVersion }) => !apiVersion.startsWith('kustomize.config.k8s.io'))
    expect(deployable.length).toBeGreaterThan(15)
    expect(await judge.judgeAll(deployable.map((object) => ({ title: 'manifests', object })))).toEqual([])
  })
})

describe.skipIf(!hasPublished)('what judges here', () => {
  test('sees a field that the server drops without a word, and one of a wrong type', async () => {
    const [route] = written(providers[0]!, sampleCanary(NAMESPACE), splitAt(1)) as KubeObject[]
    const misspelt = { ...route!, spec: { ...route!.spec, hostnamse: ['a.example.com'] } }
    const wrong = { ...route!, spec: { ...route!.spec, rules: 'all' } }
    expect((await judge.judge(misspelt)).join()).toContain('hostnamse')
    expect((await judge.judge(wrong)).join()).toContain('spec.rules')
    expect(bySchema({ title: '', object: misspelt }).join()).toContain('hostnamse')
  })

  test('holds objects against the rules in CEL of the definitions, but those that are beyond the embedded evaluator', () => {
    const objects = providers.flatMap(routesOf).map(({ object }) => object)
    const verdicts = objects.map((object) => checkRules(schemaFor(definitions, object), object as Json))
    const unknown = new Set(verdicts.flatMap((verdict) => verdict.unknown))
    const passed = verdicts.reduce((sum, verdict) => sum + verdict.passed, 0)
    console.log(`rules in CEL that only a server from 1.25 on checks: ${unknown.size}; checked here: ${passed} times`)
    expect(passed).toBeGreaterThan(100)
    const filters = [
      { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } } },
    ]
    const bad = { rules: [{ matches: [{ path: { type: 'Exact', value: '/' } }], filters }] }
    const kind = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: '' } }
    const httpRoute = schemaFor(definitions, kind)
    expect(checkRules(httpRoute, { spec: bad }).failed).not.toEqual([])
  })
})

describe.skipIf(!hasPublished)('with definitions that replace others', () => {
  test.each(Object.keys(REPLACEMENTS))(
    '%s: a server takes what is written for its kinds',
    async (folder) => {
      if (!place.isOwn) {
        console.log(`left out: ${folder}, on a control plane that others use`)
        return
      }
      const others = published.find((one) => one.folder === folder)?.definitions ?? []
      for (const definition of others) await removeDefinition(definition)
      await install(client, others)
      const kinds = new Set(others.map(({ spec }) => stringAt(spec, 'names', 'kind') ?? ''))
      const concerned = providers.filter((provider) => provider.kinds.some(({ kind }) => kinds.has(kind)))
      expect(await judge.judgeAll(concerned.flatMap(routesOf))).toEqual([])
    },
    120_000,
  )
})

async function removeDefinition(definition: KubeObject): Promise<void> {
  await client.delete(refOf(definition))
  for (const endMs = Date.now() + 20_000; (await client.get(refOf(definition))) !== undefined;) {
    if (Date.now() > endMs) throw new Error(`${definition.metadata.name} does not go`)
    await new Promise((go) => setTimeout(go, 50))
  }
}

async function servedAutoscaler(): Promise<string> {
  for (const apiVersion of autoscalerVersions) {
    if (await client.serves({ apiVersion, kind: 'HorizontalPodAutoscaler' })) return apiVersion
  }
  throw new Error('no autoscaler version is served')
}

function asObject(canary: ReturnType<typeof sampleCanary>): KubeObject {
  return JSON.parse(JSON.stringify(canary)) as KubeObject
}

/** The paths of the fields that a schema describes, items of lists and values of maps as `*`. */
function fieldPaths(schema: JsonObject, path: string): readonly string[] {
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  const below = Object.entries(properties).flatMap(([key, member]) =>
    isObject(member) ? fieldPaths(member, `${path}.${key}`) : [],
  )
  const [items, values] = [schema['items'], schema['additionalProperties']]
  const inner = isObject(items) ? items : isObject(values) ? values : undefined
  const deeper = inner === undefined ? [] : fieldPaths(inner, `${path}.*`)
  return [...(path === '' ? [] : [path]), ...below, ...deeper]
}

/** The paths of the fields of a value, with every key and index as itself and as `*`. */
function valuePaths(value: Json, path: string): readonly string[] {
  const members: readonly (readonly [string, Json | undefined])[] = Array.isArray(value)
    ? value.map((item: Json): [string, Json] => ['*', item])
    : isObject(value)
      ? Object.entries(value).flatMap(([key, member]) => [[key, member] as const, ['*', member] as const])
      : []
  const below = members.flatMap(([key, member]) => (member === undefined ? [] : valuePaths(member, `${path}.${key}`)))
  return [path, ...below]
}
