import { at, canonicalJson, isObject, type Json } from '../lib/json.ts'
import { refOf, type KubeObject, type ObjectRef } from '../lib/kube-object.ts'
import type { LedgerEntry } from '../ledger/entry.ts'
import type { Revision } from '../rollout/state.ts'
import { isClusterRevision, revisionHash } from '../source/revision.ts'

export interface SameContentOptions {
  /** A target as a commit of the source branch had it; undefined where that is not known. */
  readonly formerly: (commit: string, ref: ObjectRef) => Promise<KubeObject | undefined>
}

/**
 * Recognises content across the border between Git and the cluster: an API server fills in defaults, so a manifest and
 * the object made from it have different hashes. A target whose manifest goes from the source branch, or comes to it, is
 * no new revision for that.
 */
export class SameContent {
  private readonly options: SameContentOptions
  /** Two hashes, and whether they name the same content. */
  private readonly known = new Map<string, boolean>()

  constructor(options: SameContentOptions) {
    this.options = options
  }

  /**
   * The recorded revision that has the content of `target`, else `revision`.
   *
   * @param target the object whose revision it is, of the source branch or of the cluster
   * @param live the target in the cluster
   */
  async recordedAs(
    revision: Revision,
    target: KubeObject,
    live: KubeObject | undefined,
    { state, promoted }: LedgerEntry,
  ): Promise<Revision> {
    const recorded = [state.revision, { commit: promoted.commit, hash: promoted.hash }]
    if (recorded.some(({ hash }) => hash === revision.hash)) return revision
    for (const one of recorded) {
      if (isClusterRevision(one) === isClusterRevision(revision)) continue
      const pair = `${one.hash} ${revision.hash}`
      const same = this.known.get(pair) ?? (await this.compare(one, revision, target, live))
      if (same === true) this.known.set(pair, same)
      if (same) return one
    }
    return revision
  }

  private async compare(
    recorded: Revision,
    revision: Revision,
    target: KubeObject,
    live: KubeObject | undefined,
  ): Promise<boolean> {
    if (!isClusterRevision(revision)) {
      return live !== undefined && revisionHash(live) === recorded.hash && isMadeFrom(live, target)
    }
    const manifest = await this.options.formerly(recorded.commit, refOf(target))
    const same = manifest !== undefined && revisionHash(manifest) === recorded.hash && isMadeFrom(target, manifest)
    this.known.set(`${recorded.hash} ${revision.hash}`, same)
    return same
  }
}

/**
 * What API servers add to a pod template that does not name it. A default that is missing here makes a new revision, which
 * is analysed; a field too many would let what somebody added to a live object pass for what was analysed.
 */
const DEFAULTS: ReadonlyMap<string, readonly Json[]> = new Map<string, readonly Json[]>([
  ['apiVersion', ['v1']],
  ['defaultMode', [420]],
  ['divisor', ['0']],
  ['dnsPolicy', ['ClusterFirst']],
  ['emptyDir', [{}]],
  ['enableServiceLinks', [true]],
  ['expirationSeconds', [3600]],
  ['failureThreshold', [3]],
  ['imagePullPolicy', ['IfNotPresent', 'Always']],
  ['path', ['/']],
  ['periodSeconds', [10]],
  ['protocol', ['TCP']],
  ['resources', [{}]],
  ['restartPolicy', ['Always']],
  ['schedulerName', ['default-scheduler']],
  ['scheme', ['HTTP']],
  ['securityContext', [{}]],
  ['service', ['']],
  ['successThreshold', [1]],
  ['terminationGracePeriodSeconds', [30]],
  ['terminationMessagePath', ['/dev/termination-log']],
  ['terminationMessagePolicy', ['File']],
  ['timeoutSeconds', [1]],
  ['type', ['']],
  ['volumeMode', ['Filesystem']],
])

/** Whether a live object's pod template says what a manifest's does, but for defaults that the server added. */
function isMadeFrom(live: KubeObject, manifest: KubeObject): boolean {
  return isSame(at(live, 'spec', 'template'), at(manifest, 'spec', 'template'), 'template')
}

function isSame(live: Json | undefined, wanted: Json | undefined, name: string): boolean {
  if (wanted === undefined || wanted === null) {
    return live === undefined || live === null || isDefault(name, live)
  }
  if (isObject(wanted)) {
    const members = isObject(live) ? live : {}
    // The API server keeps the older name of `serviceAccountName` beside it.
    const wantedMembers = { serviceAccount: wanted['serviceAccountName'], ...wanted }
    const names = new Set([...Object.keys(wanted), ...Object.keys(members)])
    return [...names].every((key) => isSame(members[key], at(wantedMembers, key), key))
  }
  if (Array.isArray(wanted)) {
    const items: readonly Json[] = Array.isArray(live) ? live : []
    return items.length === wanted.length && wanted.every((item: Json, nth) => isSame(items[nth], item, name))
  }
  return live === wanted
}

function isDefault(name: string, live: Json): boolean {
  const text = canonicalJson(live)
  return (DEFAULTS.get(name) ?? []).some((one) => canonicalJson(one) === text)
}
