import type { Change, Store, StoredObject } from '../store.ts'

/** An object and the kind it is stored under. */
export interface Dependent {
  readonly storeKey: string
  readonly object: StoredObject
}

/** Finds the objects that name an owner, by its uid. */
export class OwnerIndex {
  private readonly dependents = new Map<string, Map<string, Dependent>>()

  /** Follows a store from now on. */
  constructor(store: Store) {
    store.onChange((change) => this.follow(change))
  }

  /** The objects that name this owner, oldest entry first. */
  of(uid: string | undefined): readonly Dependent[] {
    const found = uid === undefined ? undefined : this.dependents.get(uid)
    return found === undefined ? [] : [...found.values()]
  }

  /** Those of one kind. */
  ofKind(uid: string | undefined, storeKey: string): readonly StoredObject[] {
    return this.of(uid)
      .filter((dependent) => dependent.storeKey === storeKey)
      .map((dependent) => dependent.object)
  }

  private follow({ type, storeKey, object, before }: Change): void {
    const key = object.metadata.uid ?? ''
    for (const owner of before?.metadata.ownerReferences ?? []) {
      const known = this.dependents.get(owner.uid)
      const stays = type !== 'DELETED' && object.metadata.ownerReferences?.some((one) => one.uid === owner.uid) === true
      if (!stays) known?.delete(key)
      if (known?.size === 0) this.dependents.delete(owner.uid)
    }
    if (type === 'DELETED') return
    for (const owner of object.metadata.ownerReferences ?? []) {
      const known = this.dependents.get(owner.uid) ?? new Map<string, Dependent>()
      known.set(key, { storeKey, object })
      this.dependents.set(owner.uid, known)
    }
  }
}

/** The owner that controls an object. */
export function controllerOf(
  object: StoredObject,
): { readonly kind: string; readonly name: string; readonly uid: string } | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true)
}
