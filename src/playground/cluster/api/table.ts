import type { Json, JsonObject } from '../../../lib/json.ts'
import { at, isObject, stringAt } from '../../../lib/json.ts'
import type { Column, Kind } from '../kinds/kind.ts'
import type { StoredObject } from '../store.ts'
import { builtInColumns } from './columns.ts'

const nameDescription =
  'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names'

const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: nameDescription,
  cell: (object) => stringAt(object, 'metadata', 'name') ?? '',
}

function columnsOf(kind: Kind): readonly Column[] {
  if (kind.columns !== undefined) return [nameColumn, ...kind.columns]
  const columns = builtInColumns(kind)
  return columns[0]?.name === 'Last Seen' ? columns : [nameColumn, ...columns]
}

/** Objects as `kubectl get` shows them. `include` says what stands beside the cells of a row. */
export function tableBody(
  objects: readonly StoredObject[],
  kind: Kind,
  metadata: JsonObject,
  include: string,
  now: number,
): Json {
  const columns = columnsOf(kind)
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: columns.map(({ name, type, format, description, priority }) => {
      return { name, type, format: format ?? '', description: description ?? '', priority: priority ?? 0 }
    }),
    rows: objects.map((object) => ({
      cells: columns.map((column) => cell(column, object, kind, now)),
      object: include === 'None' ? null : include === 'Object' ? object : partial(object),
    })),
  }
}

function cell(column: Column, object: StoredObject, kind: Kind, now: number): Json {
  const value = column.cell(object)
  const isDate = column.type === 'date' || column.name === 'Age' || column.name === 'Last Seen'
  if (isDate && typeof value === 'string') return age(value, now)
  if (isDate && value === null) return kind.custom ? null : '<unknown>'
  if (value === null || column.type !== 'string') return value
  return typeof value === 'string' || typeof value === 'number' ? value : JSON.stringify(value)
}

function partial(object: StoredObject): Json {
  const metadata = at(object, 'metadata')
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: isObject(metadata) ? metadata : {} }
}

/** An object reduced to its metadata. */
export const partialMetadata = partial

/** How long ago a timestamp was, in kubectl's short form: `45s`, `3m20s`, `5h`, `12d`. */
export function age(timestamp: string, now: number): string {
  const seconds = Math.floor((now - Date.parse(timestamp)) / 1000)
  if (Number.isNaN(seconds)) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`
  if (minutes < 180) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`
}
