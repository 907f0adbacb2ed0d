import { describe, expect, it } from 'vitest'
import {
  configChecksum,
  configKey,
  configRefs,
  isTrackedConfig,
  primaryConfig,
} from '../../../src/cluster/workloads/configs.ts'
import { primaryDeployment } from '../../../src/cluster/workloads/deployment.ts'
import { defaultSelectorLabels } from '../../../src/cluster/workloads/selector.ts'
import { at } from '../../../src/lib/json.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import { canaryOf, targetOf } from '../world.ts'

const podSpec = {
  volumes: [
    { name: 'a', configMap: { name: 'settings' } },
    { name: 'b', secret: { secretName: 'keys', optional: true } },
    {
      name: 'c',
      projected: { sources: [{ configMap: { name: 'more' } }, { secret: { name: 'certs' } }, { downwardAPI: {} }] },
    },
    { name: 'd', emptyDir: {} },
  ],
  initContainers: [{ name: 'init', envFrom: [{ configMapRef: { name: 'settings', optional: true } }] }],
  containers: [
    {
      name: 'web',
      env: [
        { name: 'A', valueFrom: { secretKeyRef: { name: 'keys', key: 'a' } } },
        { name: 'B', valueFrom: { configMapKeyRef: { name: 'flags', key: 'b', optional: true } } },
        { name: 'C', value: 'settings' },
      ],
      envFrom: [{ secretRef: { name: 'tokens' }, prefix: 'X_' }],
    },
  ],
}

function config(kind: string, more: object, annotations = {}): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { name: 'settings', namespace: 'test', annotations }, ...more }
}

describe('cluster/workloads/configs', () => {
  it('finds every ConfigMap and Secret that a pod reads, and which of them it can do without', () => {
    const found = configRefs(podSpec).map((ref) => `${configKey(ref)}${ref.optional ? '?' : ''}`)

    expect(new Set(found)).toEqual(
      new Set([
        'configmap/settings',
        'configmap/more',
        'configmap/flags?',
        'secret/keys',
        'secret/certs',
        'secret/tokens',
      ]),
    )
    expect(found).toHaveLength(6)
  })

  it('lets the primary read its own copies, and changes nothing else', () => {
    const target = targetOf('podinfo:1', { template: { metadata: {}, spec: podSpec } })
    const copiedConfigs = new Set(['configmap/settings', 'secret/keys', 'secret/certs', 'secret/tokens'])

    const primary = primaryDeployment(canaryOf(), target, { selectorLabels: defaultSelectorLabels, copiedConfigs })

    const names = ['settings', 'keys', 'certs', 'tokens'].join('|')
    const expected = JSON.stringify(podSpec).replaceAll(new RegExp(`ame":"(${names})"`, 'g'), 'ame":"$1-primary"')
    expect(at(primary, 'spec', 'template', 'spec')).toEqual(JSON.parse(expected))
    expect(expected).toContain('"value":"settings"')
  })

  it('copies all data, binary data too, and the type of a Secret', () => {
    const secret = config('Secret', { type: 'kubernetes.io/tls', data: { a: 'MQ==' }, immutable: true })
    const map = config('ConfigMap', { data: { a: '1' }, binaryData: { b: 'MQ==' } })

    expect(primaryConfig(canaryOf(), secret)).toMatchObject({
      metadata: { name: 'settings-primary' },
      type: 'kubernetes.io/tls',
      data: { a: 'MQ==' },
    })
    expect(primaryConfig(canaryOf(), secret)).not.toHaveProperty('immutable')
    expect(primaryConfig(canaryOf(), map)).toMatchObject({ data: { a: '1' }, binaryData: { b: 'MQ==' } })
  })

  it('sees a change of binary data, and none in another order of keys', () => {
    const one = configChecksum(config('ConfigMap', { data: { a: '1', b: '2' } }))

    expect(configChecksum(config('ConfigMap', { data: { b: '2', a: '1' } }))).toBe(one)
    expect(configChecksum(config('ConfigMap', { data: { a: '1', b: '2' }, binaryData: { c: 'MQ==' } }))).not.toBe(one)
    expect(one).toMatch(/^[0-9a-f]{16}$/)
  })

  it('follows no config that says so, nor Secrets that others manage', () => {
    expect(isTrackedConfig(config('ConfigMap', {}))).toBe(true)
    expect(isTrackedConfig(config('ConfigMap', {}, { 'flagger.app/config-tracking': 'disabled' }))).toBe(false)
    expect(isTrackedConfig(config('Secret', { type: 'Opaque' }))).toBe(true)
    expect(isTrackedConfig(config('Secret', { type: 'kubernetes.io/service-account-token' }))).toBe(false)
  })
})
