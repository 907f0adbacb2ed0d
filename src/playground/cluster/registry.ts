import type { JsonObject } from '../../lib/json.ts'
import { compareVersions, definitionKind, kindsOf } from './kinds/custom.ts'
import { workloadKinds } from './kinds/apps.ts'
import { autoscalerKinds } from './kinds/autoscaling.ts'
import { coreKinds } from './kinds/core.ts'
import { eventKinds } from './kinds/events.ts'
import { apiVersionOf } from './kinds/kind.ts'
import type { Kind } from './kinds/kind.ts'
import { ingressKind, leaseKind } from './kinds/others.ts'
import { serviceKind } from './kinds/service.ts'

/** A group with its versions, best first. */
export interface Group {
  readonly name: string
  readonly versions: readonly string[]
}

// The order in which a server lists its own groups; those of custom resources follow.
const groupOrder = [
  'apps',
  'events.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'networking.k8s.io',
  'apiextensions.k8s.io',
  'coordination.k8s.io',
]

/** Which kinds the server knows. */
export class Registry {
  private readonly byPath = new Map<string, Kind>()
  private readonly byKind = new Map<string, Kind>()
  private known: readonly Group[] | undefined

  /** Knows the built-in kinds, with autoscalers in one of two versions. */
  constructor(autoscaling: 'v2' | 'v2beta2') {
    const kinds = [
      ...coreKinds,
      ...eventKinds,
      ...workloadKinds,
      serviceKind,
      ...autoscalerKinds(autoscaling),
      ingressKind,
      leaseKind,
      definitionKind,
    ]
    for (const kind of kinds) this.add(kind)
  }

  /** The kind at `/apis/GROUP/VERSION/PLURAL`. */
  find(group: string, version: string, plural: string): Kind | undefined {
    return this.byPath.get(`${group}/${version}/${plural}`)
  }

  /** The kind of an object. */
  ofObject(apiVersion: string, kind: string): Kind | undefined {
    return this.byKind.get(`${apiVersion}/${kind}`)
  }

  /** All kinds of a group and version, by plural. */
  inVersion(group: string, version: string): readonly Kind[] {
    return [...this.byPath.values()]
      .filter((kind) => kind.group === group && kind.version === version)
      .toSorted((left, right) => (left.plural < right.plural ? -1 : 1))
  }

  /** The named groups, the built-in ones first. */
  groups(): readonly Group[] {
    this.known ??= this.collectGroups()
    return this.known
  }

  private collectGroups(): readonly Group[] {
    const versions = new Map<string, Set<string>>(groupOrder.map((name) => [name, new Set<string>()]))
    versions.get('authorization.k8s.io')?.add('v1')
    for (const kind of this.byPath.values()) {
      if (kind.group === '') continue
      const known = versions.get(kind.group) ?? new Set<string>()
      versions.set(kind.group, known.add(kind.version))
    }
    return [...versions].map(([name, found]) => ({ name, versions: [...found].toSorted(compareVersions) }))
  }

  /** Serves what a CustomResourceDefinition brings, instead of what it brought before. */
  install(definition: JsonObject): void {
    this.uninstall(definition)
    for (const kind of kindsOf(definition)) this.add(kind)
  }

  /** Serves a definition's kinds no longer. */
  uninstall(definition: JsonObject): void {
    const keys = kindsOf(definition).map((kind) => kind.storeKey)
    for (const [path, kind] of this.byPath) {
      if (!kind.custom || !keys.includes(kind.storeKey)) continue
      this.known = undefined
      this.byPath.delete(path)
      this.byKind.delete(`${apiVersionOf(kind)}/${kind.kind}`)
    }
  }

  private add(kind: Kind): void {
    this.known = undefined
    this.byPath.set(`${kind.group}/${kind.version}/${kind.plural}`, kind)
    this.byKind.set(`${apiVersionOf(kind)}/${kind.kind}`, kind)
  }
}
