import { describeRef, groupOf, refOf } from '../lib/kube-object.ts'
import { Problem } from '../lib/problem.ts'
import type { Canary } from '../resources/canary.ts'
import type { MetricTemplate } from '../resources/metric-template.ts'
import { parseAlertProvider, parseCanary, parseMetricTemplate } from '../resources/parse.ts'
import { identityOf, type Manifest } from './manifest.ts'

/** A canary with what it refers to, as far as that is in the repository. */
export interface CanarySource {
  readonly canary: Canary
  readonly place: string
  /** Undefined for a Canary that is only in the cluster. */
  readonly manifest: Manifest | undefined
  readonly target: Manifest | undefined
  readonly autoscaler: Manifest | undefined
  /** The templates that its metrics name, by `namespace/name`. */
  readonly metricTemplates: ReadonlyMap<string, MetricTemplate>
  /** `stalled`: it must not be acted on. `wait`: something is not in the repository and may be in the cluster only. */
  readonly problems: readonly Problem[]
}

/** A Canary that can't be read. */
export interface BrokenCanary {
  readonly name: string
  readonly namespace: string
  readonly place: string
  readonly problems: readonly Problem[]
}

export interface CanarySources {
  readonly canaries: readonly CanarySource[]
  readonly broken: readonly BrokenCanary[]
  /** What is wrong besides the problems of the `canaries`; those of the `broken` ones are among them. */
  readonly problems: readonly Problem[]
  /** What else is in the repository: canaries that are only in the cluster may refer to it. */
  readonly others: Others
}

interface Others {
  readonly index: Index
  readonly templates: ReadonlyMap<string, MetricTemplate>
}

/** The canaries among some manifests, each with its target, autoscaler and metric templates. */
export function canariesIn(manifests: readonly Manifest[]): CanarySources {
  const index = indexOf(manifests)
  const templates = templatesIn(index)
  const problems: Problem[] = [...twice(index), ...templates.problems, ...brokenAlertProviders(index)]
  const others = { index, templates: templates.byName }
  const canaries: CanarySource[] = []
  const broken: BrokenCanary[] = []
  for (const manifest of ofKind(index, 'Canary')) {
    const { canary, problems: faults } = canaryOf(manifest)
    if (canary === undefined) {
      const { name, namespace = 'default' } = manifest.object.metadata
      broken.push({ name, namespace, place: manifest.place, problems: faults })
      problems.push(...faults)
    } else {
      canaries.push(toSource(canary, { place: manifest.place, placeOf: manifest.placeOf, manifest }, others))
    }
  }
  return { canaries: withSharedTargets(canaries), broken, problems, others }
}

/** A Canary that no manifest describes, with what it refers to among them. What is missing there is in the cluster. */
export function clusterCanary(canary: Canary, place: string, { others }: CanarySources): CanarySource {
  const source = toSource(canary, { place, placeOf: () => place, manifest: undefined }, others)
  return { ...source, problems: source.problems.filter(({ kind }) => kind !== 'wait') }
}

/** The manifests of each object; more than one is a fault, and the first one counts. */
type Index = ReadonlyMap<string, readonly Manifest[]>

function indexOf(manifests: readonly Manifest[]): Index {
  const index = new Map<string, Manifest[]>()
  for (const manifest of manifests) {
    const identity = identityOf(refOf(manifest.object))
    const same = index.get(identity)
    if (same === undefined) index.set(identity, [manifest])
    else same.push(manifest)
  }
  return index
}

/** The first manifest of each object of a kind of ours. */
function ofKind(index: Index, kind: string): Manifest[] {
  return [...index]
    .filter(([identity]) => identity.startsWith(`flagger.app/${kind}/`))
    .flatMap(([, [first]]) => (first === undefined ? [] : [first]))
}

/** Where a Canary is. */
type Origin = Pick<CanarySource, 'place' | 'manifest'> & Pick<Manifest, 'placeOf'>

