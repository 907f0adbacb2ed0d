import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createClient, type Client } from '../../../src/cluster/client.ts'
import { at, isObject, stringAt } from '../../../src/lib/json.ts'
import { refOf, type KubeObject } from '../../../src/lib/kube-object.ts'
import { Problem } from '../../../src/lib/problem.ts'
import { meshDefinitions } from '../../../src/playground/mesh-definitions.ts'
import { crds } from '../../../src/resources/crds.ts'
import { manifestsInText } from '../../../src/source/manifest.ts'
import type { KubeTransport } from '../../../src/cluster/transport.ts'
import { sharedData } from '../../support/shared-data.ts'

const MANIFESTS = resolve(import.meta.dirname, '../../../manifests')
/** Of the published definitions, those whose objects the project writes; the others are for tests of their own. */
const PUBLISHED = ['istio/crds.yaml', 'gateway-api/gateways.yaml', 'gateway-api/httproutes.yaml']
/** On a definition: what it was made from, so that a cluster that runs on is not furnished twice. */
const CONTENT_HASH = 'kubelet.test/content-hash'
const PATIENCE_MS = 30_000

/** Makes a bare API server one that Serin can work with: its own kinds and those of the meshes, and its roles. */
export async function furnish(transport: KubeTransport): Promise<void> {
  const client = createClient(transport)
  await install(client, [...crds(), ...(await routingDefinitions())])
  for (const file of ['namespace.yaml', 'rbac.yaml']) {
    for (const object of objectsOf(join(MANIFESTS, 'base', file))) await apply(client, object)
  }
}

/** Applies definitions and waits until their kinds are served. */
export async function install(client: Client, definitions: readonly KubeObject[]): Promise<void> {
  for (const definition of definitions) await write(client, definition)
  const endMs = Date.now() + PATIENCE_MS
  for (const definition of definitions) {
    while (!isEstablished(await client.get(refOf(definition)))) {
      if (Date.now() > endMs) throw new Error(`${definition.metadata.name} was not established`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** The published definitions of the meshes where they are at hand, else ours without a schema. */
async function routingDefinitions(): Promise<readonly KubeObject[]> {
  const folder = sharedData('crds')
  if (folder === undefined) {
    console.log('no published definitions of the meshes beside the checkout: kinds without a schema stand in for them')
    return meshDefinitions()
  }
  return PUBLISHED.flatMap((path) => objectsOf(join(folder, path)))
}

/** Every object of the files of a folder, or of one file. */
export async function objectsBelow(folder: string): Promise<readonly KubeObject[]> {
  const names = await readdir(folder, { recursive: true })
  const files = names.filter((name) => name.endsWith('.yaml')).toSorted()
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))
  return texts.flatMap((text, index) => manifestsInText(text, files[index] ?? '').manifests.map(({ object }) => object))
}

function objectsOf(path: string): readonly KubeObject[] {
  const { manifests, problems } = manifestsInText(readFileSync(path, 'utf8'), path)
  if (problems[0] !== undefined) throw problems[0]
  return manifests.map(({ object }) => object)
}

async function apply(client: Client, object: KubeObject): Promise<void> {
  await client.apply(object, { fieldManager: 'serin-test', force: true })
}

/** Not by server-side apply, which refuses what an older server does not know (rules in CEL); a write leaves it out. */
async function write(client: Client, wanted: KubeObject): Promise<void> {
  const hash = createHash('sha256').update(JSON.stringify(wanted)).digest('hex')
  const { resourceVersion, annotations } = (await client.get(refOf(wanted)))?.metadata ?? {}
  if (annotations?.[CONTENT_HASH] === hash) return
  const marked = { ...wanted.metadata.annotations, [CONTENT_HASH]: hash }
  const definition = { ...wanted, metadata: { ...wanted.metadata, annotations: marked } }
  const fieldManager = 'serin-test'
  const send = (object: KubeObject): Promise<KubeObject> =>
    resourceVersion === undefined
      ? client.create(object, { fieldManager })
      : client.replace({ ...object, metadata: { ...object.metadata, resourceVersion } }, { fieldManager })
  try {
    await send(definition)
  } catch (error) {
    // Kubernetes before 1.21 takes an empty text as a default for none.
    if (!(error instanceof Problem) || !error.message.includes('default: Invalid value: "null"')) throw error
    await send(withoutEmptyDefaults(definition))
  }
}

/** An item's key without a default and not required is none: such lists become ordinary ones. */
function withoutEmptyDefaults(definition: KubeObject): KubeObject {
  const text = JSON.stringify(definition, (key, value: unknown) => {
    if (key === 'default' && value === '') return undefined
    const keys = at(value, 'x-kubernetes-list-map-keys')
    const isKeyless = Array.isArray(keys) && keys.some((one) => isEmptyDefault(value, String(one)))
    if (!isKeyless || !isObject(value)) return value
    const { 'x-kubernetes-list-map-keys': _keys, 'x-kubernetes-list-type': _type, ...list } = value
    return list
  })
  return JSON.parse(text) as KubeObject
}

function isEmptyDefault(list: unknown, key: string): boolean {
  return at(list, 'items', 'properties', key, 'default') === ''
}

function isEstablished(definition: KubeObject | undefined): boolean {
  const conditions = at(definition, 'status', 'conditions')
  if (!Array.isArray(conditions)) return false
  return conditions.some((one) => stringAt(one, 'type') === 'Established' && stringAt(one, 'status') === 'True')
}
