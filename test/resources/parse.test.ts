import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Canary } from '../../src/resources/canary.ts'
import {
  parseAlertProvider,
  parseCanary,
  parseMetricTemplate,
  placeInCluster,
  readCanary,
} from '../../src/resources/parse.ts'
import { readDocuments } from '../../src/yaml/read.ts'

const fixture = (name: string): string =>
  readFileSync(new URL(`../fixtures/canaries/${name}.yaml`, import.meta.url), 'utf8')

function parse(text: string): ReturnType<typeof parseCanary> {
  const file = readDocuments(text, 'c.yaml')
  const [document] = file.documents
  if (document === undefined) throw new Error('the test data has no document')
  return parseCanary(document.value, document.placeOf, 'strict')
}

function canaryOf(text: string): Canary {
  const { canary, problems } = parse(text)
  if (canary === undefined) throw new Error(problems.map(String).join('\n'))
  return canary
}

const problemsAfter = (search: string | RegExp, replacement: string): string[] => {
  const text = fixture('v1beta1')
  const changed = text.replace(search, replacement)
  expect(changed).not.toBe(text)
  return parse(changed).problems.map(String)
}

describe('resources/parse', () => {
  it('reads a Canary of v1beta1 with all of its parts', () => {
    const canary = canaryOf(fixture('v1beta1'))

    expect(canary.spec.analysis?.metrics?.[2]?.templateRef).toEqual({ name: 'error-ratio', namespace: 'monitoring' })
    expect(canary.spec.service.targetPort).toBe('http')
    expect(canary.spec.service.trafficPolicy?.loadBalancer?.simple).toBe('LEAST_REQUEST')
  })

  it('reads a Canary of v1alpha1 as v1beta1', () => {
    const canary = canaryOf(fixture('v1alpha1'))

    expect(canary.apiVersion).toBe('flagger.app/v1beta1')
    expect(canary.spec.analysis).toEqual({
      interval: '1m',
      threshold: 5,
      maxWeight: 50,
      stepWeight: 10,
      metrics: [
        { name: 'request-success-rate', threshold: 99, interval: '1m' },
        { name: 'request-duration', threshold: 500, interval: '30s' },
      ],
    })
  })

  it('reads a Canary of v1alpha2 and v1alpha3 as v1beta1', () => {
    for (const version of ['v1alpha2', 'v1alpha3']) {
      const canary = canaryOf(fixture('v1alpha3').replace('v1alpha3', version))

      expect(canary.spec.analysis?.interval).toBe('10s')
      expect(canary.spec.analysis?.webhooks?.[0]?.name).toBe('load-test')
    }
  })

  it('names the field and its place in the file as they were written, also in an older version', () => {
    const { problems } = parse(fixture('v1alpha3').replace('maxWeight: 50', 'maxWeight: 150'))

    expect(problems.map(String)).toEqual([
      'c.yaml:25:16: spec.canaryAnalysis.maxWeight: 150 is more than 100 (percentages go from 0 to 100)',
    ])
  })

  it.each<[string, string | RegExp, string, string]>([
    [
      'a percentage above 100',
      'stepWeight: 5',
      'stepWeight: 101',
      'c.yaml:71:17: spec.analysis.stepWeight: 101 is more than 100',
    ],
    ['a percentage below 0', 'maxWeight: 50', 'maxWeight: -1', 'spec.analysis.maxWeight: -1 is less than 0'],
    ['a percentage that is no whole number', 'maxWeight: 50', 'maxWeight: 5.5', 'must be a whole number, not 5.5'],
    ['a percentage as text', 'maxWeight: 50', 'maxWeight: "50"', 'must be a number, not "50"'],
    [
      'an unknown field',
      'stepWeight: 5\n',
      'stepWeigth: 5\n',
      'c.yaml:71:5: spec.analysis.stepWeigth: unknown field (did you mean stepWeight?)',
    ],
    [
      'an unknown field deep inside',
      'exact: https',
      'exactly: https',
      'corsPolicy.allowOrigins[0].exactly: unknown field (did you mean exact?)',
    ],
    [
      'an unknown top-level field',
      'spec:',
      'specs: {}\nspec:',
      'c.yaml:6:1: specs: unknown field (did you mean spec?)',
    ],
    [
      'an unknown provider',
      'provider: istio',
      'provider: isto',
      'spec.provider: unknown value "isto" (did you mean istio?)',
    ],
    ['a provider far from all', 'provider: istio', 'provider: haproxy', 'one of apisix, appmesh'],
    [
      'a bad duration',
      'interval: 1m\n    threshold',
      'interval: 1 minute\n    threshold',
      'spec.analysis.interval: "1 minute" is no duration (write whole',
    ],
    ['hours', 'interval: 1m\n    threshold', 'interval: 1h\n    threshold', '"1h" is no duration'],
    [
      'a duration that only begins right',
      'interval: 1m\n    threshold',
      'interval: 1min\n    threshold',
      '"1min" is no duration',
    ],
    ['a number for a duration', 'interval: 1m\n    threshold', 'interval: 60\n    threshold', 'must be text, not 60'],
    [
      'an unknown kind of target',
      'kind: Deployment',
      'kind: StatefulSet',
      'spec.targetRef.kind: unknown value "StatefulSet" (one of DaemonSet, Deployment, Service)',
    ],
    ['a missing field', '    port: 9898\n', '', 'c.yaml:19:3: spec.service.port: is missing'],
    ['a missing name', '  name: podinfo\n', '', 'c.yaml:3:1: metadata.name: is missing'],
    [
      'no interval',
      '    interval: 1m\n    threshold',
      '    threshold',
      'c.yaml:67:3: spec.analysis: interval is missing',
    ],
    ['no threshold', '    threshold: 10\n', '', 'spec.analysis: threshold is missing'],
    [
      'no steps',
      /    maxWeight: 50\n    stepWeight: 5\n/,
      '',
      'spec.analysis: has no steps (give one of stepWeight, stepWeights or iterations)',
    ],
    ['steps of nothing', 'stepWeight: 5\n', 'stepWeight: 0\n', 'spec.analysis: has no steps'],
    [
      'a built-in metric misspelt',
      'name: request-success-rate',
      'name: request-sucess-rate',
      '(did you mean request-success-rate?)',
    ],
    ['bounds the wrong way round', 'min: 99', 'min: 99\n          max: 1', 'thresholdRange: min 99 is more than max 1'],
    [
      'the old name of analysis',
      '  analysis:',
      '  canaryAnalysis:',
      'c.yaml:67:3: spec.canaryAnalysis: unknown field (since v1beta1 its name is analysis)',
    ],
    [
      'the same cookie twice',
      'cookieName: session',
      'cookieName: session\n      primaryCookieName: session',
      'primaryCookieName: must differ',
    ],
    ['Knative by halves', 'provider: istio', 'provider: knative', 'go together only'],
    [
      'an unknown version',
      'v1beta1',
      'v1beta2',
      'apiVersion: unknown value "flagger.app/v1beta2" (did you mean flagger.app/v1beta1?)',
    ],
    [
      'a list for a map',
      /service:\n    name: podinfo\n(.*\n)*?  analysis/,
      'service: []\n  analysis',
      'spec.service: must be a map, not a list',
    ],
  ])('says what is wrong with %s', (_, search, replacement, message) => {
    const problems = problemsAfter(search, replacement)

    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(message)
  })

  it('reports every fault at once', () => {
    const text = fixture('v1beta1')
      .replace('stepWeight: 5\n', 'stepWeight: 500\n')
      .replace('provider: istio', 'provider: x')

    expect(parse(text).problems).toHaveLength(2)
  })

  it('needs no steps when the analysis is skipped', () => {
    const canary = canaryOf(
      fixture('v1beta1').replace(/ {2}analysis:\n( {4}.*\n)*/, '  skipAnalysis: true\n  analysis: {}\n'),
    )

    expect(canary.spec.skipAnalysis).toBe(true)
  })

  it('ignores fields it does not know in an object from the API server', () => {
    const { value } = readDocuments(fixture('v1beta1'), '').documents[0]!
    const object = structuredClone(value) as { spec: Record<string, unknown>; status?: unknown }
    object.spec['later'] = { x: 1 }
    ;(object.spec['service'] as Record<string, unknown>)['later'] = 1
    object.status = { phase: 5 }

    const { canary, problems } = parseCanary(object, placeInCluster(object), 'pruning')

    expect(problems).toEqual([])
    expect(canary).toEqual(canaryOf(fixture('v1beta1')))
    expect(object.spec).toHaveProperty('later')
  })

  it.each(['v1alpha1', 'v1alpha3'])(
    'reads what was applied as %s and is given back as v1beta1 as before',
    (version) => {
      const { value } = readDocuments(fixture(version), '').documents[0]!
      const stored = { ...(value as object), apiVersion: 'flagger.app/v1beta1', status: { phase: 'Initialized' } }

      const { canary, problems } = readCanary(stored)

      expect(problems).toEqual([])
      expect(canary).toEqual(canaryOf(fixture(version)))
      expect(readCanary(value).canary).toEqual(canary)
    },
  )

  it('names a rule that is broken by the field that was written', () => {
    const { value } = readDocuments(fixture('v1alpha1').replace(/ +stepWeight: 10\n/, ''), '').documents[0]!

    expect(readCanary(value).problems.map(String)).toEqual([
      'Canary/podinfo.test: spec.canaryAnalysis: has no steps (give one of stepWeight, stepWeights or iterations)',
    ])
  })

  it('goes by analysis where an object has canaryAnalysis too', () => {
    const { value } = readDocuments(fixture('v1beta1'), '').documents[0]!
    const object = structuredClone(value) as { spec: Record<string, unknown> }
    object.spec['canaryAnalysis'] = { threshold: 1, stepWeight: 50 }

    expect(readCanary(object).canary).toEqual(canaryOf(fixture('v1beta1')))
  })

  it('names the object from the API server when it is wrong', () => {
    const { value } = readDocuments(fixture('v1beta1').replace('stepWeight: 5', 'stepWeight: 101'), '').documents[0]!

    expect(parseCanary(value, placeInCluster(value), 'pruning').problems.map(String)).toEqual([
      'Canary/podinfo.test: spec.analysis.stepWeight: 101 is more than 100 (percentages go from 0 to 100)',
    ])
  })

  it.each([[null], ['text'], [[]], [{}], [{ spec: null }], [{ spec: { analysis: [] } }]])('survives %j', (value) => {
    expect(parseCanary(value, placeInCluster(value), 'strict').problems).not.toEqual([])
    expect(parseCanary(value, placeInCluster(value), 'pruning').problems).not.toEqual([])
  })

  it('reads MetricTemplates and AlertProviders', () => {
    const template = {
      apiVersion: 'flagger.app/v1beta1',
      kind: 'MetricTemplate',
      metadata: { name: 'a', namespace: 'b' },
      spec: { provider: { type: 'prometheus', address: 'http://p' }, query: 'up' },
    }
    const alert = {
      ...template,
      kind: 'AlertProvider',
      spec: { type: 'slack', address: 'https://hooks', channel: 'x' },
    }

    expect(parseMetricTemplate(template, placeInCluster(template), 'strict').metricTemplate?.spec.query).toBe('up')
    expect(parseAlertProvider(alert, placeInCluster(alert), 'strict').alertProvider?.spec.type).toBe('slack')
    expect(parseMetricTemplate(alert, placeInCluster(alert), 'strict').problems.map(String)).toContain(
      'AlertProvider/a.b: spec.query: is missing',
    )
  })
})
