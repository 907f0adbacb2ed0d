import type { Json } from '../../../lib/json.ts'
import { isObject, stringAt } from '../../../lib/json.ts'
import { isList } from '../document.ts'
import type { Doc } from '../document.ts'
import type { Cause } from '../api/failure.ts'
import { applyConflict } from '../api/failure.ts'
import type { Comparison } from './compare.ts'
import {
  difference,
  emptySet,
  intersection,
  isEmpty,
  members,
  readFieldsV1,
  sameSet,
  showPath,
  union,
  writeFieldsV1,
} from './field-set.ts'
import type { FieldSet } from './field-set.ts'

/** One entry of managedFields. */
export interface Manager {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource?: string | undefined
  readonly time?: string | undefined
  readonly fields: FieldSet
}

/** Who writes: everything of a manager but what it owns. */
export type Writer = Omit<Manager, 'fields' | 'time'>

/** Reads managedFields; entries that are none are left out. */
export function readManagers(value: Json | undefined): readonly Manager[] {
  return (isList(value) ? value : []).flatMap((entry): Manager[] => {
    const operation = stringAt(entry, 'operation')
    if (!isObject(entry) || (operation !== 'Apply' && operation !== 'Update')) return []
    return [
      {
        manager: stringAt(entry, 'manager') ?? '',
        operation,
        apiVersion: stringAt(entry, 'apiVersion') ?? '',
        subresource: stringAt(entry, 'subresource'),
        time: stringAt(entry, 'time'),
        fields: readFieldsV1(entry['fieldsV1']),
      },
    ]
  })
}

/** Writes managedFields: Apply before Update, older before newer, then by name. Undefined when nobody owns anything. */
export function writeManagers(managers: readonly Manager[]): Doc[] | undefined {
  const owners = managers.filter((manager) => !isEmpty(manager.fields))
  if (owners.length === 0) return undefined
  return owners.toSorted(order).map((owner) => {
    const entry: Doc = { manager: owner.manager, operation: owner.operation, apiVersion: owner.apiVersion }
    if (owner.time !== undefined) entry['time'] = owner.time
    entry['fieldsType'] = 'FieldsV1'
    entry['fieldsV1'] = writeFieldsV1(owner.fields)
    if (owner.subresource !== undefined) entry['subresource'] = owner.subresource
    return entry
  })
}

function order(left: Manager, right: Manager): number {
  const a = [left.operation, left.time ?? '', left.manager, left.subresource ?? '']
  const b = [right.operation, right.time ?? '', right.manager, right.subresource ?? '']
  for (const [index, part] of a.entries()) {
    const other = b[index] ?? ''
    if (part !== other) return part < other ? -1 : 1
  }
  return 0
}

/** True for entries of one and the same writer. An Apply stays the same over versions. */
export function sameWriter(left: Writer, right: Writer): boolean {
  return (
    left.manager === right.manager &&
    left.operation === right.operation &&
    left.subresource === right.subresource &&
    (left.operation === 'Apply' || left.apiVersion === right.apiVersion)
  )
}

/** Ownership after an update: the writer gets what it changed or added, everybody loses that and what was removed. */
export function afterUpdate(
  managers: readonly Manager[],
  comparison: Comparison,
  writer: Writer,
  ignore: (fields: FieldSet) => FieldSet,
  time: string | undefined,
): readonly Manager[] {
  const changed = union(comparison.modified, comparison.added)
  const lost = union(changed, comparison.removed)
  const rest = managers.map((manager) => ({ ...manager, fields: difference(manager.fields, lost) }))
  const gained = ignore(changed)
  if (isEmpty(gained)) return rest
  const before = managers.find((manager) => sameWriter(manager, writer))
  const kept = before === undefined ? emptySet : difference(before.fields, comparison.removed)
  const entry: Manager = { ...writer, time, fields: union(kept, gained) }
  return [...rest.filter((manager) => !sameWriter(manager, writer)), entry]
}

/** Ownership after an apply whose own fields are in `managers` already: others lose what it changed, everybody what went. */
export function afterApply(managers: readonly Manager[], comparison: Comparison, writer: Writer): readonly Manager[] {
  const changed = union(comparison.modified, comparison.added)
  const lost = union(changed, comparison.removed)
  return managers.map((manager) => ({
    ...manager,
    fields: difference(manager.fields, sameWriter(manager, writer) ? comparison.removed : lost),
  }))
}

/** The refusal of an apply that would change what others own, or undefined when it would not. */
export function findConflict(
  managers: readonly Manager[],
  comparison: Comparison,
  writer: Writer,
): ReturnType<typeof applyConflict> | undefined {
  const changed = union(comparison.modified, comparison.added)
  const found = managers
    .filter((manager) => !sameWriter(manager, writer))
    .map((manager) => ({ title: title(manager), paths: members(intersection(manager.fields, changed)).map(showPath) }))
    .filter((entry) => entry.paths.length > 0)
    .toSorted((left, right) => (left.title < right.title ? -1 : 1))
  if (found.length === 0) return undefined
  const causes = found.flatMap((entry): Cause[] =>
    entry.paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${entry.title}`, field })),
  )
  const only = causes.length === 1 ? causes[0] : undefined
  if (only !== undefined) return applyConflict(`${only.message}: ${only.field}`, causes)
  const lines = found.flatMap((entry) => [`conflicts with ${entry.title}:`, ...entry.paths.map((path) => `- ${path}`)])
  return applyConflict(lines.join('\n'), causes)
}

function title(manager: Manager): string {
  const subresource = manager.subresource === undefined ? '' : ` with subresource "${manager.subresource}"`
  const version = manager.operation === 'Update' ? ` using ${manager.apiVersion}` : ''
  return `"${manager.manager}"${subresource}${version}`
}

/** True when both lists give everybody the same fields. */
export function sameManagers(left: readonly Manager[], right: readonly Manager[]): boolean {
  const owners = (managers: readonly Manager[]): readonly Manager[] => managers.filter((one) => !isEmpty(one.fields))
  const others = owners(right)
  const mine = owners(left)
  if (mine.length !== others.length) return false
  return mine.every((one) => others.some((other) => sameWriter(one, other) && sameSet(one.fields, other.fields)))
}