function toSource(canary: Canary, origin: Origin, { index, templates }: Others): CanarySource {
  const { place, manifest } = origin
  const problems: Problem[] = []
  const { targetRef, autoscalerRef } = canary.spec
  const namespace = canary.metadata.namespace
  const target = find(index, targetRef, groupOf(targetRef.apiVersion ?? 'apps/v1'), namespace)
  if (target === undefined) {
    problems.push(missing(origin, ['spec', 'targetRef'], 'TARGET', `the target ${named(targetRef, namespace)}`))
  }
  const scalerGroup = autoscalerRef?.kind === 'ScaledObject' ? 'keda.sh' : 'autoscaling'
  const autoscaler = autoscalerRef && find(index, autoscalerRef, scalerGroup, namespace)
  if (autoscalerRef !== undefined && autoscaler === undefined) {
    const name = `the autoscaler ${named(autoscalerRef, namespace)}`
    problems.push(missing(origin, ['spec', 'autoscalerRef'], 'AUTOSCALER', name))
  }
  const metricTemplates = new Map<string, MetricTemplate>()
  for (const [nth, metric] of (canary.spec.analysis?.metrics ?? []).entries()) {
    if (metric.templateRef === undefined) continue
    const key = `${metric.templateRef.namespace ?? namespace}/${metric.templateRef.name}`
    const template = templates.get(key)
    const path = ['spec', 'analysis', 'metrics', nth, 'templateRef']
    if (template !== undefined) metricTemplates.set(key, template)
    else problems.push(missing(origin, path, 'TEMPLATE', `the metric template ${key}`))
  }
  for (const object of [manifest, target, autoscaler]) {
    const same = object && index.get(identityOf(refOf(object.object)))
    if (same !== undefined && same.length > 1) problems.push(isTwice(same))
  }
  return { canary, place, manifest, target, autoscaler, metricTemplates, problems }
}

/** Manifests are kept from one look at the branch to the next, so their canaries are too. */
const canaryOfManifest = new WeakMap<Manifest, ReturnType<typeof parseCanary>>()

function canaryOf(manifest: Manifest): ReturnType<typeof parseCanary> {
  const known = canaryOfManifest.get(manifest)
  if (known !== undefined) return known
  const read = parseCanary(manifest.object, manifest.placeOf, 'strict')
  canaryOfManifest.set(manifest, read)
  return read
}

interface LocalRef {
  readonly kind: string
  readonly name: string
}

function find(index: Index, ref: LocalRef, group: string, namespace: string): Manifest | undefined {
  return index.get(identityOf({ apiVersion: `${group}/`, kind: ref.kind, namespace, name: ref.name }))?.[0]
}

function named(ref: LocalRef, namespace: string): string {
  return `${ref.kind}/${ref.name}.${namespace}`
}

function missing({ placeOf }: Origin, path: readonly (string | number)[], what: string, name: string): Problem {
  return new Problem({
    kind: 'wait',
    code: `SOURCE_${what}_MISSING`,
    message: `${name} is not in the repository`,
    place: placeOf(path, 'key'),
    hint: 'add it, or let it be in the cluster',
  })
}

/** Each canary that shares its target with another one is stalled: their weights would fight. */
function withSharedTargets(canaries: readonly CanarySource[]): CanarySource[] {
  const byTarget = new Map<string, CanarySource[]>()
  for (const source of canaries) byTarget.set(targetOf(source), [...(byTarget.get(targetOf(source)) ?? []), source])
  return canaries.map((source) => {
    const others = (byTarget.get(targetOf(source)) ?? []).filter((other) => other !== source)
    if (others.length === 0) return source
    const names = others.map(({ canary, place }) => `${canary.metadata.name} at ${place}`).join(' and ')
    const problem = new Problem({
      kind: 'stalled',
      code: 'CANARY_TARGET_SHARED',
      message: `${named(source.canary.spec.targetRef, source.canary.metadata.namespace)} is the target of ${names} too`,
      place: source.manifest?.placeOf(['spec', 'targetRef'], 'key') ?? source.place,
      hint: 'a target belongs to one canary: remove the others',
    })
    return { ...source, problems: [...source.problems, problem] }
  })
}

function targetOf({ canary }: CanarySource): string {
  const { kind, name } = canary.spec.targetRef
  return `${canary.metadata.namespace}/${kind}/${name}`
}

function twice(index: Index): Problem[] {
  return [...index.values()].filter((same) => same.length > 1).map((same) => isTwice(same))
}

function isTwice(same: readonly Manifest[]): Problem {
  const [first, ...others] = same
  return new Problem({
    kind: 'stalled',
    code: 'SOURCE_OBJECT_TWICE',
    message: `${first === undefined ? 'an object' : describeRef(refOf(first.object))} is there already, at ${first?.place ?? ''}`,
    place: others[0]?.place,
    hint: 'keep one of them',
  })
}

function templatesIn(index: Index): { byName: ReadonlyMap<string, MetricTemplate>; problems: readonly Problem[] } {
  const byName = new Map<string, MetricTemplate>()
  const problems: Problem[] = []
  for (const { object, placeOf } of ofKind(index, 'MetricTemplate')) {
    const read = parseMetricTemplate(object, placeOf, 'strict')
    problems.push(...read.problems)
    const { metricTemplate } = read
    if (metricTemplate !== undefined) {
      byName.set(`${metricTemplate.metadata.namespace}/${metricTemplate.metadata.name}`, metricTemplate)
    }
  }
  return { byName, problems }
}

function brokenAlertProviders(index: Index): Problem[] {
  return ofKind(index, 'AlertProvider').flatMap(({ object, placeOf }) => [
    ...parseAlertProvider(object, placeOf, 'strict').problems,
  ])
}
