import { at, numberAt, stringAt } from '../../../lib/json.ts'
import { handle } from '../api/dispatch.ts'
import { serve } from '../api/served.ts'
import { isList } from '../document.ts'
import type { Doc } from '../document.ts'
import type { Kind } from '../kinds/kind.ts'
import type { StoredObject } from '../store.ts'
import { keys, update } from './tools.ts'
import type { Tools } from './tools.ts'

/** Keeps the replicas of autoscaled workloads within their bounds. There is no load, so nothing else moves them. */
export function startAutoscalers(tools: Tools): () => void {
  const { store } = tools.context
  return store.onChange(({ storeKey, object }) => {
    if (storeKey === keys.autoscalers) enqueue(tools, object)
    for (const autoscaler of store.list(keys.autoscalers, object.metadata.namespace)) {
      const reference = at(autoscaler, 'spec', 'scaleTargetRef')
      const isTarget =
        stringAt(reference, 'kind') === object.kind && stringAt(reference, 'name') === object.metadata.name
      if (isTarget) enqueue(tools, autoscaler)
    }
  })
}

function enqueue(tools: Tools, autoscaler: StoredObject): void {
  const { namespace, name } = autoscaler.metadata
  tools.queue.add(`hpa ${namespace}/${name}`, () => reconcile(tools, namespace, name))
}

interface Target {
  readonly kind: Kind
  readonly object: StoredObject
}

function targetOf(tools: Tools, autoscaler: StoredObject): Target | undefined {
  const { registry, store } = tools.context
  const reference = at(autoscaler, 'spec', 'scaleTargetRef')
  const kind = registry.ofObject(stringAt(reference, 'apiVersion') ?? '', stringAt(reference, 'kind') ?? '')
  if (kind?.scale === undefined) return undefined
  const object = store.get(kind.storeKey, autoscaler.metadata.namespace, stringAt(reference, 'name') ?? '')
  return object === undefined ? undefined : { kind, object: serve(object, kind) }
}

function reconcile(tools: Tools, namespace: string | undefined, name: string): void {
  const autoscaler = tools.context.store.get(keys.autoscalers, namespace, name)
  if (autoscaler === undefined || autoscaler.metadata.deletionTimestamp !== undefined) return
  const target = targetOf(tools, autoscaler)
  if (target === undefined) {
    const reference = at(autoscaler, 'spec', 'scaleTargetRef')
    const group = (stringAt(reference, 'apiVersion') ?? '').split('/')[0] ?? ''
    const resource = `${(stringAt(reference, 'kind') ?? '').toLowerCase()}s.${group}`
    const message = `the HPA controller was unable to get the target's current scale: ${resource} "${stringAt(reference, 'name')}" not found`
    writeStatus(tools, autoscaler, {}, 0, [['AbleToScale', 'False', 'FailedGetScale', message]])
    return
  }
  const paths = target.kind.scale
  const replicas = numberAt(target.object, ...(paths?.specReplicas ?? [])) ?? 1
  const running = numberAt(target.object, ...(paths?.statusReplicas ?? [])) ?? 0
  const current: Doc = running === 0 ? {} : { currentReplicas: running }
  if (replicas === 0) {
    const disabled = 'scaling is disabled since the replica count of the target is zero'
    const found = "the HPA controller was able to get the target's current scale"
    writeStatus(tools, autoscaler, current, 0, [
      ['AbleToScale', 'True', 'SucceededGetScale', found],
      ['ScalingActive', 'False', 'ScalingDisabled', disabled],
    ])
    return
  }
  const least = numberAt(autoscaler, 'spec', 'minReplicas') ?? 1
  const most = numberAt(autoscaler, 'spec', 'maxReplicas') ?? replicas
  const wanted = Math.min(most, Math.max(least, replicas))
  if (wanted !== replicas) scaleTo(tools, target, wanted)
  writeStatus(tools, autoscaler, current, wanted, [
    ['AbleToScale', 'True', 'ReadyForNewScale', 'recommended size matches current size'],
    ['ScalingActive', 'True', 'ValidMetricFound', 'the HPA was able to successfully calculate a replica count'],
    ['ScalingLimited', 'False', 'DesiredWithinRange', 'the desired count is within the acceptable range'],
  ])
}

function scaleTo(tools: Tools, { kind, object }: Target, replicas: number): void {
  const { namespace, name } = object.metadata
  const root = kind.group === '' ? '/api/v1' : `/apis/${kind.group}/${kind.version}`
  handle(tools.context, {
    method: 'PATCH',
    path: `${root}/namespaces/${namespace}/${kind.plural}/${name}/scale?fieldManager=kube-controller-manager`,
    contentType: 'application/merge-patch+json',
    body: { spec: { replicas } },
  })
}

type Row = readonly [type: string, status: string, reason: string, message: string]

function writeStatus(
  tools: Tools,
  autoscaler: StoredObject,
  current: Doc,
  desired: number,
  rows: readonly Row[],
): void {
  const { context } = tools
  const before = at(autoscaler, 'status', 'conditions')
  update(context, keys.autoscalers, autoscaler, (next) => {
    next['status'] = {
      ...current,
      desiredReplicas: desired,
      currentMetrics: null,
      conditions: rows.map(([type, status, reason, message]): Doc => {
        const known = (isList(before) ? before : []).find((one) => stringAt(one, 'type') === type)
        const since = stringAt(known, 'status') === status ? stringAt(known, 'lastTransitionTime') : undefined
        return { type, status, lastTransitionTime: since ?? context.timestamp(), reason, message }
      }),
    }
  })
}
