import type { JsonObject } from '../../lib/json.ts'
import { isObject } from '../../lib/json.ts'
import { draft, isDoc } from './document.ts'
import type { Doc } from './document.ts'

/** Applies a JSON merge patch (RFC 7386) to a document, which is changed in place. */
export function applyMergePatch(target: Doc, patch: JsonObject): void {
  for (const key of Object.keys(patch)) {
    const value = patch[key]
    if (value === undefined) continue
    if (value === null) delete target[key]
    else if (isObject(value)) {
      const below = target[key]
      const next: Doc = isDoc(below) ? below : {}
      applyMergePatch(next, value)
      target[key] = next
    } else target[key] = draft(value)
  }
}
