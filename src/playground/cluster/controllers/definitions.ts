import { removeObject } from './garbage.ts'
import type { Tools } from './tools.ts'

const storeKey = 'customresourcedefinitions.apiextensions.k8s.io'

/**
 * Serves custom kinds as soon as their definition is stored, and takes a deleted definition away with all its objects.
 * Returns what stops it.
 */
export function startDefinitions(tools: Tools): () => void {
  const { store, registry } = tools.context
  const enqueue = (name: string): void => tools.queue.add(`definition ${name}`, () => removeKind(tools, name))
  return store.onChange((change) => {
    const { name } = change.object.metadata
    if (change.type === 'DELETED' && store.get(storeKey, undefined, change.storeKey) !== undefined)
      enqueue(change.storeKey)
    if (change.storeKey !== storeKey) return
    if (change.type === 'DELETED') registry.uninstall(change.object)
    else if (change.object.metadata.deletionTimestamp === undefined) registry.install(change.object)
    else enqueue(name)
  })
}

function removeKind(tools: Tools, name: string): void {
  const { store } = tools.context
  const definition = store.get(storeKey, undefined, name)
  if (definition === undefined || definition.metadata.deletionTimestamp === undefined) return
  for (const object of store.list(name)) removeObject(tools, object)
  if (store.list(name).length === 0) store.remove(storeKey, definition)
}
