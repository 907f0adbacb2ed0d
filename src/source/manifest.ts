import { isObject, type JsonObject, stringAt } from '../lib/json.ts'
import { groupOf, type KubeObject, type ObjectRef } from '../lib/kube-object.ts'
import type { PlaceOf } from '../lib/place.ts'
import { Problem } from '../lib/problem.ts'
import { readDocuments } from '../yaml/read.ts'
import { isClusterScoped } from './scope.ts'

/** One Kubernetes object of a file. */
export interface Manifest {
  /** With its namespace filled in: `default` where the file names none and the kind is namespaced. */
  readonly object: KubeObject
  readonly file: string
  /** Which document of the file, as `setScalar` counts them. */
  readonly index: number
  /** `file:line:column` of the object. */
  readonly place: string
  readonly placeOf: PlaceOf
}

/** What was read: the objects, and a Problem with its place for each thing that could not be. */
export interface Manifests {
  readonly manifests: readonly Manifest[]
  readonly problems: readonly Problem[]
  /** Files of which some documents could not be read: what they held is not known to be gone. */
  readonly unreadable: readonly string[]
}

const NOTHING: Manifests = { manifests: [], problems: [], unreadable: [] }

/** True for the names of files that may hold manifests. */
export function isManifestFile(path: string): boolean {
  return /\.(?:ya?ml|json)$/i.test(path)
}

/**
 * The Kubernetes objects of one file, items of a `List` each on their own. Documents that are none (no `apiVersion` and
 * `kind`, or tool configuration without `metadata`) are passed over.
 */
export function manifestsInText(text: string, file: string): Manifests {
  if (!text.includes('apiVersion')) return NOTHING
  const read = readDocuments(text, file)
  const manifests: Manifest[] = []
  const problems: Problem[] = [...read.problems]
  for (const { value, index, place, placeOf } of read.documents) {
    for (const { object, path } of objectsIn(value, [])) {
      const below: PlaceOf = (rest, part) => placeOf([...path, ...rest], part)
      const named = toKubeObject(object)
      const start = path.length === 0 ? place : placeOf(path)
      if (named !== undefined) manifests.push({ object: named, file, index, place: start, placeOf: below })
      else if (isMeantAsManifest(object)) problems.push(nameless(object, below))
    }
  }
  return { manifests, problems, unreadable: read.problems.length > 0 ? [file] : [] }
}

/** Which object it is, whatever the version of its API: what must be there only once. */
export function identityOf(ref: ObjectRef): string {
  return `${groupOf(ref.apiVersion)}/${ref.kind}/${ref.namespace ?? ''}/${ref.name}`
}

interface Found {
  readonly object: JsonObject
  readonly path: readonly (string | number)[]
}

function objectsIn(value: unknown, path: readonly (string | number)[]): Found[] {
  if (!isObject(value) || typeof value['apiVersion'] !== 'string' || typeof value['kind'] !== 'string') return []
  const { kind, items } = value
  if (!kind.endsWith('List') || !Array.isArray(items)) return [{ object: value, path }]
  return items.flatMap((item: unknown, index) => objectsIn(item, [...path, 'items', index]))
}

function toKubeObject(object: JsonObject): KubeObject | undefined {
  const { apiVersion, kind, metadata } = object
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || !isObject(metadata)) return undefined
  const { name, namespace } = metadata
  if (typeof name !== 'string' || name === '') return undefined
  const inNamespace = typeof namespace === 'string' && namespace !== '' ? namespace : 'default'
  const scope = isClusterScoped(apiVersion, kind) ? {} : { namespace: inNamespace }
  return { ...object, apiVersion, kind, metadata: { ...metadata, name, ...scope } } as KubeObject
}

/** Tool configuration has an apiVersion and a kind too, but no metadata. */
function isMeantAsManifest(object: JsonObject): boolean {
  return isObject(object['metadata']) || groupOf(stringAt(object, 'apiVersion') ?? '') === 'flagger.app'
}

function nameless(object: JsonObject, placeOf: PlaceOf): Problem {
  return new Problem({
    kind: 'stalled',
    code: 'MANIFEST_WITHOUT_NAME',
    message: `${stringAt(object, 'kind') ?? 'object'} has no metadata.name`,
    place: placeOf(['metadata'], 'key'),
  })
}
