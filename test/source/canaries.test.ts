import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { canariesIn } from '../../src/source/canaries.ts'
import { createManifestCache, readManifests, readManifestTexts } from '../../src/source/manifests.ts'
import { revisionHash } from '../../src/source/revision.ts'

const canary = (name = 'podinfo', target = name): string => `
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: { name: ${name}, namespace: test }
spec:
  targetRef: { apiVersion: apps/v1, kind: Deployment, name: ${target} }
  service: { port: 9898 }
  analysis: { interval: 1m, threshold: 5, stepWeight: 10 }
`
const deployment = (name = 'podinfo', image = 'podinfo:6.0.0'): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: test }
spec:
  replicas: 2
  template:
    spec: { containers: [{ name: app, image: "${image}" }] }
`
const read = (files: Record<string, string>): ReturnType<typeof canariesIn> & { all: string[] } => {
  const { manifests, problems } = readManifestTexts(Object.entries(files).map(([path, text]) => ({ path, text })))
  const found = canariesIn(manifests)
  const all = [...problems, ...found.problems, ...found.canaries.flatMap((source) => [...source.problems])]
  return { ...found, all: all.map(String) }
}

describe('source/manifests', () => {
  it('fills in the namespace where the kind has one', () => {
    const { manifests } = readManifestTexts([
      {
        path: 'a.yaml',
        text: 'apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: b}',
      },
    ])

    expect(manifests.map(({ object }) => object.metadata)).toEqual([{ name: 'a', namespace: 'default' }, { name: 'b' }])
  })

  it('takes the items of a List one by one, with their places', () => {
    const text =
      'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: b\n'
    const { manifests } = readManifestTexts([{ path: 'l.yaml', text }])

    expect(manifests.map(({ place, index }) => [place, index])).toEqual([
      ['l.yaml:4:3', 0],
      ['l.yaml:7:3', 0],
    ])
    expect(manifests[1]?.placeOf(['metadata', 'name'])).toBe('l.yaml:10:11')
  })

  it('reads YAML and JSON and passes over everything else', () => {
    const text = '{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}'
    const paths = ['a.json', 'b.yml', 'c.YAML', 'd.md', 'e.yaml.bak']
    const others = [
      { path: 'values.yaml', text: 'image: x' },
      { path: 'kind.yaml', text: 'apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\nnodes: []' },
      { path: 'empty.yaml', text: '# apiVersion: v1\n' },
    ]

    const { manifests, problems } = readManifestTexts([...paths.map((path) => ({ path, text })), ...others])

    expect(problems).toEqual([])
    expect(manifests.map(({ file }) => file)).toEqual(['a.json', 'b.yml', 'c.YAML'])
  })

  it('leaves out Kustomize folders and Helm charts and says so once for each', () => {
    const text = 'apiVersion: v1\nkind: Service\nmetadata: {name: a}'
    const paths = [
      'apps/a.yaml',
      'chart/Chart.yaml',
      'chart/templates/a.yaml',
      'k/base/kustomization.yaml',
      'k/base/a.yaml',
      'k/base/x/kustomization.yaml',
      'k/other.yaml',
    ]

    const { manifests, problems } = readManifestTexts(paths.map((path) => ({ path, text })))

    expect(manifests.map(({ file }) => file)).toEqual(['apps/a.yaml', 'k/other.yaml'])
    expect(problems.map(({ place, code }) => `${place} ${code}`)).toEqual([
      'chart/Chart.yaml SOURCE_NOT_SUPPORTED',
      'k/base/kustomization.yaml SOURCE_NOT_SUPPORTED',
    ])
  })

  it('leaves out everything when the root is a Kustomize folder', () => {
    const text = 'apiVersion: v1\nkind: Service\nmetadata: {name: a}'

    expect(
      readManifestTexts(['kustomization.yaml', 'a.yaml', 'b/c.yaml'].map((path) => ({ path, text }))).manifests,
    ).toEqual([])
  })

  it('names the files that could not be read in full, so that what they held does not count as deleted', () => {
    const text = 'apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\nb: "'

    const { manifests, unreadable } = readManifestTexts([
      { path: 'a.yaml', text },
      { path: 'b.yaml', text: text.slice(0, -2) },
    ])

    expect(manifests).toHaveLength(2)
    expect(unreadable).toEqual(['a.yaml'])
  })

  it('names an object without a name', () => {
    expect(read({ 'a.yaml': 'apiVersion: v1\nkind: Service\nmetadata:\n  labels: {}\n' }).all).toEqual([
      'a.yaml:3:1: Service has no metadata.name',
    ])
  })

  it('reads a blob again only when it changed', async () => {
    const blobs = new Map([
      ['1', canary()],
      ['2', deployment()],
      ['3', deployment('podinfo', 'podinfo:7.0.0')],
    ])
    const asked: string[] = []
    const textOf = (oid: string): Promise<string | null> => {
      asked.push(oid)
      return Promise.resolve(blobs.get(oid) ?? null)
    }
    const file = (path: string, oid: string) => ({ path, oid, mode: '100644' as const })
    const cache = createManifestCache()

    await readManifests([file('c.yaml', '1'), file('d.yaml', '2'), file('x.go', '9')], textOf, cache)
    const second = await readManifests([file('c.yaml', '1'), file('d.yaml', '3'), file('bad.yaml', '8')], textOf, cache)

    expect(asked).toEqual(['1', '2', '3', '8'])
    expect(cache.size).toBe(3)
    expect(JSON.stringify(second.manifests)).toContain('podinfo:7.0.0')
    expect(second.problems.map(String)).toEqual(['bad.yaml: is no UTF-8 text or is larger than 1 MiB'])
  })
})

describe('source/canaries', () => {
  it('finds the target, the autoscaler and the metric templates of a canary', () => {
    const text = `${canary().replace('stepWeight: 10 }', 'stepWeight: 10, metrics: [{ name: m, templateRef: { name: t } }] }')}  autoscalerRef: { apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, name: podinfo }
