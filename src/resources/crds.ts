import type { z } from 'zod'
import { isObject, type Json, type JsonObject } from '../lib/json.ts'
import type { KubeObject } from '../lib/kube-object.ts'
import { AlertProviderSpec } from './alert-provider.ts'
import { CanarySpec } from './canary.ts'
import { Analysis } from './canary/analysis.ts'
import { crdSchema } from './crd-schema.ts'
import { MetricTemplateSpec } from './metric-template.ts'
import { CanaryStatusFields, ResourceStatusFields } from './status.ts'

/** The versions of Canary before v1beta1; the other kinds are younger. */
const OLDER_CANARIES = ['v1alpha3', 'v1alpha2', 'v1alpha1'] as const

/**
 * The CustomResourceDefinitions of the group flagger.app, made from the schemas that manifests are read with.
 *
 * v1beta1 is stored. Of Canary the versions v1alpha1 to v1alpha3 are served too, without a conversion: the server changes
 * the apiVersion only. So all versions have the same fields, the former `canaryAnalysis` among them, and what was applied
 * in one version is there in all of them; `readCanary` knows what it means. There are no CEL rules, as kubectl refuses
 * them on servers before Kubernetes 1.23: what only they could say, Serin says when it reads the object.
 */
export function crds(): readonly KubeObject[] {
  return [canaries(), metricTemplates(), alertProviders()]
}

function canaries(): KubeObject {
  return definition({
    kind: 'Canary',
    description: 'How a workload is released: its new revisions are tried out step by step before they are promoted.',
    plural: 'canaries',
    columns: [
      column('Status', 'string', '.status.phase'),
      column('Weight', 'integer', '.status.canaryWeight'),
      column('Suspended', 'boolean', '.spec.suspend', 1),
      column('FailedChecks', 'integer', '.status.failedChecks', 1),
      analysisColumn('Interval', 'string', 'interval'),
      analysisColumn('Mirror', 'boolean', 'mirror'),
      analysisColumn('StepWeight', 'integer', 'stepWeight'),
      analysisColumn('StepWeights', 'string', 'stepWeights'),
      analysisColumn('MaxWeight', 'integer', 'maxWeight'),
      column('LastTransitionTime', 'string', '.status.lastTransitionTime'),
    ],
    spec: canarySpec(),
    status: CanaryStatusFields,
    older: OLDER_CANARIES,
  })
}

function canarySpec(): JsonObject {
  const spec = crdSchema(CanarySpec)
  const { properties } = spec
  if (!isObject(properties)) return spec
  const description = 'Name of analysis before v1beta1; read only when there is no analysis.'
  const canaryAnalysis = { ...crdSchema(Analysis), description }
  return { ...spec, properties: { ...properties, canaryAnalysis }, anyOf: completeAnalysis() }
}

/**
 * An analysis that is not skipped needs an interval, a threshold and some kind of steps; under its former name the first
 * two were implied. All versions have the same rule: who writes the status of an object writes it as v1beta1, and the
 * server then checks all of it.
 */
function completeAnalysis(): Json {
  const steps = ['stepWeight', 'stepWeights', 'iterations']
  const complete = steps.map((kind) => ({ required: ['interval', 'threshold', kind] }))
  const completeAsBefore = steps.map((kind) => ({ required: [kind] }))
  return [
    { properties: { analysis: { anyOf: complete }, canaryAnalysis: { anyOf: completeAsBefore } } },
    { required: ['skipAnalysis'], properties: { skipAnalysis: { enum: [true] } } },
  ]
}

function metricTemplates(): KubeObject {
  return definition({
    kind: 'MetricTemplate',
    description: 'A query that the analysis of many canaries can use.',
    plural: 'metrictemplates',
    columns: [column('Provider', 'string', '.spec.provider.type')],
    spec: crdSchema(MetricTemplateSpec),
    status: ResourceStatusFields,
  })
}

function alertProviders(): KubeObject {
  return definition({
    kind: 'AlertProvider',
    description: 'Where messages about rollouts are sent.',
    plural: 'alertproviders',
    columns: [column('Type', 'string', '.spec.type')],
    spec: { ...crdSchema(AlertProviderSpec), oneOf: [{ required: ['address'] }, { required: ['secretRef'] }] },
    status: ResourceStatusFields,
  })
}

function column(name: string, type: string, jsonPath: string, priority = 0): JsonObject {
  return { name, type, jsonPath, ...(priority === 0 ? {} : { priority }) }
}

/** A column of `kubectl get canaries -o wide` with a field of the analysis, by whichever name it was written. */
function analysisColumn(name: string, type: string, field: string): JsonObject {
  return column(name, type, `.spec['analysis','canaryAnalysis'].${field}`, 1)
}

interface Definition {
  readonly kind: string
  readonly description: string
  readonly plural: string
  readonly columns: readonly JsonObject[]
  readonly spec: JsonObject
  readonly status: z.ZodType
  readonly older?: readonly string[]
}

function definition(given: Definition): KubeObject {
  const { kind, plural } = given
  const singular = kind.toLowerCase()
  const older = (given.older ?? []).map((name) => ({
    ...version(name, given),
    deprecated: true,
    deprecationWarning: `flagger.app/${name} ${kind} is deprecated; use flagger.app/v1beta1`,
  }))
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.flagger.app`, annotations: { 'helm.sh/resource-policy': 'keep' } },
    spec: {
      group: 'flagger.app',
      names: { kind, listKind: `${kind}List`, plural, singular, categories: ['all'] },
      scope: 'Namespaced',
      conversion: { strategy: 'None' },
      versions: [{ ...version('v1beta1', given), storage: true }, ...older],
    },
  }
}

function version(name: string, { description, columns, spec, status }: Definition): JsonObject {
  const schema: JsonObject = {
    description,
    type: 'object',
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: { description: 'What is asked for.', ...spec },
      status: { description: 'What has become of it.', ...conditionsByType(crdSchema(status)) },
    },
  }
  return {
    name,
    served: true,
    storage: false,
    subresources: { status: {} },
    additionalPrinterColumns: columns,
    schema: { openAPIV3Schema: schema },
  }
}

/** Conditions are a map by their type: whoever writes one leaves the others alone. */
function conditionsByType(status: JsonObject): JsonObject {
  const { properties } = status
  if (!isObject(properties) || !isObject(properties['conditions'])) return status
  const conditions = {
    ...properties['conditions'],
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
  }
  return { ...status, properties: { ...properties, conditions } }
}
