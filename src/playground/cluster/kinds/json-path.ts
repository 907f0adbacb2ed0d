import type { Json } from '../../../lib/json.ts'
import { at } from '../../../lib/json.ts'
import { isList, plain } from '../document.ts'

const step =
  /\.([A-Za-z_][\w-]*)|\['((?:[^'\\]|\\.)*)'((?:,'[^'\\]*')*)\]|\[(\d+)\]|\[\?\(@\.([\w.]+)\s*==\s*["']([^"']*)["']\)\]/y

/**
 * Reads the JSONPath of a printer column: fields, `['a key']`, `['this','or that']` (what is there first), `[0]` and
 * the filter `[?(@.type=="Ready")]`. Undefined where there is nothing or the path uses more than that.
 */
export function readPath(value: Json, path: string): Json | undefined {
  let here: Json | undefined = value
  step.lastIndex = 0
  const whole = path.startsWith('.') || path.startsWith('[') ? path : `.${path}`
  while (step.lastIndex < whole.length) {
    const match = step.exec(whole)
    if (match === null) return undefined
    const [, name, quoted, others = '', index, field, wanted] = match
    const key = name ?? quoted?.replaceAll(/\\(.)/g, '$1')
    if (key !== undefined) here = firstOf(here, [key, ...others.split(',').map((other) => other.slice(1, -1))])
    else if (index !== undefined) here = at(here, Number(index))
    else here = isList(here) ? here.find((item) => plain(at(item, ...(field ?? '').split('.'))) === wanted) : undefined
    if (here === undefined) return undefined
  }
  return here
}

function firstOf(value: Json, keys: readonly string[]): Json | undefined {
  return keys.map((key) => at(value, key)).find((found) => found !== undefined)
}
