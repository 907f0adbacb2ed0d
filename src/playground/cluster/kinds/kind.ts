import type { Json, JsonObject } from '../../../lib/json.ts'
import type { KubeObject } from '../../../lib/kube-object.ts'
import type { Cause } from '../api/failure.ts'
import type { Doc } from '../document.ts'
import type { Schema } from '../schema/schema.ts'

/** Where a kind keeps what the scale subresource shows. */
export interface ScalePaths {
  readonly specReplicas: readonly string[]
  readonly statusReplicas: readonly string[]
  /** A path to a selector in text form, or `spec.selector` of a workload when absent. */
  readonly selector?: readonly string[]
}

/** A column of `kubectl get`. */
export interface Column {
  readonly name: string
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  readonly format?: string
  readonly description?: string
  readonly priority?: number
  /** The cell for one object. Dates are given as timestamps; the table turns them into ages where the column says string. */
  readonly cell: (object: JsonObject) => Json
}

/** What a kind may ask of the cluster while an object is prepared for storing. */
export interface Preparation {
  /** A new cluster IP. */
  allocateIp(): string
}

/** How a version differs from the one that is stored. */
export interface Conversion {
  /** The apiVersion of the stored form. */
  readonly storedVersion: string
  readonly fromStored: (stored: JsonObject) => Doc
  readonly toStored: (served: Doc) => Doc
}

/** One kind in one version: names for discovery, its schema, and what is special about it. */
export interface Kind {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly listKind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
  /** Custom resources keep nulls and zeros as they were sent, and are validated by their schema. */
  readonly custom: boolean
  readonly schema: Schema
  /** Objects of all versions of a kind are stored together under this key. */
  readonly storeKey: string
  readonly hasStatus: boolean
  readonly scale?: ScalePaths
  /** The server counts changes of the spec in `metadata.generation`. */
  readonly hasGeneration: boolean
  readonly nameRule: 'subdomain' | 'label' | 'service' | 'path'
  /** Field selectors beside metadata.name and metadata.namespace. */
  readonly selectable?: Readonly<Record<string, readonly string[]>>
  /** Deleting answers with the object instead of a Status. */
  readonly returnsDeleted?: boolean
  readonly columns?: readonly Column[]
  /** Between the stored form and this version's form; identity when absent. */
  readonly convert?: Conversion
  /** Fills in defaults. */
  readonly defaults?: (draft: Doc) => void
  /** Sets what belongs to the server, after ownership was decided. */
  readonly prepare?: (draft: Doc, live: KubeObject | undefined, preparation: Preparation) => void
  /** What is wrong with an object; `live` is what it replaces. */
  readonly validate?: (draft: JsonObject, live: KubeObject | undefined) => readonly Cause[]
  /** What is wrong with a status. */
  readonly validateStatus?: (draft: JsonObject) => readonly Cause[]
}

/** `v1` or `apps/v1`. */
export function apiVersionOf(kind: Pick<Kind, 'group' | 'version'>): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`
}

type Given = Pick<Kind, 'group' | 'version' | 'kind' | 'plural' | 'schema'> & Partial<Kind>

/** A built-in kind with the usual values for what is not given. */
export function builtIn(given: Given): Kind {
  return {
    listKind: `${given.kind}List`,
    singular: given.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: true,
    custom: false,
    storeKey: given.group === '' ? given.plural : `${given.plural}.${given.group}`,
    hasStatus: false,
    hasGeneration: false,
    nameRule: 'subdomain',
    ...given,
  }
}
