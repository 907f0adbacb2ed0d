import type { Json } from '../../../lib/json.ts'
import type { Kind } from '../kinds/kind.ts'
import type { Group, Registry } from '../registry.ts'

const builtInVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const customVerbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch']
const subresourceVerbs = ['get', 'patch', 'update']

/** `/version`. */
export const version: Json = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.2',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2026-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'linux/amd64',
}

/** `/api`. */
export const coreVersions: Json = {
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1' }],
}

/** `/apis`. */
export function groupList(registry: Registry): Json {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: registry.groups().map(groupBody) }
}

/** `/apis/GROUP`. */
export function groupDocument(group: Group): Json {
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(group) }
}

function groupBody(group: Group): { readonly [key: string]: Json } {
  const versions = group.versions.map((name) => ({ groupVersion: `${group.name}/${name}`, version: name }))
  return { name: group.name, versions, preferredVersion: versions[0] ?? null }
}

/** `/api/v1` and `/apis/GROUP/VERSION`. */
export function resourceList(registry: Registry, group: string, name: string): Json {
  const groupVersion = group === '' ? name : `${group}/${name}`
  const resources = group === 'authorization.k8s.io' ? reviews : registry.inVersion(group, name).flatMap(entries)
  return { kind: 'APIResourceList', ...(group === '' ? {} : { apiVersion: 'v1' }), groupVersion, resources }
}

const reviews: readonly Json[] = ['SelfSubjectAccessReview', 'SelfSubjectRulesReview'].map((kind) => {
  const singularName = kind.toLowerCase()
  return { name: `${singularName}s`, singularName, namespaced: false, kind, verbs: ['create'] }
})

function entries(kind: Kind): readonly Json[] {
  const { plural, namespaced } = kind
  const verbs = plural === 'namespaces' ? builtInVerbs.filter((verb) => verb !== 'deletecollection') : builtInVerbs
  const main: Json = {
    name: plural,
    singularName: kind.singular,
    namespaced,
    kind: kind.kind,
    verbs: kind.custom ? customVerbs : verbs,
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
  }
  const below = (name: string, rest: Readonly<Record<string, Json>>): Json => {
    return { name: `${plural}/${name}`, singularName: '', namespaced, ...rest }
  }
  const scale = { group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: subresourceVerbs }
  const status = kind.hasStatus ? [below('status', { kind: kind.kind, verbs: subresourceVerbs })] : []
  const scaling = kind.scale === undefined ? [] : [below('scale', scale)]
  return [main, ...extras(kind, below), ...(kind.custom ? [...status, ...scaling] : [...scaling, ...status])]
}

function extras(kind: Kind, below: (name: string, rest: Readonly<Record<string, Json>>) => Json): readonly Json[] {
  if (kind.group !== '') return []
  if (kind.plural === 'namespaces') return [below('finalize', { kind: kind.kind, verbs: ['update'] })]
  if (kind.plural === 'pods') return [below('log', { kind: kind.kind, verbs: ['get'] })]
  if (kind.plural !== 'serviceaccounts') return []
  const token = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', verbs: ['create'] }
  return [below('token', token)]
}
