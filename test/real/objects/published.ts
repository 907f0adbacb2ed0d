import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { at, stringAt } from '../../../src/lib/json.ts'
import { groupOf, type KubeObject } from '../../../src/lib/kube-object.ts'
import { objectsBelow } from '../../cluster/control-plane/furnish.ts'
import { sharedData } from '../../support/shared-data.ts'

/** The published definitions of one provider. */
export interface Published {
  /** For example `gateway-api`. */
  readonly folder: string
  readonly definitions: readonly KubeObject[]
}

/** Whoever comes second defines kinds that the first one has defined too. */
export const REPLACEMENTS: Readonly<Record<string, string>> = {
  'gateway-api-experimental': 'gateway-api',
  'linkerd-smi': 'smi',
}

/** All published definitions; undefined where they are not at hand. */
export async function publishedDefinitions(): Promise<readonly Published[] | undefined> {
  const root = sharedData('crds')
  if (root === undefined) return undefined
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return Promise.all(
    folders.map(async ({ name }) => ({ folder: name, definitions: await objectsBelow(join(root, name)) })),
  )
}

/** The schema that definitions give for an object; undefined where they define no such kind and version. */
export function schemaFor(definitions: readonly KubeObject[], { apiVersion, kind }: KubeObject): unknown {
  const definition = definitions.find(
    ({ spec }) => stringAt(spec, 'group') === groupOf(apiVersion) && stringAt(spec, 'names', 'kind') === kind,
  )
  const versions = at(definition?.spec, 'versions')
  const version = (Array.isArray(versions) ? versions : []).find(
    (each) => `${groupOf(apiVersion)}/${stringAt(each, 'name')}` === apiVersion,
  )
  return at(version, 'schema', 'openAPIV3Schema')
}
