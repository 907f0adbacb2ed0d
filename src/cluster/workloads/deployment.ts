import { type JsonObject, at, canonicalJson, isObject, numberAt } from '../../lib/json.ts'
import { type KubeObject, describeRef, refOf } from '../../lib/kube-object.ts'
import { Problem } from '../../lib/problem.ts'
import type { Canary } from '../../resources/canary.ts'
import { leaveAloneAnnotations } from '../../traffic/metadata.ts'
import { withPrimaryConfigs } from './configs.ts'
import { withPrefixes, withoutToolkit } from './metadata.ts'
import { primaryPodSpec } from './pod-spec.ts'
import { type Selector, primaryValue, selectorOf } from './selector.ts'

export interface PrimaryOptions {
  /** See `defaultSelectorLabels`. */
  readonly selectorLabels: readonly string[]
  /** Which of the target's own labels and annotations the primary gets too; `*` for all, none when absent. */
  readonly includeLabelPrefixes?: readonly string[] | undefined
  /** Configs of which the primary reads its own copy `<name>-primary`; see `configKey`. None when absent. */
  readonly copiedConfigs?: ReadonlySet<string> | undefined
  /** The primary as it runs now; undefined before it is made. */
  readonly current?: KubeObject | undefined
}

const copiedFields = ['progressDeadlineSeconds', 'minReadySeconds', 'revisionHistoryLimit', 'strategy'] as const

/**
 * The Deployment `<target>-primary` that serves what the target's template says, without an owner reference. The same
 * target always gives the same primary, so promoting what already runs changes nothing. With an autoscaler `replicas`
 * is named only before the primary exists; without one it is the target's, and never 0.
 *
 * Throws WORKLOAD_SELECTOR_MISSING, WORKLOAD_INVALID or WORKLOAD_SELECTOR_CHANGED (`stalled`).
 */
export function primaryDeployment(canary: Canary, target: KubeObject, options: PrimaryOptions): KubeObject {
  const { selectorLabels, includeLabelPrefixes = [], copiedConfigs = new Set<string>(), current } = options
  const selector = selectorOf(target, selectorLabels)
  const value = primaryValue(selector)
  const template = at(target, 'spec', 'template')
  const podSpec = at(template, 'spec')
  if (!isObject(template) || !isObject(podSpec)) throw withoutTemplate(target)
  refuseOtherSelector(current, selector)
  const podMetadata = isObject(template['metadata']) ? template['metadata'] : {}
  const podAnnotations = withoutToolkit(stringMap(podMetadata['annotations']))
  const replicas = primaryReplicas(canary, target, current)
  return {
    apiVersion: target.apiVersion,
    kind: target.kind,
    metadata: {
      name: `${target.metadata.name}-primary`,
      namespace: canary.metadata.namespace,
      labels: { ...withPrefixes(target.metadata.labels, includeLabelPrefixes), [selector.label]: value },
      annotations: { ...withPrefixes(target.metadata.annotations, includeLabelPrefixes), ...leaveAloneAnnotations },
    },
    spec: {
      ...copied(target),
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: { [selector.label]: value } },
      template: {
        metadata: {
          labels: { ...stringMap(podMetadata['labels']), [selector.label]: value },
          ...(Object.keys(podAnnotations).length === 0 ? {} : { annotations: podAnnotations }),
        },
        spec: primaryPodSpec(withPrimaryConfigs(podSpec, copiedConfigs), {
          target: canary.spec.targetRef.name,
          selector,
          selectorLabels,
        }),
      },
    },
  }
}

function copied(target: KubeObject): JsonObject {
  const pairs = copiedFields.map((field) => [field, at(target, 'spec', field)] as const)
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined))
}

function primaryReplicas(canary: Canary, target: KubeObject, current: KubeObject | undefined): number | undefined {
  if (canary.spec.autoscalerRef !== undefined && current !== undefined) return undefined
  const wanted = numberAt(target, 'spec', 'replicas') ?? 1
  if (wanted > 0) return wanted
  return Math.max(1, numberAt(current, 'spec', 'replicas') ?? 1)
}

function refuseOtherSelector(current: KubeObject | undefined, selector: Selector): void {
  const running = at(current, 'spec', 'selector', 'matchLabels')
  if (current === undefined || running === undefined) return
  const wanted = { [selector.label]: primaryValue(selector) }
  if (canonicalJson(running) === canonicalJson(wanted)) return
  throw new Problem({
    kind: 'stalled',
    code: 'WORKLOAD_SELECTOR_CHANGED',
    message: `its selector is ${canonicalJson(running)}, where ${canonicalJson(wanted)} is needed, and cannot be changed`,
    place: describeRef(refOf(current)),
    hint: 'give the target its former selector label back, or delete this primary at a time without traffic',
  })
}

function withoutTemplate(target: KubeObject): Problem {
  return new Problem({
    kind: 'stalled',
    code: 'WORKLOAD_INVALID',
    message: 'it has no spec.template.spec',
    place: describeRef(refOf(target)),
  })
}

function stringMap(value: unknown): Record<string, string> {
  if (!isObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  )
}
