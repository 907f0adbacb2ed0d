import { at } from '../../lib/json.ts'
import { type KubeObject, describeRef, refOf } from '../../lib/kube-object.ts'
import { Problem } from '../../lib/problem.ts'

/** The labels that may tell a target's pods apart from its primary's, in order of preference. */
export const defaultSelectorLabels: readonly string[] = ['app', 'name', 'app.kubernetes.io/name']

/** The pod label that tells target and primary apart: the target's pods carry `value`, the primary's `<value>-primary`. */
export interface Selector {
  readonly label: string
  readonly value: string
}

/** The first of the labels that the target selects its pods by. Throws WORKLOAD_SELECTOR_MISSING (`stalled`) without one. */
export function selectorOf(target: KubeObject, selectorLabels: readonly string[]): Selector {
  const matchLabels = at(target, 'spec', 'selector', 'matchLabels')
  for (const label of selectorLabels) {
    const value = at(matchLabels, label)
    if (typeof value === 'string') return { label, value }
  }
  const { kind, metadata } = target
  const name = metadata.namespace === undefined ? metadata.name : `${metadata.name}.${metadata.namespace}`
  throw new Problem({
    kind: 'stalled',
    code: 'WORKLOAD_SELECTOR_MISSING',
    message: `${kind} ${name} spec.selector.matchLabels must contain one of [${selectorLabels.join(' ')}]`,
    place: describeRef(refOf(target)),
    hint: 'a selector cannot be changed later: create the workload anew with such a label, or configure the label it has',
  })
}

/** The value of the primary's selector label. */
export function primaryValue(selector: Selector): string {
  return `${selector.value}-primary`
}
