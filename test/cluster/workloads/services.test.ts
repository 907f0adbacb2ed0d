import { describe, expect, it } from 'vitest'
import { canaryServices, portsOf, serviceCleanup } from '../../../src/cluster/workloads/services.ts'
import { defaultSelectorLabels } from '../../../src/cluster/workloads/selector.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import { canaryOf, targetOf } from '../world.ts'

const options = { selectorLabels: defaultSelectorLabels }
const flux = {
  'kustomize.toolkit.fluxcd.io/reconcile': 'disabled',
  'helm.toolkit.fluxcd.io/driftDetection': 'disabled',
}

function withContainers(containers: readonly object[]): KubeObject {
  return targetOf('podinfo:1', { template: { metadata: {}, spec: { containers } } })
}

describe('cluster/workloads/services', () => {
  it('selects the primary for users and for the primary Service, the target for the canary Service', () => {
    const { apex, primary, canary } = canaryServices(canaryOf(), targetOf(), options)

    expect(
      [apex, primary, canary].map((one) => [one.metadata.name, one.spec?.['selector'], one.metadata.labels]),
    ).toEqual([
      ['podinfo', { app: 'podinfo-primary' }, { app: 'podinfo' }],
      ['podinfo-primary', { app: 'podinfo-primary' }, { app: 'podinfo-primary' }],
      ['podinfo-canary', { app: 'podinfo' }, { app: 'podinfo-canary' }],
    ])
    expect(apex.metadata.annotations).toEqual(flux)
    expect(apex.spec?.['type']).toBeUndefined()
  })

  it('carries what the Canary says about its Services', () => {
    const service = {
      name: 'web',
      port: 80,
      portName: 'grpc',
      targetPort: 'api',
      appProtocol: 'kubernetes.io/h2c',
      headless: true,
      trafficDistribution: 'PreferClose' as const,
      apex: { labels: { team: 'blue' }, annotations: { note: 'hello', mine: 'no' } },
      unmanagedMetadata: { annotations: ['mine'] },
    }
    const { apex, canary } = canaryServices(canaryOf({ service }), targetOf(), options)

    expect(apex.metadata).toMatchObject({
      name: 'web',
      labels: { app: 'web', team: 'blue' },
      annotations: { ...flux, note: 'hello' },
    })
    expect(apex.metadata.annotations).not.toHaveProperty('mine')
    expect(canary.metadata).toMatchObject({ name: 'web-canary', labels: { app: 'web-canary' } })
    expect(canary.spec).toMatchObject({
      clusterIP: 'None',
      trafficDistribution: 'PreferClose',
      ports: [{ name: 'grpc', protocol: 'TCP', port: 80, targetPort: 'api', appProtocol: 'kubernetes.io/h2c' }],
    })
  })

  it('leaves labels and annotations of a Service alone that was there before', () => {
    const live: KubeObject = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'podinfo', namespace: 'test' } }
    const owned = {
      ...live,
      metadata: {
        ...live.metadata,
        ownerReferences: [{ apiVersion: 'a', kind: 'Canary', name: 'podinfo', uid: 'c0ffee', controller: true }],
      },
    }

    expect(canaryServices(canaryOf(), targetOf(), { ...options, liveApex: live }).apex.metadata).toEqual(live.metadata)
    expect(canaryServices(canaryOf(), targetOf(), { ...options, liveApex: owned }).apex.metadata.annotations).toEqual(
      flux,
    )
  })

  it('finds the other ports of the containers, but not those of a mesh or of the Service itself', () => {
    const target = withContainers([
      {
        name: 'web',
        ports: [{ containerPort: 9898, name: 'api' }, { containerPort: 9797, name: 'metrics' }, { containerPort: 7 }],
      },
      { name: 'side', ports: [{ containerPort: 53, protocol: 'UDP', name: 'dns' }, { containerPort: 9797 }] },
      { name: 'again', ports: [{ containerPort: 8, name: 'http' }] },
      { name: 'istio-proxy', ports: [{ containerPort: 15090, name: 'envoy-prom' }] },
    ])
    const ports = portsOf(canaryOf({ service: { port: 80, targetPort: 'api', portDiscovery: true } }), target)

    expect(ports.map((port) => [port['name'], port['port'], port['protocol']])).toEqual([
      ['http', 80, 'TCP'],
      ['metrics', 9797, 'TCP'],
      ['tcp-web-2', 7, 'TCP'],
      ['dns', 53, 'UDP'],
      ['tcp-again-0', 8, 'TCP'],
    ])
  })

  it('takes foreign selector labels and ports from a live Service, and keeps node ports', () => {
    const { apex } = canaryServices(canaryOf(), targetOf(), options)
    const live = (spec: object): KubeObject => ({ ...apex, spec: { ...apex.spec, ...spec } })
    const ports = [{ name: 'http', port: 80, targetPort: 8080, nodePort: 30080 }]

    expect(serviceCleanup(apex, apex)).toBeUndefined()
    expect(serviceCleanup(live({ clusterIP: '10.0.0.1', sessionAffinity: 'ClientIP' }), apex)).toBeUndefined()
    expect(serviceCleanup(live({ selector: { app: 'podinfo', version: 'v1' }, ports }), apex)).toEqual({
      spec: {
        selector: { app: 'podinfo-primary', version: null },
        ports: [{ name: 'http', protocol: 'TCP', port: 9898, targetPort: 9898, nodePort: 30080 }],
      },
    })
  })
})
