import { describe, expect, test } from 'vitest'
import { describeRef, groupOf, refOf } from '../../src/lib/kube-object.ts'

describe('lib/kube-object', () => {
  test('an object is named with its namespace, a cluster-scoped one without', () => {
    const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'podinfo', namespace: 'test' } }

    expect(describeRef(refOf(deployment))).toBe('Deployment/podinfo.test')
    expect(describeRef({ apiVersion: 'v1', kind: 'Namespace', name: 'test' })).toBe('Namespace/test')
  })

  test.each([
    ['apps/v1', 'apps'],
    ['gateway.networking.k8s.io/v1', 'gateway.networking.k8s.io'],
    ['v1', ''],
  ])('the group of %s is "%s"', (apiVersion, group) => {
    expect(groupOf(apiVersion)).toBe(group)
  })
})
