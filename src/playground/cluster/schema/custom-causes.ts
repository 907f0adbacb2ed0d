import type { JsonObject } from '../../../lib/json.ts'
import { at, isObject } from '../../../lib/json.ts'
import type { KubeObject } from '../../../lib/kube-object.ts'
import { wrong } from '../api/causes.ts'
import type { Cause } from '../api/failure.ts'
import { isList, plain } from '../document.ts'
import type { Kind } from '../kinds/kind.ts'
import { hasRules, ruleCauses } from './rules.ts'
import { blocksRules, validateValue } from './validate.ts'

/** Everything that is wrong with a custom object by its definition. */
export function customCauses(
  object: JsonObject,
  live: (KubeObject & JsonObject) | undefined,
  kind: Kind,
): readonly Cause[] {
  const causes = [...validateValue(object, kind.schema.rules ?? {}, ''), ...scaleCauses(object, kind)]
  if (!blocksRules(causes)) return [...causes, ...ruleCauses(object, live, kind.schema, '')]
  if (!hasRules(kind.schema)) return causes
  const message =
    'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation'
  return [...causes, wrong('<nil>', undefined, message)]
}

function scaleCauses(object: JsonObject, kind: Kind): readonly Cause[] {
  const path = kind.scale?.specReplicas ?? []
  if (path.length === 0) return []
  const field = `.${path.join('.')}`
  const parent = at(object, ...path.slice(0, -1))
  if (parent !== undefined && !isObject(parent)) {
    return [
      wrong(field, 0, `${field} accessor error: [] is of the type []interface {}, expected map[string]interface{}`),
    ]
  }
  const replicas = at(object, ...path)
  if (replicas === undefined || replicas === null) return []
  if (typeof replicas === 'number' && Number.isInteger(replicas)) {
    return replicas < 0 ? [wrong(field, replicas, 'should be a non-negative integer')] : []
  }
  const type = typeof replicas === 'number' ? 'float64' : isList(replicas) ? '[]interface {}' : typeof replicas
  return [wrong(field, 0, `${field} accessor error: ${plain(replicas)} is of the type ${type}, expected int64`)]
}
