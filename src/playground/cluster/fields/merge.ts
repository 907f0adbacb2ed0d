import type { Json } from '../../../lib/json.ts'
import { isObject } from '../../../lib/json.ts'
import { isList } from '../document.ts'
import type { Doc, Draft } from '../document.ts'
import { draft } from '../document.ts'
import { anything, fieldSchema } from '../schema/schema.ts'
import type { Schema } from '../schema/schema.ts'
import { elements } from './element.ts'

/** The live object with an applied configuration laid over it: maps and keyed lists merge, the rest is replaced. */
export function mergeApplied(live: Json | undefined, config: Json | undefined, schema: Schema): Draft | undefined {
  if (config === undefined) return live === undefined ? undefined : draft(live)
  if (live === undefined || live === null) return draft(config)
  if (isObject(config) && isObject(live) && schema.atomic !== true) {
    const merged: Doc = {}
    for (const key of new Set([...Object.keys(live), ...Object.keys(config)])) {
      const member = mergeApplied(live[key], config[key], fieldSchema(schema, key) ?? anything)
      if (member !== undefined) merged[key] = member
    }
    return merged
  }
  if (isList(config) && isList(live) && schema.list !== undefined) return mergeLists(live, config, schema)
  return draft(config)
}

/**
 * Keeps the live order and takes over the order of the applied one where both name the same elements; new elements
 * follow what stands before them.
 */
function mergeLists(live: readonly Json[], config: readonly Json[], schema: Schema): Draft[] {
  const left = [...elements(live, schema)]
  const right = [...elements(config, schema)]
  const inLeft = new Map(left)
  const inRight = new Map(right)
  const shared = right.filter(([element]) => inLeft.has(element)).map(([element]) => element)
  const merged: Draft[] = []
  const done = new Set<string>()
  const take = (element: string): void => {
    done.add(element)
    const item = mergeApplied(inLeft.get(element), inRight.get(element), schema.items ?? anything)
    if (item !== undefined) merged.push(item)
    if (shared[0] === element) shared.shift()
  }
  let l = 0
  let r = 0
  while (l < left.length || r < right.length) {
    const here = left[l]?.[0]
    const there = right[r]?.[0]
    if (here !== undefined && there !== undefined) {
      if (here === there) {
        take(here)
        l += 1
        r += 1
        continue
      }
      if (inRight.has(here) && shared[0] !== undefined && shared[0] !== here) {
        l += 1
        continue
      }
    }
    if (here !== undefined) {
      if (!inRight.has(here)) {
        take(here)
        l += 1
        continue
      }
      if (done.has(here)) l += 1
    }
    if (there !== undefined) {
      take(there)
      r += 1
    }
  }
  return merged
}
