import type { Json, JsonObject } from '../../../lib/json.ts'
import { isObject } from '../../../lib/json.ts'
import type { Doc } from '../document.ts'

/**
 * A set of fields of one object, as managedFields records it: a tree whose edges are the path elements `f:name`,
 * `k:{"key":…}` and `v:value`. A node with `self` is itself a member.
 */
export interface FieldSet {
  readonly self: boolean
  readonly children: ReadonlyMap<string, FieldSet>
}

const none: ReadonlyMap<string, FieldSet> = new Map()

/** The set without any field. */
export const emptySet: FieldSet = { self: false, children: none }

/** A member with nothing below. */
export const leaf: FieldSet = { self: true, children: none }

/** A field set being collected. */
export interface FieldSetDraft {
  self: boolean
  children: Map<string, FieldSetDraft>
}

/** A new, empty collection. */
export function newSet(): FieldSetDraft {
  return { self: false, children: new Map() }
}

/** True when the set holds no field. */
export function isEmpty(set: FieldSet): boolean {
  if (set.self) return false
  for (const below of set.children.values()) if (!isEmpty(below)) return false
  return true
}

function made(self: boolean, children: Map<string, FieldSet>): FieldSet {
  if (children.size === 0) return self ? leaf : emptySet
  return { self, children }
}

/** Fields in either set. */
export function union(left: FieldSet, right: FieldSet): FieldSet {
  if (left === right || isEmpty(right)) return left
  if (isEmpty(left)) return right
  const children = new Map<string, FieldSet>(left.children)
  for (const [element, below] of right.children) {
    const other = children.get(element)
    children.set(element, other === undefined ? below : union(other, below))
  }
  return made(left.self || right.self, children)
}

/** Fields in the left set that are not in the right one. */
export function difference(left: FieldSet, right: FieldSet): FieldSet {
  if (right.children.size === 0 && !right.self) return left
  const children = new Map<string, FieldSet>()
  for (const [element, below] of left.children) {
    const other = right.children.get(element)
    const rest = other === undefined ? below : difference(below, other)
    if (!isEmpty(rest)) children.set(element, rest)
  }
  return made(left.self && !right.self, children)
}

/** Fields in both sets. */
export function intersection(left: FieldSet, right: FieldSet): FieldSet {
  const children = new Map<string, FieldSet>()
  for (const [element, below] of left.children) {
    const other = right.children.get(element)
    if (other === undefined) continue
    const both = intersection(below, other)
    if (!isEmpty(both)) children.set(element, both)
  }
  return made(left.self && right.self, children)
}

/** Without the fields at, or below, these paths of field names. */
export function without(set: FieldSet, paths: readonly (readonly string[])[]): FieldSet {
  return paths.reduce((rest, path) => withoutPath(rest, path), set)
}

function withoutPath(set: FieldSet, path: readonly string[]): FieldSet {
  const [name, ...deeper] = path
  const element = `f:${name}`
  const below = set.children.get(element)
  if (below === undefined) return set
  const rest = deeper.length === 0 ? emptySet : withoutPath(below, deeper)
  const children = new Map(set.children)
  if (isEmpty(rest)) children.delete(element)
  else children.set(element, rest)
  return made(set.self, children)
}

/** Without membership of this path itself; what lies below stays. */
export function withoutMember(set: FieldSet, name: string): FieldSet {
  const below = set.children.get(`f:${name}`)
  if (below === undefined || !below.self) return set
  const children = new Map(set.children)
  if (below.children.size === 0) children.delete(`f:${name}`)
  else children.set(`f:${name}`, { self: false, children: below.children })
  return made(set.self, children)
}

/** True when both hold the same fields. */
export function sameSet(left: FieldSet, right: FieldSet): boolean {
  if (left === right) return true
  if (left.self !== right.self || left.children.size !== right.children.size) return false
  for (const [element, below] of left.children) {
    const other = right.children.get(element)
    if (other === undefined || !sameSet(below, other)) return false
  }
  return true
}

/** Every member as its path elements: those of a node before those below it, elements in order. */
export function members(set: FieldSet, path: readonly string[] = []): (readonly string[])[] {
  const elements = [...set.children.keys()].toSorted()
  const found = elements
    .filter((element) => set.children.get(element)?.self === true)
    .map((element): readonly string[] => [...path, element])
  for (const element of elements) found.push(...members(set.children.get(element) ?? emptySet, [...path, element]))
  return found
}

/** A path as messages show it: `.spec.containers[name="app"].image`. */
export function showPath(path: readonly string[]): string {
  return path.map(showElement).join('')
}

function showElement(element: string): string {
  const rest = element.slice(2)
  if (element.startsWith('f:')) return `.${rest}`
  if (element.startsWith('v:')) return `[=${rest}]`
  const keys: unknown = JSON.parse(rest)
  if (!isObject(keys)) return `[${rest}]`
  return `[${Object.keys(keys)
    .map((key) => `${key}=${JSON.stringify(keys[key])}`)
    .join(',')}]`
}

const parsed = new WeakMap<object, FieldSet>()

/** Reads fieldsV1. What it holds beside path elements is ignored. */
export function readFieldsV1(value: Json | undefined): FieldSet {
  if (!isObject(value)) return emptySet
  const known = parsed.get(value)
  if (known !== undefined) return known
  const children = new Map<string, FieldSet>()
  for (const key of Object.keys(value)) {
    const below = value[key]
    if (key !== '.' && isObject(below)) children.set(key, readNode(below))
  }
  const set = made(false, children)
  if (Object.isFrozen(value)) parsed.set(value, set)
  return set
}

function readNode(value: JsonObject): FieldSet {
  const keys = Object.keys(value)
  if (keys.length === 0) return leaf
  const children = new Map<string, FieldSet>()
  for (const key of keys) {
    const below = value[key]
    if (key !== '.' && isObject(below)) children.set(key, readNode(below))
  }
  return made(value['.'] !== undefined, children)
}

/** Writes fieldsV1, keys in order. */
export function writeFieldsV1(set: FieldSet): Doc {
  const result: Doc = {}
  if (set.self && set.children.size > 0) result['.'] = {}
  for (const element of [...set.children.keys()].toSorted()) {
    const below = set.children.get(element)
    if (below !== undefined && !isEmpty(below)) result[element] = writeFieldsV1(below)
  }
  return result
}
