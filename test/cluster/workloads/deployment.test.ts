import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { primaryDeployment } from '../../../src/cluster/workloads/deployment.ts'
import { defaultSelectorLabels } from '../../../src/cluster/workloads/selector.ts'
import { at } from '../../../src/lib/json.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import { canaryOf, targetOf } from '../world.ts'

const options = { selectorLabels: defaultSelectorLabels }
const hpa = { kind: 'HorizontalPodAutoscaler' as const, name: 'podinfo' }

function withPods(template: Record<string, unknown>, labels = { app: 'podinfo' }): KubeObject {
  return targetOf('podinfo:1', {
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [] }, ...template },
  })
}

describe('cluster/workloads/deployment', () => {
  it('names and selects the primary apart from the target, and keeps everything else of the pods', () => {
    const primary = primaryDeployment(canaryOf(), targetOf('podinfo:7', { minReadySeconds: 3, paused: true }), options)

    expect(primary.metadata).toEqual({
      name: 'podinfo-primary',
      namespace: 'test',
      labels: { app: 'podinfo-primary' },
      annotations: {
        'kustomize.toolkit.fluxcd.io/reconcile': 'disabled',
        'helm.toolkit.fluxcd.io/driftDetection': 'disabled',
      },
    })
    expect(primary.spec).toMatchObject({
      replicas: 2,
      minReadySeconds: 3,
      selector: { matchLabels: { app: 'podinfo-primary' } },
      template: {
        metadata: { labels: { app: 'podinfo-primary', tier: 'web' }, annotations: { 'prometheus.io/scrape': 'true' } },
        spec: { containers: [{ name: 'podinfod', image: 'podinfo:7' }] },
      },
    })
    expect(primary.spec?.['paused']).toBeUndefined()
  })

  it('gives the same primary for the same target, so that an equal promotion changes nothing', () => {
    const first = primaryDeployment(canaryOf(), targetOf(), options)
    const again = primaryDeployment(canaryOf(), targetOf(), { ...options, current: first })

    expect(again).toEqual(first)
  })

  it.each([
    [{ app: 'a', name: 'b' }, 'app', 'a-primary'],
    [{ name: 'b' }, 'name', 'b-primary'],
    [{ 'app.kubernetes.io/name': 'c', other: 'd' }, 'app.kubernetes.io/name', 'c-primary'],
  ])('selects by the first known label of %o', (labels, label, value) => {
    const primary = primaryDeployment(canaryOf(), withPods({}, labels as { app: string }), options)

    expect(at(primary, 'spec', 'selector', 'matchLabels')).toEqual({ [label]: value })
    expect(at(primary, 'spec', 'template', 'metadata', 'labels')).toEqual({ ...labels, [label]: value })
  })

  it('says which labels a target lacks', () => {
    const target = targetOf('podinfo:1', { selector: { matchLabels: { component: 'x' } } })

    expect(() => primaryDeployment(canaryOf(), target, options)).toThrow(
      'Deployment podinfo.test spec.selector.matchLabels must contain one of [app name app.kubernetes.io/name]',
    )
  })

  it('refuses a primary whose selector is another one, as it cannot be changed', () => {
    const current = primaryDeployment(canaryOf(), withPods({}, { app: 'former' }), options)

    expect(() => primaryDeployment(canaryOf(), targetOf(), { ...options, current })).toThrow('cannot be changed')
  })

  it.each([
    ['the target has pods', 5, undefined, undefined, 5],
    ['the target says nothing', undefined, undefined, undefined, 1],
    ['the target is scaled to zero and there is no primary', 0, undefined, undefined, 1],
    ['the target is scaled to zero and the primary runs', 0, 4, undefined, 4],
    ['both are at zero', 0, 0, undefined, 1],
    ['an autoscaler will take over a new primary', 5, undefined, hpa, 5],
    ['an autoscaler has the primary', 5, 9, hpa, undefined],
  ])('chooses the number of pods when %s', (_, own, current, autoscalerRef, replicas) => {
    const target = targetOf('podinfo:1', { replicas: own })
    const live = current === undefined ? undefined : targetOf('podinfo:1', { replicas: current, selector: undefined })
    const canary = canaryOf(autoscalerRef === undefined ? {} : { autoscalerRef })

    expect(primaryDeployment(canary, target, { ...options, current: live }).spec?.['replicas']).toBe(replicas)
  })

  it('never gives a primary zero pods', () => {
    const count = fc.option(fc.nat({ max: 3 }), { nil: undefined })
    fc.assert(
      fc.property(count, count, fc.boolean(), (own, current, hasPrimary) => {
        const live = hasPrimary ? targetOf('podinfo:1', { replicas: current, selector: undefined }) : undefined
        const primary = primaryDeployment(canaryOf(), targetOf('podinfo:1', { replicas: own }), {
          ...options,
          current: live,
        })
        expect(primary.spec?.['replicas']).toBeGreaterThan(0)
      }),
    )
  })

  it('keeps the pods of the primary apart from each other, not from the target', () => {
    const selector = { matchExpressions: [{ key: 'app', operator: 'In', values: ['podinfo', 'other'] }] }
    const required = [{ topologyKey: 'host', labelSelector: { matchLabels: { app: 'podinfo', tier: 'web' } } }]
    const preferred = [{ weight: 5, podAffinityTerm: { topologyKey: 'zone', labelSelector: selector } }]
    const target = withPods({
      spec: {
        containers: [],
        affinity: {
          podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required },
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: required,
            preferredDuringSchedulingIgnoredDuringExecution: preferred,
          },
        },
        topologySpreadConstraints: [{ maxSkew: 1, labelSelector: selector }],
      },
    })

    const spec = at(primaryDeployment(canaryOf(), target, options), 'spec', 'template', 'spec')

    const renamed = { matchExpressions: [{ key: 'app', operator: 'In', values: ['podinfo-primary', 'other'] }] }
    expect(spec).toMatchObject({
      affinity: {
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required },
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { labelSelector: { matchLabels: { app: 'podinfo-primary', tier: 'web' } } },
          ],
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 5, podAffinityTerm: { labelSelector: renamed } }],
        },
      },
      topologySpreadConstraints: [{ maxSkew: 1, labelSelector: renamed }],
    })
  })

  it('takes only the wanted labels and annotations of the target, and none that tools keep books with', () => {
    const target = {
      ...targetOf(),
      metadata: {
        ...targetOf().metadata,
        labels: { 'team/name': 'blue', other: 'x', 'kustomize.toolkit.fluxcd.io/name': 'fleet' },
        annotations: { 'team/contact': 'c', 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
      },
    }
    const some = primaryDeployment(canaryOf(), target, { ...options, includeLabelPrefixes: ['team/'] })
    const all = primaryDeployment(canaryOf(), target, { ...options, includeLabelPrefixes: ['*'] })

    expect(some.metadata.labels).toEqual({ 'team/name': 'blue', app: 'podinfo-primary' })
    expect(Object.keys(some.metadata.annotations ?? {})).toContain('team/contact')
    expect(all.metadata.labels).toEqual({ 'team/name': 'blue', other: 'x', app: 'podinfo-primary' })
    expect(JSON.stringify(all.metadata.annotations)).not.toContain('last-applied')
  })
})
