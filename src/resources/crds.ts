import type { z } from 'zod'
import { isObject, type Json, type JsonObject } from '../lib/json.ts'
import type { KubeObject } from '../lib/kube-object.ts'
import { AlertProviderSpec } from './alert-provider.ts'
import { CanarySpec } from './canary.ts'
import { crdSchema } from './crd-schema.ts'
import { MetricTemplateSpec } from './metric-template.ts'
import { CanaryStatusFields, ResourceStatusFields } from './status.ts'

/**
 * The CustomResourceDefinitions of the group flagger.app, made from the schemas that manifests are read with. Only
 * v1beta1 is served and stored; older versions are converted when they are read from Git.
 */
export function crds(): readonly KubeObject[] {
  return [canaries(), metricTemplates(), alertProviders()]
}

function canaries(): KubeObject {
  return definition({
    kind: 'Canary',
    plural: 'canaries',
    columns: [
      column('Status', 'string', '.status.phase'),
      column('Weight', 'integer', '.status.canaryWeight'),
      column('Suspended', 'boolean', '.spec.suspend', 1),
      column('FailedChecks', 'integer', '.status.failedChecks', 1),
      column('Interval', 'string', '.spec.analysis.interval', 1),
      column('Mirror', 'boolean', '.spec.analysis.mirror', 1),
      column('StepWeight', 'integer', '.spec.analysis.stepWeight', 1),
      column('StepWeights', 'string', '.spec.analysis.stepWeights', 1),
      column('MaxWeight', 'integer', '.spec.analysis.maxWeight', 1),
      column('LastTransitionTime', 'string', '.status.lastTransitionTime'),
    ],
    spec: { ...crdSchema(CanarySpec), anyOf: completeAnalysis() },
    status: CanaryStatusFields,
  })
}

/** An analysis that is not skipped needs an interval, a threshold and some kind of steps. */
function completeAnalysis(): Json {
  const complete = ['stepWeight', 'stepWeights', 'iterations'].map((steps) => ({
    required: ['interval', 'threshold', steps],
  }))
  return [
    { required: ['skipAnalysis'], properties: { skipAnalysis: { enum: [true] } } },
    { properties: { analysis: { anyOf: complete } } },
  ]
}

function metricTemplates(): KubeObject {
  return definition({
    kind: 'MetricTemplate',
    plural: 'metrictemplates',
    columns: [column('Provider', 'string', '.spec.provider.type')],
    spec: crdSchema(MetricTemplateSpec),
    status: ResourceStatusFields,
  })
}

function alertProviders(): KubeObject {
  return definition({
    kind: 'AlertProvider',
    plural: 'alertproviders',
    columns: [column('Type', 'string', '.spec.type')],
    spec: { ...crdSchema(AlertProviderSpec), oneOf: [{ required: ['address'] }, { required: ['secretRef'] }] },
    status: ResourceStatusFields,
  })
}

function column(name: string, type: string, jsonPath: string, priority = 0): JsonObject {
  return { name, type, jsonPath, ...(priority === 0 ? {} : { priority }) }
}

interface Definition {
  readonly kind: string
  readonly plural: string
  readonly columns: readonly JsonObject[]
  readonly spec: JsonObject
  readonly status: z.ZodType
}

function definition({ kind, plural, columns, spec, status }: Definition): KubeObject {
  const singular = kind.toLowerCase()
  const schema: JsonObject = {
    type: 'object',
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec,
      status: conditionsByType(crdSchema(status)),
    },
  }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.flagger.app`, annotations: { 'helm.sh/resource-policy': 'keep' } },
    spec: {
      group: 'flagger.app',
      names: { kind, listKind: `${kind}List`, plural, singular, categories: ['all'] },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1beta1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: { openAPIV3Schema: schema },
        },
      ],
    },
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
