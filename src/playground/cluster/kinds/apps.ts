import { at, isObject, numberAt, stringAt } from '../../../lib/json.ts'
import type { Json, JsonObject } from '../../../lib/json.ts'
import type { KubeObject } from '../../../lib/kube-object.ts'
import { duplicate, forbidden, required, unsupported, wrong } from '../api/causes.ts'
import type { Cause } from '../api/failure.ts'
import { selectsLabels } from '../api/label-selector.ts'
import { isLabel, labelRule } from '../api/names.ts'
import { child, equalJson, isDoc, isList } from '../document.ts'
import type { Doc } from '../document.ts'
import { flag, integer, intOrText, optionalInteger, part, record, text } from '../schema/schema.ts'
import type { Schema } from '../schema/schema.ts'
import { topLevel } from './core.ts'
import { builtIn } from './kind.ts'
import type { Kind, ScalePaths } from './kind.ts'
import { defaultPodSpec, fallback } from './pod-defaults.ts'
import { conditions, labelSelector, podSpec, podStatus, podTemplate } from './pod-spec.ts'

const scale: ScalePaths = { specReplicas: ['spec', 'replicas'], statusReplicas: ['status', 'replicas'] }
const zero: Schema = { type: 'integer', blank: 0 }

const workload: Readonly<Record<string, Schema>> = {
  selector: labelSelector,
  template: podTemplate,
  minReadySeconds: integer,
  revisionHistoryLimit: optionalInteger,
}

/** What is wrong with a pod's spec. */
export function podCauses(spec: JsonObject | undefined, field: string): readonly Cause[] {
  const containers = spec?.['containers']
  if (!isList(containers) || containers.length === 0) return [required(`${field}.containers`)]
  const seen = new Set<string>()
  return containers.flatMap((container, index) => {
    const place = `${field}.containers[${index}]`
    const name = stringAt(container, 'name') ?? ''
    const causes = [
      ...(name === '' ? [required(`${place}.name`)] : isLabel(name) ? [] : [wrong(`${place}.name`, name, labelRule)]),
      ...(stringAt(container, 'image') === undefined ? [required(`${place}.image`)] : []),
      ...listIn(container, 'ports').flatMap((port, number) => portCauses(port, `${place}.ports[${number}]`)),
      ...listIn(container, 'env').flatMap((variable, number) =>
        (stringAt(variable, 'name') ?? '') === '' ? [required(`${place}.env[${number}].name`)] : [],
      ),
      ...(name !== '' && seen.has(name) ? [duplicate(`${place}.name`, name)] : []),
    ]
    seen.add(name)
    return causes
  })
}

function listIn(container: Json, field: string): readonly Json[] {
  const list = at(container, field)
  return isList(list) ? list : []
}

function portCauses(port: Json, place: string): readonly Cause[] {
  const number = numberAt(port, 'containerPort') ?? 0
  if (number === 0) return [required(`${place}.containerPort`)]
  const isPort = number > 0 && number < 65536
  return isPort ? [] : [wrong(`${place}.containerPort`, number, 'must be between 1 and 65535, inclusive')]
}

function workloadCauses(object: JsonObject, live: KubeObject | undefined): readonly Cause[] {
  const replicas = numberAt(object, 'spec', 'replicas') ?? 0
  const selector = at(object, 'spec', 'selector')
  const labels = at(object, 'spec', 'template', 'metadata', 'labels')
  const pod = at(object, 'spec', 'template', 'spec')
  const restart = stringAt(pod, 'restartPolicy') ?? 'Always'
  const fits = isObject(selector) && isObject(labels) && selectsLabels(selector, labels)
  return [
    ...(replicas < 0 ? [wrong('spec.replicas', replicas, 'must be greater than or equal to 0')] : []),
    ...(selector === undefined ? [required('spec.selector')] : []),
    ...(fits ? [] : [wrong('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')]),
    ...podCauses(isObject(pod) ? pod : undefined, 'spec.template.spec'),
    ...(restart === 'Always' ? [] : [unsupported('spec.template.spec.restartPolicy', restart, ['Always'])]),
    ...(live === undefined || equalJson(selector, at(live, 'spec', 'selector'))
      ? []
      : [wrong('spec.selector', selector, 'field is immutable')]),
  ]
}

function strategyCauses(object: JsonObject): readonly Cause[] {
  const type = stringAt(object, 'spec', 'strategy', 'type')
  if (type !== 'RollingUpdate' && type !== 'Recreate') {
    return [unsupported('spec.strategy', at(object, 'spec', 'strategy'), ['Recreate', 'RollingUpdate'])]
  }
  const rolling = at(object, 'spec', 'strategy', 'rollingUpdate')
  if (type === 'Recreate') {
    const message = "may not be specified when strategy `type` is 'Recreate'"
    return rolling === undefined ? [] : [forbidden('spec.strategy.rollingUpdate', message)]
  }
  const isNone = (field: string): boolean =>
    [0, '0%'].includes(numberAt(rolling, field) ?? stringAt(rolling, field) ?? '')
  return isNone('maxSurge') && isNone('maxUnavailable')
    ? [wrong('spec.strategy.rollingUpdate.maxUnavailable', 0, 'may not be 0 when `maxSurge` is 0')]
    : []
}

function deadlineCauses(object: JsonObject): readonly Cause[] {
  const deadline = numberAt(object, 'spec', 'progressDeadlineSeconds')
  if (deadline === undefined || deadline > (numberAt(object, 'spec', 'minReadySeconds') ?? 0)) return []
  return [wrong('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds')]
}