---${deployment()}
---
apiVersion: autoscaling/v2beta2
kind: HorizontalPodAutoscaler
metadata: { name: podinfo, namespace: test }
---
apiVersion: flagger.app/v1beta1
kind: MetricTemplate
metadata: { name: t, namespace: test }
spec: { provider: { type: prometheus }, query: up }
`
    const { canaries, all } = read({ 'all.yaml': text })

    expect(all).toEqual([])
    expect(canaries[0]?.target?.object.kind).toBe('Deployment')
    expect(canaries[0]?.autoscaler?.object.apiVersion).toBe('autoscaling/v2beta2')
    expect([...canaries[0]!.metricTemplates.keys()]).toEqual(['test/t'])
  })

  it('takes a manifest without a namespace for the namespace default', () => {
    const strip = (text: string): string => text.replace(', namespace: test', '')

    expect(read({ 'a.yaml': strip(canary()), 'b.yaml': strip(deployment()) }).canaries[0]?.target).toBeDefined()
    expect(read({ 'a.yaml': canary(), 'b.yaml': strip(deployment()) }).canaries[0]?.target).toBeUndefined()
  })

  it('waits for a target that is not in the repository', () => {
    const { canaries, all } = read({ 'a.yaml': canary() })

    expect(all).toEqual([
      'a.yaml:6:3: the target Deployment/podinfo.test is not in the repository (add it, or let it be in the cluster)',
    ])
    expect(canaries[0]?.problems.map(({ kind, code }) => `${kind} ${code}`)).toEqual(['wait SOURCE_TARGET_MISSING'])
  })

  it('stalls two canaries on one target, each naming the other', () => {
    const { canaries } = read({
      'a.yaml': canary('one', 'podinfo'),
      'b.yaml': canary('two', 'podinfo'),
      'c.yaml': deployment(),
    })

    expect(canaries.map(({ problems }) => problems.map(String))).toEqual([
      [
        'a.yaml:6:3: Deployment/podinfo.test is the target of two at b.yaml:2:1 too (a target belongs to one canary: remove the others)',
      ],
      [
        'b.yaml:6:3: Deployment/podinfo.test is the target of one at a.yaml:2:1 too (a target belongs to one canary: remove the others)',
      ],
    ])
    expect(canaries.every(({ problems }) => problems.every(({ kind }) => kind === 'stalled'))).toBe(true)
  })

  it('stalls a canary whose target is there twice', () => {
    const { canaries, problems } = read({ 'a.yaml': canary(), 'b.yaml': deployment(), 'c.yaml': deployment() })

    expect(problems.map(String)).toEqual([
      'c.yaml:2:1: Deployment/podinfo.test is there already, at b.yaml:2:1 (keep one of them)',
    ])
    expect(canaries[0]?.problems.map(({ code }) => code)).toEqual(['SOURCE_OBJECT_TWICE'])
  })

  it('goes on with the other canaries when one is broken', () => {
    const { canaries, broken } = read({
      'a.yaml': canary().replace('stepWeight: 10', 'stepWeight: 110'),
      'b.yaml': `${canary('other')}---${deployment('other')}`,
      'c.yaml': 'apiVersion: [',
    })

    expect(canaries.map(({ canary: { metadata } }) => metadata.name)).toEqual(['other'])
    expect(broken.map(({ name, namespace, place }) => `${namespace}/${name} ${place}`)).toEqual([
      'test/podinfo a.yaml:2:1',
    ])
  })
})

describe('source/revision', () => {
  const hashOf = (text: string): string =>
    revisionHash(readManifestTexts([{ path: 'd.yaml', text }]).manifests[0]!.object)

  it('is the same for the same pod template, whatever else changes', () => {
    const reordered = deployment().replace(
      '{ name: app, image: "podinfo:6.0.0" }',
      '{ image: podinfo:6.0.0, name: app }',
    )
    const scaled = deployment().replace('replicas: 2', 'replicas: 7')

    expect(hashOf(deployment())).toMatch(/^[0-9a-f]{16}$/)
    expect(hashOf(reordered)).toBe(hashOf(deployment()))
    expect(hashOf(scaled)).toBe(hashOf(deployment()))
  })

  it('differs when the image does', () => {
    expect(hashOf(deployment('podinfo', 'podinfo:6.0.1'))).not.toBe(hashOf(deployment()))
  })

  it('reads the Canaries of older versions from files', () => {
    const text = readFileSync(new URL('../fixtures/canaries/v1alpha1.yaml', import.meta.url), 'utf8')

    expect(read({ 'c.yaml': text }).canaries[0]?.canary.spec.analysis?.maxWeight).toBe(50)
  })
})
