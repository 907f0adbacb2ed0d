import { at, isObject, stringAt } from '../../../lib/json.ts'
import type { JsonObject } from '../../../lib/json.ts'
import type { KubeObject } from '../../../lib/kube-object.ts'
import { forbidden, required, wrong } from '../api/causes.ts'
import type { Cause } from '../api/failure.ts'
import { child, equalJson, isDoc } from '../document.ts'
import { anything, keyed, list, optionalFlag, part, record, text, textMap } from '../schema/schema.ts'
import type { Schema } from '../schema/schema.ts'
import { builtIn } from './kind.ts'
import type { Kind } from './kind.ts'
import { objectMeta } from './metadata.ts'
import { fallback } from './pod-defaults.ts'
import { conditions } from './pod-spec.ts'

/** The fields that every kind has, and those of this kind. */
export function topLevel(fields: Readonly<Record<string, Schema>>): Schema {
  return record({ apiVersion: text, kind: text, metadata: objectMeta, ...fields })
}

const bytesMap: Schema = { type: 'object', values: { type: 'string', format: 'bytes', pointer: true } }

const namespace = builtIn({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  namespaced: false,
  nameRule: 'label',
  hasStatus: true,
  selectable: { 'status.phase': ['status', 'phase'] },
  schema: topLevel({ spec: part({ finalizers: list(text) }), status: part({ phase: text, conditions }) }),
  defaults: (object) => {
    const metadata = child(object, 'metadata')
    const name = metadata['name']
    if (typeof name === 'string') child(metadata, 'labels')['kubernetes.io/metadata.name'] = name
  },
  prepare: (object, live) => {
    if (live !== undefined) return
    object['spec'] = { finalizers: ['kubernetes'] }
    object['status'] = { phase: 'Active' }
  },
})

/** What one ConfigMap or Secret may hold, in bytes. */
const dataLimit = 1024 * 1024

function sizeCauses(object: JsonObject): readonly Cause[] {
  const sizes = ['data', 'binaryData'].flatMap((field) => {
    const data = at(object, field)
    const isText = field === 'data' && object['kind'] === 'ConfigMap'
    return Object.values(isObject(data) ? data : {}).map((value) =>
      typeof value === 'string' ? Buffer.byteLength(value, isText ? 'utf8' : 'base64') : 0,
    )
  })
  if (sizes.reduce((sum, size) => sum + size, 0) <= dataLimit) return []
  const message = `Too long: may not be more than ${dataLimit} bytes`
  return [{ reason: 'FieldValueTooLong', message, field: object['kind'] === 'Secret' ? 'data' : '[]' }]
}

function dataCauses(object: JsonObject): readonly Cause[] {
  return [...keyCauses(object), ...sizeCauses(object)]
}

function keyCauses(object: JsonObject): readonly Cause[] {
  const binary = at(object, 'binaryData')
  return ['data', 'binaryData'].flatMap((field) => {
    const data = at(object, field)
    return Object.keys(isObject(data) ? data : {}).flatMap((key) => {
      if (!/^[-._a-zA-Z0-9]+$/.test(key)) {
        const message =
          "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
        return [wrong(`${field}[${key}]`, key, message)]
      }
      const twice = field === 'data' && isObject(binary) && binary[key] !== undefined
      return twice ? [wrong(`data[${key}]`, key, 'duplicate of key present in binaryData')] : []
    })
  })
}

function immutableCauses(object: JsonObject, live: KubeObject | undefined): readonly Cause[] {
  if (live === undefined || live['immutable'] !== true) return []
  const message = 'field is immutable when `immutable` is set'
  return [
    ...(object['immutable'] === true ? [] : [forbidden('immutable', message)]),
    ...['data', 'binaryData'].flatMap((field) =>
      equalJson(at(object, field), at(live, field)) ? [] : [forbidden(field, message)],
    ),
  ]
}

const configMap = builtIn({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  schema: topLevel({ immutable: optionalFlag, data: textMap, binaryData: bytesMap }),
  validate: (object, live) => [...dataCauses(object), ...immutableCauses(object, live)],
})

const secret = builtIn({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  selectable: { type: ['type'] },
  schema: topLevel({ immutable: optionalFlag, data: bytesMap, stringData: textMap, type: text }),
  defaults: (object) => {
    fallback(object, 'type', 'Opaque')
    const plain = object['stringData']
    if (isDoc(plain)) {
      const data = child(object, 'data')
      for (const [key, value] of Object.entries(plain)) {
        if (typeof value === 'string') data[key] = Buffer.from(value).toString('base64')
      }
      delete object['stringData']
    }
  },
  validate: (object, live) => [
    ...dataCauses(object),
    ...(stringAt(object, 'type') === 'kubernetes.io/tls'
      ? ['tls.crt', 'tls.key'].flatMap((key) =>
          at(object, 'data', key) === undefined ? [required(`data[${key}]`)] : [],
        )
      : []),
    ...(live !== undefined && at(live, 'type') !== at(object, 'type')
      ? [wrong('type', at(object, 'type'), 'field is immutable')]
      : []),
    ...immutableCauses(object, live),
  ],
})

const serviceAccount = builtIn({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  shortNames: ['sa'],
  returnsDeleted: true,
  schema: topLevel({
    secrets: keyed(['name'], anything),
    imagePullSecrets: list(anything),
    automountServiceAccountToken: optionalFlag,
  }),
})

const node = builtIn({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  shortNames: ['no'],
  namespaced: false,
  hasStatus: true,
  schema: topLevel({ spec: part({}, { open: true }), status: part({}, { open: true }) }),
})

const endpoints = builtIn({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  singular: 'endpoints',
  shortNames: ['ep'],
  schema: topLevel({ subsets: list(anything) }),
})

/** Kinds of the core group without a controller of their own. */
export const coreKinds: readonly Kind[] = [configMap, endpoints, namespace, node, secret, serviceAccount]
