import { plain } from '../document.ts'
import type { Json } from '../../../lib/json.ts'
import { at } from '../../../lib/json.ts'
import type { Kind } from '../kinds/kind.ts'
import { badRequest } from './failure.ts'

/** A test for an object. */
export type ObjectTest = (object: Json) => boolean

const common: Readonly<Record<string, readonly string[]>> = {
  'metadata.name': ['metadata', 'name'],
  'metadata.namespace': ['metadata', 'namespace'],
}

/** Reads a `fieldSelector` parameter for a kind. */
export function parseFieldSelector(selector: string, kind: Kind): ObjectTest {
  const tests = selector
    .split(',')
    .filter((term) => term !== '')
    .map((term) => parseTerm(term, selector, kind))
  return (object) => tests.every((test) => test(object))
}

function parseTerm(term: string, selector: string, kind: Kind): ObjectTest {
  const match = /^([^=!]+)(==|!=|=)(.*)$/s.exec(term)
  if (match === null) throw badRequest(`invalid selector: '${selector}'; can't understand '${term}'`)
  const [, label = '', operator, wanted = ''] = match
  const path = common[label] ?? kind.selectable?.[label]
  if (path === undefined) {
    throw badRequest(
      kind.custom || kind.selectable !== undefined
        ? `field label not supported: ${label}`
        : `"${label}" is not a known field selector: only "metadata.name", "metadata.namespace"`,
    )
  }
  const equal = operator !== '!='
  return (object) => {
    const value = at(object, ...path)
    const shown = value === undefined || value === null ? '' : plain(value)
    return equal === (shown === wanted)
  }
}
