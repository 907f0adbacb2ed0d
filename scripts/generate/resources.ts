import { at, isObject, stringAt, type Json, type JsonObject } from '../../src/lib/json.ts'
import type { KubeObject } from '../../src/lib/kube-object.ts'
import { crds } from '../../src/resources/crds.ts'

/** The reference of the custom resources as Markdown: every field as `kubectl explain` tells it. */
export function resourcesReference(): string {
  return `${HEAD}${crds().map(section).join('')}`
}

const HEAD = `<!-- Generated from src/resources by npm run generate. -->

# Resources

The kinds of the group \`flagger.app\`. \`kubectl explain canary.spec.analysis\` says the same in a cluster, \`serin validate\`
checks manifests against it, with file, line and column. What of it Serin acts on already is told in
[Serin for Flagger's users](flagger.md).

Canaries of \`v1alpha1\`, \`v1alpha2\` and \`v1alpha3\` are taken too. Their \`canaryAnalysis\` is what \`analysis\` is now, with
the same fields; where they leave out \`interval\` it is \`1m\`, where they leave out \`threshold\` it is \`1\`.

A field in **bold** is required where the map that it is in is given. A text match is a map with one of \`exact\`, \`prefix\`,
\`suffix\` and \`regex\`.
`

function section(crd: KubeObject): string {
  const kind = stringAt(crd.spec, 'names', 'kind') ?? ''
  const schema = at(crd.spec, 'versions', 0, 'schema', 'openAPIV3Schema')
  const parts = ['spec', 'status'].map((part) => {
    const rows = rowsBelow(at(schema, 'properties', part), part).filter(
      ({ path }) => !path.startsWith('spec.canaryAnalysis'),
    )
    const lines = rows.map(({ path, isRequired, type, description }) => {
      const name = isRequired ? `**\`${path}\`**` : `\`${path}\``
      return `- ${name} (${type}): ${description}`
    })
    return `\n### ${kind} ${part}\n\n${lines.join('\n')}\n`
  })
  return `\n## ${kind}\n\n${stringAt(schema, 'description') ?? ''}\n${parts.join('')}`
}

interface Row {
  readonly path: string
  readonly isRequired: boolean
  readonly type: string
  readonly description: string
}

function rowsBelow(schema: Json | undefined, path: string): Row[] {
  if (!isObject(schema) || isTextMatch(schema)) return []
  const { properties, items, additionalProperties, required } = schema
  if (isObject(items)) return rowsBelow(items, `${path}[]`)
  if (isObject(additionalProperties)) return rowsBelow(additionalProperties, `${path}.*`)
  const names = isObject(properties) ? Object.entries(properties) : []
  return names.flatMap(([name, child]) => {
    if (!isObject(child)) return []
    const own = `${path}.${name}`
    const isRequired = Array.isArray(required) && required.includes(name)
    const description = stringAt(child, 'description') ?? ''
    return [{ path: own, isRequired, type: typeOf(child), description }, ...rowsBelow(child, own)]
  })
}

function isTextMatch({ properties }: JsonObject): boolean {
  return isObject(properties) && Object.keys(properties).join() === 'exact,prefix,suffix,regex'
}

function typeOf(schema: JsonObject): string {
  if (isTextMatch(schema)) return 'text match'
  const { items, additionalProperties } = schema
  const options = schema['enum']
  if (schema['x-kubernetes-int-or-string'] === true) return 'number or text'
  if (isObject(items)) return `list of ${typeOf(items)}`
  if (isObject(additionalProperties)) return `map to ${typeOf(additionalProperties)}`
  if (Array.isArray(options)) {
    const given = options.filter((option) => option !== '')
    return given.map((option) => `\`${String(option)}\``).join(', ')
  }
  return TYPES[stringAt(schema, 'type') ?? ''] ?? ''
}

const TYPES: Readonly<Record<string, string>> = {
  object: 'map',
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
}
