import type { ApiContext } from '../api/context.ts'

const storeKey = 'customresourcedefinitions.apiextensions.k8s.io'

/**
 * Serves custom kinds as soon as their definition is stored, and takes a deleted definition away with all its objects.
 * Returns what stops it.
 */
export function startDefinitions(context: ApiContext): () => void {
  const { store, registry, clock } = context
  return store.onChange((change) => {
    if (change.storeKey !== storeKey) return
    if (change.type === 'DELETED') registry.uninstall(change.object)
    else if (change.object.metadata.deletionTimestamp === undefined) registry.install(change.object)
    else clock.after(0, () => removeKind(context, change.object.metadata.name))
  })
}

function removeKind({ store }: ApiContext, name: string): void {
  const definition = store.get(storeKey, undefined, name)
  if (definition === undefined || definition.metadata.deletionTimestamp === undefined) return
  for (const object of store.list(name)) store.remove(name, object)
  store.remove(storeKey, definition)
}
