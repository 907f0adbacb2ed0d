import { at, numberAt, stringAt } from '../../../lib/json.ts'
import type { JsonObject } from '../../../lib/json.ts'
import { required, wrong } from '../api/causes.ts'
import type { Cause } from '../api/failure.ts'
import { child, draftObject, isDoc, isList } from '../document.ts'
import type { Doc } from '../document.ts'
import { anything, integer, list, optionalInteger, optionalText, part, record, text } from '../schema/schema.ts'
import type { Schema } from '../schema/schema.ts'
import { topLevel } from './core.ts'
import { builtIn } from './kind.ts'
import type { Kind } from './kind.ts'
import { fallback } from './pod-defaults.ts'
import { conditions } from './pod-spec.ts'

const target = part({ kind: { ...text, blank: '' }, name: { ...text, blank: '' }, apiVersion: text })
const policies = list(record({ type: text, value: integer, periodSeconds: integer }))
const rules = record({
  stabilizationWindowSeconds: optionalInteger,
  selectPolicy: optionalText,
  policies,
  tolerance: anything,
})
const zero: Schema = { type: 'integer', blank: 0 }

const schema = topLevel({
  spec: part({
    scaleTargetRef: target,
    minReplicas: optionalInteger,
    maxReplicas: zero,
    metrics: list(anything),
    behavior: record({ scaleUp: rules, scaleDown: rules }),
  }),
  status: part({
    observedGeneration: optionalInteger,
    lastScaleTime: { type: 'string', format: 'time' },
    currentReplicas: integer,
    desiredReplicas: zero,
    currentMetrics: list(anything, { blank: null }),
    conditions,
  }),
})

function defaults(object: Doc): void {
  const spec = child(object, 'spec')
  fallback(spec, 'minReplicas', 1)
  fallback(spec, 'metrics', [
    { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
  ])
  const behavior = spec['behavior']
  if (!isDoc(behavior)) return
  const up = child(behavior, 'scaleUp')
  fallback(up, 'stabilizationWindowSeconds', 0)
  fallback(up, 'selectPolicy', 'Max')
  fallback(up, 'policies', [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ])
  const down = child(behavior, 'scaleDown')
  fallback(down, 'selectPolicy', 'Max')
  fallback(down, 'policies', [{ type: 'Percent', value: 100, periodSeconds: 15 }])
}

function validate(object: JsonObject): readonly Cause[] {
  const least = numberAt(object, 'spec', 'minReplicas') ?? 1
  const most = numberAt(object, 'spec', 'maxReplicas') ?? 0
  const reference = at(object, 'spec', 'scaleTargetRef')
  const kind = stringAt(reference, 'kind') ?? ''
  return [
    ...(least < 1 ? [wrong('spec.minReplicas', least, 'must be greater than or equal to 1')] : []),
    ...(most < 1 ? [required('spec.maxReplicas', 'must be set and greater than 0')] : []),
    ...(most < least ? [wrong('spec.maxReplicas', most, 'must be greater than or equal to `minReplicas`')] : []),
    ...(kind === '' ? [required('spec.scaleTargetRef.kind')] : []),
    ...((stringAt(reference, 'name') ?? '') === '' ? [required('spec.scaleTargetRef.name')] : []),
    ...(stringAt(reference, 'apiVersion') === undefined && kind !== 'ReplicationController'
      ? [wrong('spec.scaleTargetRef.apiVersion', '', 'apiVersion must specify API group')]
      : []),
  ]
}

const common = {
  group: 'autoscaling',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  categories: ['all'],
  hasStatus: true,
  defaults,
  validate,
}

/** `v2` with `v1` beside it, as servers have had it since 1.26, or `v2beta2`, as older ones. */
export function autoscalerKinds(version: 'v2' | 'v2beta2'): readonly Kind[] {
  return [
    builtIn({ ...common, version, schema }),
    builtIn({
      ...common,
      version: 'v1',
      schema: schema1,
      defaults: (object) => fallback(child(object, 'spec'), 'minReplicas', 1),
      convert: { storedVersion: `autoscaling/${version}`, fromStored: toVersion1, toStored: fromVersion1 },
    }),
  ]
}

const schema1 = topLevel({
  spec: part({
    scaleTargetRef: target,
    minReplicas: optionalInteger,
    maxReplicas: zero,
    targetCPUUtilizationPercentage: optionalInteger,
  }),
  status: part({ currentReplicas: zero, desiredReplicas: zero, currentCPUUtilizationPercentage: optionalInteger }),
})

function toVersion1(stored: JsonObject): Doc {
  const served = draftObject(stored)
  const spec = child(served, 'spec')
  const metrics = spec['metrics']
  delete spec['metrics']
  delete spec['behavior']
  const cpu = isList(metrics) ? metrics.find((metric) => stringAt(metric, 'resource', 'name') === 'cpu') : undefined
  const percent = numberAt(cpu, 'resource', 'target', 'averageUtilization')
  if (percent !== undefined) spec['targetCPUUtilizationPercentage'] = percent
  served['status'] = {
    currentReplicas: numberAt(stored, 'status', 'currentReplicas') ?? 0,
    desiredReplicas: numberAt(stored, 'status', 'desiredReplicas') ?? 0,
  }
  return served
}

function fromVersion1(served: Doc): Doc {
  const stored = draftObject(served)
  const spec = child(stored, 'spec')
  const percent = spec['targetCPUUtilizationPercentage']
  delete spec['targetCPUUtilizationPercentage']
  const resource = { name: 'cpu', target: { type: 'Utilization', averageUtilization: percent ?? 80 } }
  spec['metrics'] = [{ type: 'Resource', resource }]
  return stored
}
