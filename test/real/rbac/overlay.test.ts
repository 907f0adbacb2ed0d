import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { connectCluster } from '../../../src/cluster/transport-http.ts'
import { stringAt } from '../../../src/lib/json.ts'
import { manifestsInText } from '../../../src/source/manifest.ts'
import { routingKinds } from '../../../src/traffic/registry.ts'
import { groupOf } from '../../../src/lib/kube-object.ts'
import { needs } from '../../support/needs.ts'
import { controlPlane } from '../namespace.ts'
import { createJudge } from '../objects/judge.ts'
import { rightsOf, rulesIn } from './roles.ts'

const kubectl = needs('kubectl', 'kubernetes-client')
const MANIFESTS = resolve(import.meta.dirname, '../../../manifests')
const ACCOUNT = 'system:serviceaccount:serin-system:serin'

function canI(...args: readonly string[]): string {
  const { kubeconfigPath, context } = controlPlane()
  const access = ['--kubeconfig', kubeconfigPath, '--context', context, `--as=${ACCOUNT}`]
  try {
    return execFileSync(kubectl ?? 'kubectl', [...access, 'auth', 'can-i', ...args], { encoding: 'utf8' }).trim()
  } catch (error) {
    return stringAt({ stdout: error instanceof Error && 'stdout' in error ? error.stdout : '' }, 'stdout')?.trim() ?? ''
  }
}

describe.skipIf(kubectl === undefined)('the roles of manifests', { timeout: 60_000 }, () => {
  test.each([
    ['yes', 'patch', 'virtualservices.networking.istio.io', '--all-namespaces'],
    ['yes', 'patch', 'canaries.flagger.app', '--subresource=status', '-n', 'default'],
    ['yes', 'watch', 'deployments.apps', '--all-namespaces'],
    ['yes', 'get', 'secrets', '-n', 'default'],
    ['no', 'list', 'secrets', '-n', 'default'],
    ['no', 'delete', 'deployments.apps', '-n', 'default'],
    ['no', 'get', 'pods', '-n', 'default'],
    ['no', 'create', 'clusterroles.rbac.authorization.k8s.io'],
  ])('%s: %s %s %s', (answer, ...question) => {
    expect(canI(...question)).toBe(answer)
  })

  test('let Serin apply a Namespace of the source branch', async () => {
    const { kubeconfigPath, context } = controlPlane()
    const connection = await connectCluster({ userAgent: 'serin-test', kubeconfigPath, context })
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'from-git' } }
    expect(await createJudge(connection.transport).judge(namespace)).toEqual([])
    await connection.close()
    expect([canI('create', 'namespaces'), canI('patch', 'namespaces')]).toEqual(['yes', 'yes'])
  })

  test('cover the kinds of every traffic provider', () => {
    const rights = new Set(rightsOf(rulesIn('base/rbac.yaml')))
    const missing = routingKinds().filter(({ apiVersion, kind }) => {
      // Plurals of routing kinds are regular.
      const plural = `${kind.toLowerCase()}s`
      return ['get', 'list', 'watch', 'create', 'patch'].some(
        (verb) => !rights.has(`${groupOf(apiVersion)}/${plural} ${verb}`),
      )
    })
    expect(missing).toEqual([])
  })

  test('are the same in the overlay for single namespaces, but for Namespaces themselves', () => {
    const everywhere = rightsOf(rulesIn('base/rbac.yaml')).filter((right) => !right.startsWith('/namespaces '))
    expect(rightsOf(rulesIn('overlays/namespaced/role.yaml'))).toEqual(everywhere)
  })

  test('are the only ones that kustomize puts into the overlay for single namespaces', () => {
    const built = execFileSync(kubectl ?? 'kubectl', ['kustomize', `${MANIFESTS}/overlays/namespaced`], {
      encoding: 'utf8',
    })
    const objects = manifestsInText(built, 'overlay').manifests.map(({ object }) => object)
    const roles = objects.filter(({ kind }) => kind.includes('Role'))
    expect(roles.map(({ kind, metadata }) => `${kind} ${metadata.name}.${metadata.namespace}`).toSorted()).toEqual([
      'Role serin-secrets.test',
      'Role serin.test',
      'RoleBinding serin-secrets.test',
      'RoleBinding serin.test',
    ])
    const settings = objects.find(({ kind }) => kind === 'ConfigMap')
    expect(stringAt(settings, 'data', 'serin.yaml')).toContain('namespaces: [test]')
    expect(objects.filter(({ kind }) => kind === 'Deployment')).toHaveLength(1)
  })
})
