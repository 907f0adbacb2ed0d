import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { validateFiles } from '../../src/source/validate.ts'

const canary = readFileSync(new URL('../fixtures/canaries/v1alpha3.yaml', import.meta.url), 'utf8')
const others = `apiVersion: apps/v1
kind: Deployment
metadata: { name: podinfo, namespace: test }
spec: { template: { spec: { containers: [{ name: app, image: podinfo }] } } }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: podinfo, namespace: test }
`
const validate = (files: Record<string, string>): string[] =>
  validateFiles(Object.entries(files).map(([path, text]) => ({ path, text }))).map(String)

describe('source/validate', () => {
  it('finds nothing wrong with a good repository', () => {
    const files = { 'apps/canary.yaml': canary, 'apps/podinfo.yaml': others, 'serin.yaml': 'cluster: { name: prod }' }

    expect(validate(files)).toEqual([])
  })

  it.each<[string, Record<string, string>, string[]]>([
    [
      'a percentage out of range',
      { 'c.yaml': canary.replace('stepWeight: 10', 'stepWeight: 110') },
      ['c.yaml:26:17: spec.canaryAnalysis.stepWeight: 110 is more than 100 (percentages go from 0 to 100)'],
    ],
    [
      'an unknown field',
      { 'c.yaml': canary.replace('stepWeight: 10', 'stepWeigth: 10') },
      ['c.yaml:26:5: spec.canaryAnalysis.stepWeigth: unknown field (did you mean stepWeight?)'],
    ],
    [
      'an unknown provider',
      { 'c.yaml': canary.replace('spec:', 'spec:\n  provider: istioo') },
      ['c.yaml:7:13: spec.provider: unknown value "istioo" (did you mean istio?)'],
    ],
    [
      'a bad duration',
      { 'c.yaml': canary.replace('interval: 10s', 'interval: 10 s') },
      [
        'c.yaml:23:15: spec.canaryAnalysis.interval: "10 s" is no duration (write whole seconds or minutes, for example 30s or 1m)',
      ],
    ],
    ['broken YAML', { 'c.yaml': canary.replace('service:', 'service: {') }, ['c.yaml:24:', 'c.yaml:']],
    [
      'a missing target',
      { 'o.yaml': others.replace('kind: Deployment', 'kind: StatefulSet') },
      ['c.yaml:7:3: the target Deployment/podinfo.test is not in the repository (add it, or let it be in the cluster)'],
    ],
    [
      'two canaries on one target',
      { 'd.yaml': canary.replace('name: podinfo', 'name: second') },
      [
        'c.yaml:7:3: Deployment/podinfo.test is the target of second at d.yaml:1:1 too',
        'd.yaml:7:3: Deployment/podinfo.test is the target of podinfo at c.yaml:1:1 too',
      ],
    ],
    [
      'a setting that does not exist',
      { 'serin.yaml': 'repositories: {}' },
      ['serin.yaml:1:1: repositories: unknown field (did you mean repository?)'],
    ],
  ])('names the place of %s', (name, files, expected) => {
    const found = validate({ 'c.yaml': canary, 'o.yaml': others, ...files })

    if (name === 'broken YAML') expect(found[0]).toMatch(/^c\.yaml:\d+:\d+: /)
    else {
      expect(found).toHaveLength(expected.length)
      expected.forEach((message, nth) => expect(found[nth]).toContain(message))
    }
  })

  it('reports in the order of files and lines', () => {
    const twice = canary.replace('maxWeight: 50', 'maxWeight: 500').replace('port: 9898', 'port: 0')

    expect(
      validate({ 'b.yaml': twice, 'a.yaml': 'apiVersion: v1\nkind: Service\nmetadata: {}\n' }).map(
        (text) => text.split(' ')[0],
      ),
    ).toEqual(['a.yaml:3:1:', 'b.yaml:17:11:', 'b.yaml:25:16:'])
  })
})
