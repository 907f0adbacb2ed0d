import { groupOf, type KubeObject, type ObjectMeta, type OwnerReference } from '../../lib/kube-object.ts'
import { Problem } from '../../lib/problem.ts'

/** Whoever may own an object: it must come from the cluster, as only the cluster gives uids. */
export interface Owner {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string | undefined
    readonly uid?: string | undefined
  }
}

/** The reference that makes `owner` the controller of an object, so that it goes when the owner goes. */
export function ownerReference(owner: Owner): OwnerReference {
  const { name, uid } = owner.metadata
  if (uid === undefined) {
    throw new Problem({
      kind: 'bug',
      code: 'OWNER_WITHOUT_UID',
      message: `${owner.kind}/${name} has no uid and cannot own anything`,
    })
  }
  return { apiVersion: owner.apiVersion, kind: owner.kind, name, uid, controller: true, blockOwnerDeletion: true }
}

/**
 * Whether an object is controlled by this owner, or by a former one of its name that was deleted: what that one owned may
 * be there until the garbage collector has come by.
 */
export function isOwnedBy(object: { readonly metadata: ObjectMeta }, owner: Owner): boolean {
  const { uid, name } = owner.metadata
  const isSameName = (one: OwnerReference): boolean =>
    one.kind === owner.kind && one.name === name && groupOf(one.apiVersion) === groupOf(owner.apiVersion)
  return (object.metadata.ownerReferences ?? []).some(
    (one) => one.controller === true && (one.uid === uid || isSameName(one)),
  )
}

/** The object with a reference to its owner. */
export function ownedBy(object: KubeObject, owner: Owner): KubeObject {
  return { ...object, metadata: { ...object.metadata, ownerReferences: [ownerReference(owner)] } }
}
