import type { Kind } from '../kinds/kind.ts'
import type { Registry } from '../registry.ts'
import { unknownPath, unknownResource } from './failure.ts'

/** What a path points at. */
export type Route =
  | { readonly to: 'document'; readonly name: string }
  | { readonly to: 'group'; readonly group: string }
  | { readonly to: 'version'; readonly group: string; readonly version: string }
  | { readonly to: 'review'; readonly kind: 'SelfSubjectAccessReview' | 'SelfSubjectRulesReview' }
  | { readonly to: 'collection'; readonly kind: Kind; readonly namespace: string | undefined; readonly scoped: boolean }
  | {
      readonly to: 'object'
      readonly kind: Kind
      readonly namespace: string | undefined
      readonly name: string
      readonly subresource: string | undefined
    }

const documents: ReadonlySet<string> = new Set([
  'api',
  'apis',
  'version',
  'healthz',
  'readyz',
  'livez',
  'openapi/v3',
  'openapi/v2',
])

/** Finds what a path points at; throws the 404 that fits when there is nothing. */
export function findRoute(path: string, registry: Registry): Route {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent)
  const [root, second, third, ...rest] = parts
  if (documents.has(parts.join('/')) || (root === 'openapi' && second === 'v3'))
    return { to: 'document', name: parts.join('/') }
  if (root === 'api' && second === 'v1') return resourceRoute(registry, '', 'v1', parts.slice(2))
  if (root !== 'apis' || second === undefined) throw unknownPath()
  const group = registry.groups().find((one) => one.name === second)
  if (group === undefined || group.versions.length === 0) throw unknownPath()
  if (third === undefined) return { to: 'group', group: second }
  if (!group.versions.includes(third)) throw unknownResource()
  return resourceRoute(registry, second, third, rest)
}

function resourceRoute(registry: Registry, group: string, version: string, parts: readonly string[]): Route {
  const [first] = parts
  if (first === undefined) return { to: 'version', group, version }
  if (group === 'authorization.k8s.io') {
    if (first === 'selfsubjectaccessreviews') return { to: 'review', kind: 'SelfSubjectAccessReview' }
    if (first === 'selfsubjectrulesreviews') return { to: 'review', kind: 'SelfSubjectRulesReview' }
  }
  const scoped = isScoped(group, parts)
  const [plural = '', name, subresource, ...more] = scoped ? parts.slice(2) : parts
  const kind = registry.find(group, version, plural)
  if (kind === undefined || more.length > 0) throw unknownResource()
  if (scoped ? !kind.namespaced : kind.namespaced && name !== undefined) throw unknownResource()
  const namespace = scoped ? parts[1] : undefined
  if (name === undefined) return { to: 'collection', kind, namespace, scoped }
  return { to: 'object', kind, namespace, name, subresource }
}

// `namespaces/x/status` is a part of the namespace itself; anything else behind its name lies inside it.
function isScoped(group: string, [first, , third, fourth]: readonly string[]): boolean {
  if (first !== 'namespaces' || third === undefined) return false
  return !(group === '' && (third === 'status' || third === 'finalize') && fourth === undefined)
}
