import type { Json, JsonObject } from '../../../lib/json.ts'
import { apiVersionOf } from '../kinds/kind.ts'
import type { Kind } from '../kinds/kind.ts'
import type { Registry } from '../registry.ts'
import type { Schema } from '../schema/schema.ts'

/** `/openapi/v3`: where the documents of the versions are. */
export function openApiIndex(registry: Registry): Json {
  const versions = registry.groups().flatMap((group) => group.versions.map((name) => `apis/${group.name}/${name}`))
  const paths = ['api/v1', ...versions].map((path) => [path, { serverRelativeURL: `/openapi/v3/${path}` }] as const)
  return { paths: Object.fromEntries(paths) }
}

/**
 * The OpenAPI document of one version: enough for kubectl to see that the server checks fields itself, so that it needs
 * no schema of its own, and for `kubectl explain`. Built-in kinds have no descriptions.
 */
export function openApiDocument(registry: Registry, group: string, name: string): Json {
  const kinds = registry.inVersion(group, name)
  const paths = kinds.map((kind) => {
    const root = group === '' ? '/api/v1' : `/apis/${apiVersionOf(kind)}`
    const scope = kind.namespaced ? '/namespaces/{namespace}' : ''
    const operation = {
      'x-kubernetes-action': 'patch',
      'x-kubernetes-group-version-kind': named(kind),
      parameters: [{ name: 'fieldValidation', in: 'query', schema: { type: 'string' } }],
      responses: { '200': { description: 'OK' } },
    }
    return [`${root}${scope}/${kind.plural}/{name}`, { patch: operation }] as const
  })
  const schemas = kinds.map((kind) => {
    const schema = { ...described(kind.schema), 'x-kubernetes-group-version-kind': [named(kind)] }
    return [`${group === '' ? 'core' : group}.${name}.${kind.kind}`, schema] as const
  })
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.36.2' },
    paths: Object.fromEntries(paths),
    components: { schemas: Object.fromEntries(schemas) },
  }
}

function named({ group, version, kind }: Kind): JsonObject {
  return { group, version, kind }
}

function described(schema: Schema): JsonObject {
  const { description, required, enum: choices } = schema.rules ?? {}
  const { properties, items, values } = schema
  const fields = [...(properties ?? [])].map(([field, inner]) => [field, described(inner)] as const)
  return {
    ...typed(schema),
    ...(description === undefined ? {} : { description }),
    ...(required === undefined ? {} : { required }),
    ...(choices === undefined ? {} : { enum: choices }),
    ...(schema.default === undefined ? {} : { default: schema.default }),
    ...(fields.length === 0 ? {} : { properties: Object.fromEntries(fields) }),
    ...(items === undefined ? {} : { items: described(items) }),
    ...(values === undefined ? {} : { additionalProperties: described(values) }),
  }
}

function typed({ type, format }: Schema): JsonObject {
  if (type === 'any') return { type: 'object' }
  if (type === 'int-or-string') return { type: 'string', format: 'int-or-string' }
  return format === 'time' || format === 'micro-time' ? { type, format: 'date-time' } : { type }
}
