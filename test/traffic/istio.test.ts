import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { at } from '../../src/lib/json.ts'
import type { KubeObject } from '../../src/lib/kube-object.ts'
import { istio } from '../../src/traffic/istio.ts'
import { splitAt } from '../../src/traffic/split.ts'
import { complaints, missing } from './crd-schemas.ts'
import { podinfo } from './support.ts'

function route(objects: readonly KubeObject[]): KubeObject {
  return objects.find((object) => object.kind === 'VirtualService')!
}

describe('traffic/istio', () => {
  it('writes a rule for each Service and a weighted route for the apex', () => {
    const objects = istio.objects(podinfo({ hosts: ['app.example.com'], gateways: ['public'] }), splitAt(20))

    expect(objects.map((object) => `${object.kind}/${object.metadata.name}`)).toEqual([
      'DestinationRule/podinfo-primary',
      'DestinationRule/podinfo-canary',
      'VirtualService/podinfo',
    ])
    expect(route(objects).spec).toEqual({
      hosts: ['app.example.com', 'podinfo'],
      gateways: ['public'],
      http: [
        {
          route: [
            { destination: { host: 'podinfo-primary' }, weight: 80 },
            { destination: { host: 'podinfo-canary' }, weight: 20 },
          ],
        },
      ],
    })
  })

  it('serves the mesh when no gateway is named, and does not add the apex to a host of "*"', () => {
    expect(at(route(istio.objects(podinfo(), splitAt(0))).spec, 'gateways')).toEqual(['mesh'])
    expect(at(route(istio.objects(podinfo({ hosts: ['*'] }), splitAt(0))).spec, 'hosts')).toEqual(['*'])
  })

  it('carries the labels and annotations of service.apex and those that keep Flux away', () => {
    const apex = { labels: { team: 'a' }, annotations: { note: 'b' } }

    const { metadata } = route(istio.objects(podinfo({ apex }), splitAt(0)))

    expect(metadata.labels).toEqual({ team: 'a' })
    expect(metadata.annotations).toEqual({
      note: 'b',
      'kustomize.toolkit.fluxcd.io/reconcile': 'disabled',
      'helm.toolkit.fluxcd.io/driftDetection': 'disabled',
    })
  })

  it('passes rewrite, timeout, retries, CORS, headers and the traffic policy on', () => {
    const fields = {
      rewrite: { uri: '/', type: 'ReplaceFullPath' },
      timeout: '15s',
      retries: { attempts: 3, perTryTimeout: '1s', retryOn: '5xx' },
      corsPolicy: { allowOrigins: [{ exact: 'https://example.com' }], maxAge: '24h' },
      headers: { request: { add: { a: 'b' } } },
    }
    const trafficPolicy = { tls: { mode: 'ISTIO_MUTUAL' } }

    const objects = istio.objects(podinfo({ ...fields, trafficPolicy }), splitAt(0))

    expect(at(route(objects).spec, 'http', 0)).toMatchObject({ ...fields, rewrite: { uri: '/' } })
    expect(objects[0]!.spec).toEqual({ host: 'podinfo-primary', trafficPolicy })
  })

  it('turns a suffix match, which Istio lacks, into the regular expression that means the same', () => {
    const canary = podinfo({ match: [{ headers: { cookie: { suffix: 'a.b' } }, uri: { suffix: '/x' } }] })

    const match = at(route(istio.objects(canary, splitAt(0))).spec, 'http', 0, 'match', 0)

    expect(match).toEqual({ headers: { cookie: { regex: '.*a\\.b' } }, uri: { regex: '.*/x' } })
  })

  it('turns a suffix among the origins of a CORS policy into a regular expression: Istio would drop it without a word', () => {
    const corsPolicy = { allowOrigins: [{ suffix: '.example.com' }, { exact: 'https://a' }], maxAge: '1h' }

    const written = at(route(istio.objects(podinfo({ corsPolicy }), splitAt(0))).spec, 'http', 0, 'corsPolicy')

    const allowOrigins = [{ regex: '.*\\.example\\.com' }, { exact: 'https://a' }]
    expect(written).toEqual({ allowOrigins, maxAge: '1h' })
  })

  it('names the port when the Service has several and clients come through a gateway', () => {
    const several = { portDiscovery: true, gateways: ['public'] }

    const destination = at(route(istio.objects(podinfo(several), splitAt(0))).spec, 'http', 0, 'route', 1)
    const inMesh = at(route(istio.objects(podinfo({ portDiscovery: true }), splitAt(0))).spec, 'http', 0, 'route', 1)

    expect(destination).toEqual({ destination: { host: 'podinfo-canary', port: { number: 9898 } }, weight: 0 })
    expect(inMesh).toEqual({ destination: { host: 'podinfo-canary' }, weight: 0 })
  })

  it('routes TCP by port when the protocol is tcp', () => {
    const canary = podinfo({ appProtocol: 'tcp', match: [{ port: 7001, uri: { prefix: '/' } }] })

    const { spec } = route(istio.objects(canary, splitAt(30)))

    expect(at(spec, 'tcp', 0, 'match')).toEqual([{ port: 7001 }])
    expect(at(spec, 'tcp', 0, 'route', 0, 'weight')).toBe(70)
    expect(at(spec, 'http')).toBeUndefined()
  })

  it('leaves hosts and gateways out of a delegate, and refuses them there', () => {
    const { spec } = route(istio.objects(podinfo({ delegation: true, portDiscovery: true }), splitAt(0)))

    expect(at(spec, 'hosts')).toBeUndefined()
    expect(at(spec, 'http', 0, 'route', 0, 'destination', 'port')).toEqual({ number: 9898 })
    expect(() => istio.objects(podinfo({ delegation: true, hosts: ['a'] }), splitAt(0))).toThrow(/no hosts/)
  })

  it('mirrors to the canary while the split asks for it', () => {
    const split = { primary: 100, canary: 0, mirrored: true }

    const objects = istio.objects(podinfo(), split)

    expect(at(route(objects).spec, 'http', 0, 'mirror')).toEqual({ host: 'podinfo-canary' })
    expect(istio.read(podinfo(), objects)).toEqual(split)
    expect(() => istio.objects(podinfo({ appProtocol: 'tcp' }), split)).toThrow(/TCP/)
  })

  it('reads no split from a missing route, another namespace, or weights edited into nonsense', () => {
    const canary = podinfo()
    const [first, second, written] = istio.objects(canary, splitAt(20))
    const edited = structuredClone(written!)
    Object.assign(at(edited.spec, 'http', 0, 'route', 0) as object, { weight: 20 })

    expect(istio.read(canary, [])).toBeUndefined()
    expect(istio.read(canary, [first!, second!, edited])).toBeUndefined()
    const elsewhere = { ...written!, metadata: { ...written!.metadata, namespace: 'prod' } }
    expect(istio.read(canary, [elsewhere])).toBeUndefined()
    expect(istio.pending(canary, [])).toMatch(/VirtualService\/podinfo.test does not exist/)
    expect(istio.pending(canary, [written!])).toBeUndefined()
  })

  it('reads the split when hosts are written in full', () => {
    const canary = podinfo()
    const text = JSON.stringify(istio.objects(canary, splitAt(15))).replaceAll(
      /"host":"(podinfo-\w+)"/g,
      '"host":"$1.test.svc.cluster.local"',
    )

    expect(istio.read(canary, JSON.parse(text) as KubeObject[])).toEqual(splitAt(15))
  })

  const text = fc.stringMatching(/^[a-z]{1,8}$/)
  const services = fc.record(
    {
      name: text,
      hosts: fc.array(text, { maxLength: 3 }),
      gateways: fc.array(text, { maxLength: 2 }),
      portDiscovery: fc.boolean(),
      appProtocol: fc.constantFrom('http', 'tcp', 'grpc'),
      timeout: fc.constantFrom('5s', '1m'),
      match: fc.array(fc.record({ uri: fc.record({ prefix: text }), port: fc.integer({ min: 1, max: 9000 }) }), {
        maxLength: 3,
      }),
      headers: fc.record({ request: fc.record({ set: fc.dictionary(text, text) }) }),
      trafficPolicy: fc.constant({ loadBalancer: { simple: 'ROUND_ROBIN' } }),
    },
    { requiredKeys: [] },
  )

  it('reads back every weight that it writes, whatever the Service', () => {
    fc.assert(
      fc.property(services, fc.integer({ min: 0, max: 100 }), (service, weight) => {
        const canary = podinfo(service)
        expect(istio.read(canary, istio.objects(canary, splitAt(weight)))).toEqual(splitAt(weight))
      }),
    )
  })

  it.skipIf(missing !== undefined)('writes what the published CRDs take', () => {
    fc.assert(
      fc.property(services, fc.integer({ min: 0, max: 100 }), (service, weight) => {
        for (const object of istio.objects(podinfo(service), splitAt(weight))) {
          expect(complaints('istio/crds.yaml', object)).toEqual([])
        }
      }),
      { numRuns: 20 },
    )
  })

  it.skipIf(missing !== undefined)('is told by the published CRDs when a field is wrong', () => {
    const [rule] = istio.objects(podinfo({ trafficPolicy: { tls: { mode: 'MAYBE', x: 1 } } }), splitAt(0))

    expect(complaints('istio/crds.yaml', rule!)).toHaveLength(2)
  })
})
