import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { at } from '../../src/lib/json.ts'
import type { KubeObject } from '../../src/lib/kube-object.ts'
import { gatewayApi } from '../../src/traffic/gatewayapi.ts'
import { splitAt } from '../../src/traffic/split.ts'
import { complaints, missing } from './crd-schemas.ts'
import { podinfo } from './support.ts'

const gatewayRefs = [{ name: 'public', namespace: 'istio-ingress' }]

function route(service: object, weight = 0): KubeObject {
  return gatewayApi.objects(podinfo({ gatewayRefs, ...service }), splitAt(weight))[0]!
}

function accepted(status: string, observedGeneration: number, more: object = {}): object {
  const condition = { type: 'Accepted', status, observedGeneration, ...more }
  return { parents: [{ parentRef: gatewayRefs[0], controllerName: 'x', conditions: [condition] }] }
}

describe('traffic/gatewayapi', () => {
  it('writes one route with a weighted rule', () => {
    const { kind, spec } = route({ hosts: ['app.example.com'], timeout: '30s', backendTimeout: '5s' }, 20)

    expect(kind).toBe('HTTPRoute')
    expect(spec).toEqual({
      parentRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'public', namespace: 'istio-ingress' }],
      hostnames: ['app.example.com'],
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: '/' } }],
          backendRefs: [
            { kind: 'Service', name: 'podinfo-primary', port: 9898, weight: 80 },
            { kind: 'Service', name: 'podinfo-canary', port: 9898, weight: 20 },
          ],
          timeouts: { request: '30s', backendRequest: '5s' },
        },
      ],
    })
  })

  it('says that a gateway is missing', () => {
    expect(() => gatewayApi.objects(podinfo(), splitAt(0))).toThrow(/at least one gateway/)
  })

  it('serves all hosts without a hostname when one host is "*"', () => {
    expect(at(route({ hosts: ['*'] }).spec, 'hostnames')).toBeUndefined()
  })

  it('prefers regex over exact over prefix in a path, and sorts headers by name', () => {
    const match = [
      { uri: { prefix: '/a', exact: '/b', regex: '/c.*' } },
      { uri: { prefix: '/a' }, method: { exact: 'GET' }, headers: { z: { exact: '1' }, a: { regex: '2' } } },
    ]

    expect(at(route({ match }).spec, 'rules', 0, 'matches')).toEqual([
      { path: { type: 'RegularExpression', value: '/c.*' } },
      {
        path: { type: 'PathPrefix', value: '/a' },
        method: 'GET',
        headers: [
          { name: 'a', type: 'RegularExpression', value: '2' },
          { name: 'z', type: 'Exact', value: '1' },
        ],
      },
    ])
  })

  it('refuses a condition that it cannot express, with its place, instead of dropping it', () => {
    const problem = (match: object): string => {
      try {
        route({ match: [match] })
        return 'written'
      } catch (error) {
        return String(error)
      }
    }

    expect(problem({ headers: { x: { prefix: 'a' } } })).toMatch('Canary/podinfo.test spec.service.match[0].headers.x:')
    expect(problem({ sourceLabels: { app: 'a' } })).toMatch('spec.service.match[0].sourceLabels:')
    expect(problem({ method: { regex: 'a' } })).toMatch('spec.service.match[0].method:')
  })

  it('writes header, rewrite, mirror and CORS filters in that order', () => {
    const service = {
      headers: { request: { set: { b: '2', a: '1' }, remove: ['c'] }, response: { add: { d: '4' } } },
      rewrite: { uri: '/', authority: 'inner', type: 'ReplacePrefixMatch' },
      mirror: [{ backendRef: { group: '', kind: 'Service', name: 'shadow', port: 80 } }],
      corsPolicy: { allowOrigin: ['https://example.com'], allowMethods: ['GET'], maxAge: '1h' },
    }

    expect(at(route(service).spec, 'rules', 0, 'filters')).toEqual([
      {
        type: 'RequestHeaderModifier',
        requestHeaderModifier: {
          set: [
            { name: 'a', value: '1' },
            { name: 'b', value: '2' },
          ],
          remove: ['c'],
        },
      },
      { type: 'ResponseHeaderModifier', responseHeaderModifier: { add: [{ name: 'd', value: '4' }] } },
      {
        type: 'URLRewrite',
        urlRewrite: { hostname: 'inner', path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } },
      },
      {
        type: 'RequestMirror',
        requestMirror: { backendRef: { kind: 'Service', name: 'shadow', port: 80 } },
      },
      { type: 'CORS', cors: { allowOrigins: ['https://example.com'], allowMethods: ['GET'], maxAge: 3600 } },
    ])
  })

  it('names the core group by leaving it out: Kubernetes before 1.21 takes an empty text for null', () => {
    const canary = podinfo({ gatewayRefs, mirror: [{ backendRef: { group: '', name: 'shadow', port: 80 } }] })
    const mirrored = gatewayApi.objects(canary, { primary: 100, canary: 0, mirrored: true })

    expect(JSON.stringify(mirrored)).not.toContain('""')
    expect(gatewayApi.read(canary, mirrored)?.mirrored).toBe(true)
  })

  it('says that a prefix can be replaced only where one was matched, before the cluster refuses the route', () => {
    const rewrite = { uri: '/v2', type: 'ReplacePrefixMatch' }
    const prefix = { uri: { prefix: '/v1' } }

    for (const match of [[], [prefix], [{ method: { exact: 'GET' } }]]) {
      expect(JSON.stringify(route({ rewrite, match }))).toContain('"replacePrefixMatch":"/v2"')
    }
    for (const match of [[prefix, prefix], [{ uri: { exact: '/v1' } }], [{ uri: { regex: '/v.' } }]]) {
      expect(() => route({ rewrite, match })).toThrow(/exactly one match is by the prefix/)
    }
  })

  it('tells a mirror to the canary from a permanent one', () => {
    const canary = podinfo({ gatewayRefs, mirror: [{ backendRef: { name: 'shadow', port: 80 } }] })
    const mirrored = { primary: 100, canary: 0, mirrored: true }

    expect(gatewayApi.read(canary, gatewayApi.objects(canary, mirrored))).toEqual(mirrored)
    expect(gatewayApi.read(canary, gatewayApi.objects(canary, splitAt(0)))).toEqual(splitAt(0))
  })

  it('waits until every gateway has accepted what is written', () => {
    const canary = podinfo({ gatewayRefs })
    const written = route({})
    const live = (status: object): KubeObject =>
      ({ ...written, metadata: { ...written.metadata, generation: 3 }, status }) as KubeObject

    expect(gatewayApi.pending(canary, [])).toBe('HTTPRoute/podinfo.test does not exist yet')
    expect(gatewayApi.pending(canary, [live({})])).toBe(
      'HTTPRoute/podinfo.test waits for Gateway "public": it has not reported yet',
    )
    expect(gatewayApi.pending(canary, [live(accepted('True', 2))])).toMatch(/has not seen generation 3 yet/)
    const refusal = { reason: 'NotAllowedByListeners', message: 'no' }
    expect(gatewayApi.pending(canary, [live(accepted('False', 3, refusal))])).toMatch(
      /not accepted, NotAllowedByListeners: no$/,
    )
    expect(gatewayApi.pending(canary, [live(accepted('True', 3))])).toBeUndefined()
  })

  const text = fc.stringMatching(/^[a-z]{1,8}$/)
  const services = fc.record(
    {
      name: text,
      hosts: fc.array(fc.constantFrom('a.example.com', 'b.example.com', '*')),
      timeout: fc.constantFrom('5s', '1m'),
      match: fc.array(fc.record({ uri: fc.record({ prefix: text.map((path) => `/${path}`) }) }), { maxLength: 3 }),
      headers: fc.record({ request: fc.record({ set: fc.dictionary(text, text) }) }),
      mirror: fc.array(fc.record({ backendRef: fc.record({ name: text, port: fc.constant(80) }) }), { maxLength: 2 }),
    },
    { requiredKeys: [] },
  )

  it('reads back every weight that it writes, whatever the Service', () => {
    fc.assert(
      fc.property(services, fc.integer({ min: 0, max: 100 }), (service, weight) => {
        const canary = podinfo({ gatewayRefs, ...service })
        expect(gatewayApi.read(canary, gatewayApi.objects(canary, splitAt(weight)))).toEqual(splitAt(weight))
      }),
    )
  })

  it.skipIf(missing !== undefined)('writes what the published CRD takes', () => {
    fc.assert(
      fc.property(services, fc.integer({ min: 0, max: 100 }), (service, weight) => {
        expect(complaints('gateway-api/httproutes.yaml', route(service, weight))).toEqual([])
      }),
      { numRuns: 20 },
    )
  })
})
