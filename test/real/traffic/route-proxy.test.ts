import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import { weightsOf } from './route-proxy.ts'

function virtualService(...route: readonly { host: string; weight?: number }[]): KubeObject {
  const destinations = route.map(({ host, weight }) => ({
    destination: { host },
    ...(weight === undefined ? {} : { weight }),
  }))
  const spec = { http: [{ route: destinations }] }
  return { apiVersion: 'networking.istio.io/v1beta1', kind: 'VirtualService', metadata: { name: 'app' }, spec }
}

function httpRoute(...backendRefs: readonly { name: string; weight?: number }[]): KubeObject {
  const spec = { rules: [{ backendRefs: [...backendRefs] }] }
  return { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'app' }, spec }
}

describe('what a proxy reads in a route', () => {
  test('the weights of both sides, in any order', () => {
    const canary = { host: 'app-canary', weight: 30 }
    const primary = { host: 'app-primary', weight: 70 }
    expect(weightsOf(virtualService(primary, canary), 'app')).toEqual({ primary: 70, canary: 30 })
    expect(weightsOf(virtualService(canary, primary), 'app')).toEqual({ primary: 70, canary: 30 })
    const refs = [
      { name: 'app-canary', weight: 0 },
      { name: 'app-primary', weight: 100 },
    ]
    expect(weightsOf(httpRoute(...refs), 'app')).toEqual({ primary: 100, canary: 0 })
  })

  test('nothing in a route that leads elsewhere', () => {
    expect(weightsOf(virtualService({ host: 'other', weight: 100 }), 'app')).toBeUndefined()
    expect(weightsOf(httpRoute({ name: 'app-primary', weight: 100 }), 'app')).toBeUndefined()
  })

  test('weights that are no whole are refused, not guessed', () => {
    const sides = [{ host: 'app-primary', weight: 90 }, { host: 'app-canary' }]
    expect(() => weightsOf(virtualService(...sides), 'app')).toThrow('VirtualService/app has the weights 90 and 0')
    // Left out it is 1 in this API.
    expect(() => weightsOf(httpRoute({ name: 'app-primary' }, { name: 'app-canary' }), 'app')).toThrow('1 and 1')
  })
})
