import type { JsonObject } from '../../../lib/json.ts'
import { at, isObject, stringAt } from '../../../lib/json.ts'
import { isList } from '../document.ts'
import type { Kind } from '../kinds/kind.ts'
import { required, wrong } from './causes.ts'
import type { Cause } from './failure.ts'
import { isSubdomain, keyProblem, labelCauses, nameProblem } from './names.ts'

const standardFinalizers: ReadonlySet<string> = new Set(['kubernetes', 'orphan', 'foregroundDeletion'])

/** What is wrong with an object's metadata. */
export function metadataCauses(object: JsonObject, kind: Kind): readonly Cause[] {
  return [
    ...nameCauses(object, kind),
    ...labelCauses(objectAt(object, 'labels'), 'metadata.labels'),
    ...Object.keys(objectAt(object, 'annotations')).flatMap((key) => {
      const trouble = keyProblem(key.toLowerCase())
      return trouble === undefined ? [] : [wrong('metadata.annotations', key, trouble)]
    }),
    ...ownerCauses(object),
    ...finalizerCauses(object),
  ]
}

function objectAt(object: JsonObject, key: string): JsonObject {
  const found = at(object, 'metadata', key)
  return isObject(found) ? found : {}
}

function nameCauses(object: JsonObject, kind: Kind): readonly Cause[] {
  const name = stringAt(object, 'metadata', 'name')
  if (name === undefined || name === '') return [required('metadata.name', 'name or generateName is required')]
  const trouble = nameProblem(name, kind.nameRule)
  return trouble === undefined ? [] : [wrong('metadata.name', name, trouble)]
}

function ownerCauses(object: JsonObject): readonly Cause[] {
  const owners = at(object, 'metadata', 'ownerReferences')
  if (!isList(owners)) return []
  const causes: Cause[] = []
  for (const field of ['apiVersion', 'kind', 'name', 'uid']) {
    for (const owner of owners) {
      if ((stringAt(owner, field) ?? '') !== '') continue
      causes.push(
        wrong(
          `metadata.ownerReferences.${field}`,
          '',
          field === 'apiVersion' ? 'version must not be empty' : 'must not be empty',
        ),
      )
    }
  }
  const controllers = owners.filter((owner) => at(owner, 'controller') === true)
  const [first, second] = controllers
  if (first !== undefined && second !== undefined) {
    const named = (owner: typeof first): string => `${stringAt(owner, 'kind')}/${stringAt(owner, 'name')}`
    const message = `Only one reference can have Controller set to true. Found "true" in references for ${named(first)} and ${named(second)}`
    causes.push(wrong('metadata.ownerReferences', owners, message))
  }
  return causes
}

function finalizerCauses(object: JsonObject): readonly Cause[] {
  const finalizers = at(object, 'metadata', 'finalizers')
  if (!isList(finalizers)) return []
  return finalizers.flatMap((finalizer, index) => {
    const name = typeof finalizer === 'string' ? finalizer : ''
    if (standardFinalizers.has(name)) return []
    const field = `metadata.finalizers[${index}]`
    const trouble = keyProblem(name)
    if (trouble !== undefined) return [wrong(field, name, trouble)]
    const parts = name.split('/')
    return parts.length === 2 && isSubdomain(parts[0] ?? '')
      ? []
      : [wrong(field, name, 'name is neither a standard finalizer name nor is it fully qualified')]
  })
}
