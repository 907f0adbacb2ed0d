import { describe, expect, it } from 'vitest'
import { Problem } from '../../src/lib/problem.ts'
import { kubernetes } from '../../src/traffic/kubernetes.ts'
import { trafficProvider } from '../../src/traffic/registry.ts'
import { splitAt } from '../../src/traffic/split.ts'
import { podinfo } from './support.ts'

function problemOf(name: string): Problem {
  try {
    trafficProvider(name, 'Canary/podinfo.test spec.provider')
  } catch (error) {
    if (error instanceof Problem) return error
  }
  throw new Error(`${name} was found`)
}

describe('traffic/registry', () => {
  it('finds the providers that are built', () => {
    for (const name of ['istio', 'gatewayapi:v1', 'kubernetes']) expect(trafficProvider(name).name).toBe(name)
  })

  it('says of a provider that is not built yet which ones work', () => {
    expect(problemOf('traefik').code).toBe('TRAFFIC_PROVIDER_UNAVAILABLE')
    expect(problemOf('traefik').toString()).toBe(
      'Canary/podinfo.test spec.provider: traffic provider "traefik" is not built yet (these work: gatewayapi:v1, istio, kubernetes)',
    )
  })

  it('tells a misspelt name from one that is not built yet', () => {
    expect(problemOf('isto').code).toBe('TRAFFIC_PROVIDER_UNKNOWN')
  })

  it('writes nothing and keeps all traffic on the primary without a mesh', () => {
    expect(kubernetes.objects(podinfo(), splitAt(40))).toEqual([])
    expect(kubernetes.read(podinfo(), [])).toEqual(splitAt(0))
  })
})