function deploymentStatusCauses(object: JsonObject): readonly Cause[] {
  const count = (field: string): number => numberAt(object, 'status', field) ?? 0
  const counts = ['replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas']
  const replicas = count('replicas')
  return counts.flatMap((field) => {
    if (count(field) < 0) return [wrong(`status.${field}`, count(field), 'must be greater than or equal to 0')]
    const tooMany = field !== 'replicas' && count(field) > replicas
    return tooMany ? [wrong(`status.${field}`, count(field), 'cannot be greater than status.replicas')] : []
  })
}

function defaultTemplate(spec: Doc): void {
  const pod = child(child(spec, 'template'), 'spec')
  defaultPodSpec(pod)
}

function defaultDeployment(object: Doc): void {
  const spec = child(object, 'spec')
  defaultTemplate(spec)
  fallback(spec, 'replicas', 1)
  const strategy = child(spec, 'strategy')
  fallback(strategy, 'type', 'RollingUpdate')
  if (strategy['type'] === 'RollingUpdate') {
    const rolling = child(strategy, 'rollingUpdate')
    fallback(rolling, 'maxUnavailable', '25%')
    fallback(rolling, 'maxSurge', '25%')
  }
  fallback(spec, 'revisionHistoryLimit', 10)
  fallback(spec, 'progressDeadlineSeconds', 600)
}

const app = { group: 'apps', version: 'v1', hasStatus: true, hasGeneration: true } as const

const deployment = builtIn({
  ...app,
  kind: 'Deployment',
  plural: 'deployments',
  shortNames: ['deploy'],
  categories: ['all'],
  scale,
  schema: topLevel({
    spec: part({
      ...workload,
      replicas: optionalInteger,
      strategy: part({ type: text, rollingUpdate: record({ maxUnavailable: intOrText, maxSurge: intOrText }) }),
      paused: flag,
      progressDeadlineSeconds: optionalInteger,
    }),
    status: part({
      observedGeneration: integer,
      replicas: integer,
      updatedReplicas: integer,
      readyReplicas: integer,
      availableReplicas: integer,
      unavailableReplicas: integer,
      terminatingReplicas: optionalInteger,
      collisionCount: optionalInteger,
      conditions,
    }),
  }),
  defaults: defaultDeployment,
  validate: (object, live) => [
    ...[...workloadCauses(object, live), ...strategyCauses(object)].toSorted(inOrder),
    ...deadlineCauses(object),
  ],
  validateStatus: deploymentStatusCauses,
})

// The strategy is reported between the replicas and the pod template.
function inOrder(left: Cause, right: Cause): number {
  const rank = (cause: Cause): number => Number(cause.field.startsWith('spec.strategy'))
  return rank(left) - rank(right)
}

const replicaSet = builtIn({
  ...app,
  kind: 'ReplicaSet',
  plural: 'replicasets',
  shortNames: ['rs'],
  categories: ['all'],
  scale,
  selectable: { 'status.replicas': ['status', 'replicas'] },
  schema: topLevel({
    spec: part({ ...workload, replicas: optionalInteger }),
    status: part({
      replicas: zero,
      fullyLabeledReplicas: integer,
      readyReplicas: integer,
      availableReplicas: integer,
      terminatingReplicas: optionalInteger,
      observedGeneration: integer,
      conditions,
    }),
  }),
  defaults: (object) => {
    defaultTemplate(child(object, 'spec'))
    fallback(child(object, 'spec'), 'replicas', 1)
  },
  validate: workloadCauses,
})

const daemonSet = builtIn({
  ...app,
  kind: 'DaemonSet',
  plural: 'daemonsets',
  shortNames: ['ds'],
  categories: ['all'],
  schema: topLevel({
    spec: part({
      ...workload,
      updateStrategy: part({ type: text, rollingUpdate: record({ maxUnavailable: intOrText, maxSurge: intOrText }) }),
    }),
    status: part({
      currentNumberScheduled: zero,
      numberMisscheduled: zero,
      desiredNumberScheduled: zero,
      numberReady: zero,
      observedGeneration: integer,
      updatedNumberScheduled: integer,
      numberAvailable: integer,
      numberUnavailable: integer,
      collisionCount: optionalInteger,
      conditions,
    }),
  }),
  defaults: (object) => {
    const spec = child(object, 'spec')
    defaultTemplate(spec)
    const strategy = child(spec, 'updateStrategy')
    fallback(strategy, 'type', 'RollingUpdate')
    if (strategy['type'] === 'RollingUpdate') {
      const rolling = child(strategy, 'rollingUpdate')
      fallback(rolling, 'maxUnavailable', 1)
      fallback(rolling, 'maxSurge', 0)
    }
    fallback(spec, 'revisionHistoryLimit', 10)
  },
  validate: workloadCauses,
})

/** Pod: scheduled, started and made ready by the controllers. */
const pod = builtIn({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  hasStatus: true,
  returnsDeleted: true,
  selectable: {
    'spec.nodeName': ['spec', 'nodeName'],
    'spec.restartPolicy': ['spec', 'restartPolicy'],
    'spec.schedulerName': ['spec', 'schedulerName'],
    'spec.serviceAccountName': ['spec', 'serviceAccountName'],
    'status.phase': ['status', 'phase'],
    'status.podIP': ['status', 'podIP'],
  },
  schema: topLevel({ spec: podSpec, status: podStatus }),
  defaults: (object) => {
    const spec = object['spec']
    if (isDoc(spec)) defaultPodSpec(spec)
  },
  prepare: (object, live) => {
    if (live === undefined) object['status'] = { phase: 'Pending', qosClass: 'BestEffort' }
  },
  validate: (object) => {
    const spec = at(object, 'spec')
    return podCauses(isObject(spec) ? spec : undefined, 'spec')
  },
})

/** Workloads and their pods. */
export const workloadKinds: readonly Kind[] = [daemonSet, deployment, pod, replicaSet]
