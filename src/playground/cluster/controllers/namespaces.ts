import { draft, draftObject } from '../document.ts'
import { removeObject } from './garbage.ts'
import { createObject, keys } from './tools.ts'
import type { Tools } from './tools.ts'

/** Furnishes new namespaces and empties those that are deleted. Returns what stops it. */
export function startNamespaces(tools: Tools): () => void {
  const { queue, context } = tools
  return context.store.onChange(({ storeKey, type, object }) => {
    const { name, namespace, deletionTimestamp } = object.metadata
    if (storeKey === keys.namespaces && type === 'ADDED') queue.add(`furniture ${name}`, () => furnish(tools, name))
    if (storeKey === keys.namespaces && type !== 'DELETED' && deletionTimestamp !== undefined) enqueue(tools, name)
    if (type === 'DELETED' && namespace !== undefined) {
      const owner = context.store.get(keys.namespaces, undefined, namespace)
      if (owner?.metadata.deletionTimestamp !== undefined) enqueue(tools, namespace)
    }
  })
}

function enqueue(tools: Tools, name: string): void {
  tools.queue.add(`namespace ${name}`, () => empty(tools, name))
}

function furnish(tools: Tools, namespace: string): void {
  const { context } = tools
  if (context.store.get(keys.namespaces, undefined, namespace)?.metadata.deletionTimestamp !== undefined) return
  const add = (storeKey: string, kind: string, name: string, rest: { readonly [key: string]: string }): void => {
    if (context.store.get(storeKey, namespace, name) !== undefined) return
    const data = Object.keys(rest).length === 0 ? {} : { data: draft(rest) }
    createObject(context, storeKey, { apiVersion: 'v1', kind, metadata: { name, namespace }, ...data })
  }
  add('serviceaccounts', 'ServiceAccount', 'default', {})
  add('configmaps', 'ConfigMap', 'kube-root-ca.crt', { 'ca.crt': '' })
}

function empty(tools: Tools, name: string): void {
  const { store } = tools.context
  const namespace = store.get(keys.namespaces, undefined, name)
  if (namespace === undefined || namespace.metadata.deletionTimestamp === undefined) return
  let left = 0
  for (const storeKey of store.kinds()) {
    if (storeKey === keys.namespaces) continue
    for (const object of store.list(storeKey, name)) removeObject(tools, object)
    left += store.list(storeKey, name).length
  }
  if (left > 0) return
  if ((namespace.metadata.finalizers ?? []).length === 0) {
    store.remove(keys.namespaces, namespace)
    return
  }
  if (namespace.spec?.['finalizers'] === undefined) return
  const next = draftObject(namespace)
  next['spec'] = {}
  store.put(keys.namespaces, next)
}
