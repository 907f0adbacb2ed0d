import { createHash } from 'node:crypto'
import { type Json, type JsonObject, at, canonicalJson, isObject, stringAt } from '../../lib/json.ts'
import type { KubeObject } from '../../lib/kube-object.ts'
import type { Canary } from '../../resources/canary.ts'
import { leaveAloneAnnotations } from '../../traffic/metadata.ts'
import { withPrefixes } from './metadata.ts'

/** A ConfigMap or Secret that a pod reads. */
export interface ConfigRef {
  readonly kind: 'ConfigMap' | 'Secret'
  readonly name: string
  /** The pod starts without it too. */
  readonly optional: boolean
}

/** `configmap/<name>` or `secret/<name>`: how a Canary's status names a config. */
export function configKey({ kind, name }: Pick<ConfigRef, 'kind' | 'name'>): string {
  return `${kind.toLowerCase()}/${name}`
}

/** The ConfigMaps and Secrets of a pod spec's volumes, projected volumes, `env` and `envFrom`; each once. */
export function configRefs(podSpec: Json | undefined): readonly ConfigRef[] {
  const found = new Map<string, ConfigRef>()
  rewrite(podSpec ?? null, (ref) => {
    const known = found.get(configKey(ref))
    found.set(configKey(ref), { ...ref, optional: ref.optional && (known?.optional ?? true) })
    return ref.name
  })
  return [...found.values()]
}

/** The pod spec with `-primary` added to the names of these configs (see `configKey`), wherever it reads them. */
export function withPrimaryConfigs(podSpec: JsonObject, keys: ReadonlySet<string>): JsonObject {
  const rewritten = rewrite(podSpec, (ref) => (keys.has(configKey(ref)) ? `${ref.name}-primary` : ref.name))
  return isObject(rewritten) ? rewritten : podSpec
}

const trackedSecretTypes = new Set([
  'Opaque',
  'kubernetes.io/basic-auth',
  'kubernetes.io/ssh-auth',
  'kubernetes.io/tls',
])

/** Whether changes of a ConfigMap or Secret count: not when it is annotated so, nor for Secrets that others manage. */
export function isTrackedConfig(config: KubeObject): boolean {
  if (config.metadata.annotations?.['flagger.app/config-tracking']?.startsWith('disable') === true) return false
  return config.kind !== 'Secret' || trackedSecretTypes.has(stringAt(config, 'type') ?? 'Opaque')
}

/** A short hash of what a ConfigMap or Secret holds, binary data included; it gives nothing of a Secret away. */
export function configChecksum(config: KubeObject): string {
  const content = canonicalJson({ data: at(config, 'data'), binaryData: at(config, 'binaryData') })
  return createHash('sha256').update(content).digest('hex').slice(0, 16)
}

/** The copy `<name>-primary` that the primary reads, so that it keeps its content while the canary gets another. */
export function primaryConfig(
  canary: Canary,
  config: KubeObject,
  includeLabelPrefixes: readonly string[] = [],
): KubeObject {
  const labels = withPrefixes(config.metadata.labels, includeLabelPrefixes)
  return {
    apiVersion: 'v1',
    kind: config.kind,
    metadata: {
      name: `${config.metadata.name}-primary`,
      namespace: canary.metadata.namespace,
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      annotations: leaveAloneAnnotations,
    },
    ...(config['type'] === undefined ? {} : { type: config['type'] }),
    ...(config['data'] === undefined ? {} : { data: config['data'] }),
    ...(config['binaryData'] === undefined ? {} : { binaryData: config['binaryData'] }),
  }
}

type Rename = (ref: ConfigRef) => string

/** Which field of a reference holds the name, by the field that holds the reference. */
const references: Readonly<Record<string, { readonly kind: ConfigRef['kind']; readonly nameField: string }>> = {
  configMapKeyRef: { kind: 'ConfigMap', nameField: 'name' },
  configMapRef: { kind: 'ConfigMap', nameField: 'name' },
  secretKeyRef: { kind: 'Secret', nameField: 'name' },
  secretRef: { kind: 'Secret', nameField: 'name' },
}
const volumeReferences: typeof references = {
  configMap: { kind: 'ConfigMap', nameField: 'name' },
  secret: { kind: 'Secret', nameField: 'secretName' },
}
const projectedReferences: typeof references = {
  configMap: { kind: 'ConfigMap', nameField: 'name' },
  secret: { kind: 'Secret', nameField: 'name' },
}

function rewrite(podSpec: Json, rename: Rename): Json {
  if (!isObject(podSpec)) return podSpec
  return {
    ...podSpec,
    ...listOf(podSpec, 'volumes', (volume) => {
      const renamed = referring(volume, volumeReferences, rename)
      const projected = renamed['projected']
      if (!isObject(projected)) return renamed
      const sources = listOf(projected, 'sources', (source) => referring(source, projectedReferences, rename))
      return { ...renamed, projected: { ...projected, ...sources } }
    }),
    ...listOf(podSpec, 'containers', (container) => rewriteContainer(container, rename)),
    ...listOf(podSpec, 'initContainers', (container) => rewriteContainer(container, rename)),
  }
}

function rewriteContainer(container: JsonObject, rename: Rename): JsonObject {
  return {
    ...container,
    ...listOf(container, 'env', (variable) => {
      const from = variable['valueFrom']
      return isObject(from) ? { ...variable, valueFrom: referring(from, references, rename) } : variable
    }),
    ...listOf(container, 'envFrom', (source) => referring(source, references, rename)),
  }
}

/** The member that is a list of objects, each changed; nothing when there is none. */
function listOf(parent: JsonObject, field: string, change: (item: JsonObject) => JsonObject): JsonObject {
  const list = parent[field]
  return Array.isArray(list) ? { [field]: list.map((item: Json) => (isObject(item) ? change(item) : item)) } : {}
}

function referring(holder: JsonObject, fields: typeof references, rename: Rename): JsonObject {
  const changed: Record<string, Json> = {}
  for (const [field, { kind, nameField }] of Object.entries(fields)) {
    const reference = holder[field]
    const name = stringAt(reference, nameField)
    if (!isObject(reference) || name === undefined) continue
    changed[field] = { ...reference, [nameField]: rename({ kind, name, optional: reference['optional'] === true }) }
  }
  return { ...holder, ...changed }
}
