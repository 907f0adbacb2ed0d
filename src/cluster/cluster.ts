import { createHash } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import { type JsonObject, canonicalJson, numberAt } from '../lib/json.ts'
import { type KubeObject, type ObjectRef, describeRef, refOf } from '../lib/kube-object.ts'
import { Problem } from '../lib/problem.ts'
import { hasAppliedField, isApplied } from './applied.ts'
import { ClusterCache, type WatchedKind } from './cache.ts'
import { type Client, createClient } from './client.ts'
import type { KindRef } from './discovery.ts'
import { EventRecorder } from './event-recorder.ts'
import { formerManager, mayBeTakenOver, takeOverPatch } from './take-over.ts'
import { withPortProtocols } from './service-ports.ts'
import type { KubeTransport } from './transport.ts'
import { statusPatch } from './workloads/canary-status.ts'
import { type Owner, ownedBy } from './workloads/owner.ts'
import { scalePatch } from './workloads/scale.ts'
import { serviceCleanup } from './workloads/services.ts'

export interface ClusterOptions {
  readonly transport: KubeTransport
  readonly clock: Clock
  /** Under which name fields are owned; `serin` when absent. */
  readonly fieldManager?: string | undefined
  /** Called with what goes wrong in the background: failed watches, dropped events. For the log. */
  readonly onProblem?: ((problem: Problem) => void) | undefined
  /** For the jitter: numbers in [0, 1); `Math.random` when absent. */
  readonly random?: (() => number) | undefined
}

export interface ApplyRequest {
  /** Becomes the object's controller; without one the object outlives the canary. */
  readonly owner?: Owner | undefined
  /** Only over this version of the object; otherwise CLUSTER_CONFLICT. */
  readonly resourceVersion?: string | undefined
}

/** What an apply did. */
export interface Applied {
  readonly object: KubeObject
  /** False when the cluster held it all already, or said so. */
  readonly changed: boolean
}

interface Remembered {
  /** Hash of what was applied. */
  readonly wanted: string
  /** Hash of what the cluster made of it. */
  readonly live: string
}

/**
 * The cluster as the reconciler uses it: reads come from watches, writes that would change nothing are not sent, so a
 * steady state makes no request. Writes are seen by the next read at once. All refusals are Problems that name the object.
 */
export class Cluster {
  /** For requests that need no cache. */
  readonly client: Client
  readonly cache: ClusterCache
  readonly events: EventRecorder
  readonly #fieldManager: string
  readonly #remembered = new Map<string, Remembered>()

  constructor({ transport, clock, fieldManager = 'serin', onProblem, random = Math.random }: ClusterOptions) {
    this.#fieldManager = fieldManager
    this.client = createClient(transport)
    this.cache = new ClusterCache({
      client: this.client,
      clock,
      fieldManagers: [fieldManager, formerManager],
      random,
      onProblem,
    })
    const tell = onProblem ?? ((): void => undefined)
    this.events = new EventRecorder({ client: this.client, clock, fieldManager, random, onProblem: tell })
    this.cache.onChange((ref) => this.#forgetDeleted(ref))
  }

  /** See `ClusterCache.ensure`. */
  ensure(kind: KindRef, namespace?: string): Promise<void> {
    return this.cache.ensure(kind, namespace)
  }

  /** See `ClusterCache.get`. */
  get(ref: ObjectRef): KubeObject | undefined {
    return this.cache.get(ref)
  }

  /** See `ClusterCache.list`. */
  list(apiVersion: string, kind: string, namespace?: string): KubeObject[] {
    return this.cache.list(apiVersion, kind, namespace)
  }

  /** See `ClusterCache.onChange`. */
  onChange(handler: (ref: ObjectRef) => void): () => void {
    return this.cache.onChange(handler)
  }

  /** Reads an object from the cluster itself, for the next `get`: after a conflict the watch may be behind. */
  async refresh(ref: ObjectRef): Promise<void> {
    const live = await this.client.get(ref)
    if (live === undefined) this.cache.deleted(ref)
    else this.cache.wrote(live)
  }

  /** The first of the kinds that the cluster serves, for example of the versions of an autoscaler. */
  async firstServed(kinds: readonly KindRef[]): Promise<KindRef | undefined> {
    for (const kind of kinds) if (await this.client.serves(kind)) return kind
    return undefined
  }

  /**
   * Makes the cluster hold an object, by server-side apply that takes fields over from others. Not sent when the watched
   * object holds it all and we applied it. Two things go beyond an apply: a Service loses selector labels and ports that
   * are not named, and `spec.replicas` keeps its value when it is no longer named, for the autoscaler that takes over.
   */
  async apply(object: KubeObject, { owner, resourceVersion }: ApplyRequest = {}): Promise<Applied> {
    const wanted = withPortProtocols(owner === undefined ? object : ownedBy(object, owner))
    const ref = refOf(wanted)
    await this.ensure(ref, ref.namespace)
    const live = this.get(ref)
    const cleanup = live !== undefined && ref.kind === 'Service' ? serviceCleanup(live, wanted) : undefined
    if (live !== undefined && cleanup === undefined && this.#isCurrent(live, wanted)) {
      if (resourceVersion === undefined || resourceVersion === live.metadata.resourceVersion) {
        return { object: live, changed: false }
      }
    }
    if (resourceVersion !== undefined && live !== undefined && resourceVersion !== live.metadata.resourceVersion) {
      throw changedMeanwhile(ref)
    }
    const hasPrepared = live !== undefined && (await this.#prepare(live, wanted, cleanup))
    const applied = await this.client.apply(wanted, {
      fieldManager: this.#fieldManager,
      force: true,
      // What we changed on the way was checked against this version already.
      ...(hasPrepared ? {} : { resourceVersion }),
    })
    this.cache.wrote(applied)
    this.#remembered.set(describeKey(ref), { wanted: hashOf(wanted), live: contentOf(applied) })
    return { object: applied, changed: applied.metadata.resourceVersion !== live?.metadata.resourceVersion }
  }

  /** Whether an apply of this object would change nothing: the watched object holds it all and we applied it. */
  holds(object: KubeObject, { owner }: Pick<ApplyRequest, 'owner'> = {}): boolean {
    const wanted = withPortProtocols(owner === undefined ? object : ownedBy(object, owner))
    const live = this.get(refOf(wanted))
    if (live === undefined || (live.kind === 'Service' && serviceCleanup(live, wanted) !== undefined)) return false
    return this.#isCurrent(live, wanted)
  }

  /**
   * Sets a workload's number of pods, only over a version where one is given. Undefined when the workload is gone; not
   * sent when it has that number.
   */
  async scale(
    ref: ObjectRef,
    replicas: number,
    { resourceVersion }: Pick<ApplyRequest, 'resourceVersion'> = {},
  ): Promise<KubeObject | undefined> {
    await this.ensure(ref, ref.namespace)
    const live = this.get(ref)
    if (live === undefined || numberAt(live, 'spec', 'replicas') === replicas) return live
    const patch = scalePatch(replicas)
    return this.#patchIfThere(ref, resourceVersion === undefined ? patch : { ...patch, metadata: { resourceVersion } })
  }

  /** Changes fields of an object by a JSON merge patch. Undefined when the object is gone. */
  patch(ref: ObjectRef, body: JsonObject): Promise<KubeObject | undefined> {
    return this.#patchIfThere(ref, body)
  }

  /** Deletes an object with what it owns; done already is fine too. */
  async delete(ref: ObjectRef): Promise<void> {
    if (this.cache.knows(ref, ref.namespace) && this.get(ref) === undefined) return
    const left = await this.client.delete(ref)
    if (left === undefined) this.cache.deleted(ref)
    else this.cache.wrote(left)
  }

  /**
   * Gives a Canary this status: all of its fields, those that are missing go. Not sent when nothing but
   * `lastTransitionTime` differs. Undefined when the Canary is not in the cluster.
   */
  async writeStatus(canary: Owner, status: JsonObject): Promise<KubeObject | undefined> {
    const { apiVersion, kind } = canary
    const ref = { apiVersion, kind, namespace: canary.metadata.namespace, name: canary.metadata.name }
    await this.ensure(ref, ref.namespace)
    const live = this.get(ref)
    if (live === undefined) return undefined
    const body = statusPatch(live, status)
    return body === undefined ? live : this.#patchIfThere(ref, body, 'status')
  }

  /** Tells something about a canary for `kubectl describe`; sent in the background. */
  recordEvent(canary: Owner, type: 'Normal' | 'Warning', message: string): void {
    this.events.record(canary, type, message)
  }

  /** Whether every watched kind is known. */
  get synced(): boolean {
    return this.cache.synced
  }

  /** Every watched kind and how it is doing. */
  status(): readonly WatchedKind[] {
    return this.cache.status()
  }

  /** Ends all watches and the sending of events. */
  stop(): void {
    this.cache.stop()
    this.events.stop()
  }

  #isCurrent(live: KubeObject, wanted: KubeObject): boolean {
    if (isApplied(live, wanted, this.#fieldManager)) return true
    const before = this.#remembered.get(describeKey(refOf(wanted)))
    return before !== undefined && before.wanted === hashOf(wanted) && before.live === contentOf(live)
  }

  /** What an apply cannot do by itself. True when it changed the object. */
  async #prepare(live: KubeObject, wanted: KubeObject, cleanup: JsonObject | undefined): Promise<boolean> {
    if (cleanup !== undefined) await this.#patch(refOf(live), cleanup)
    const kept = await this.#keepReplicas(live, wanted)
    const taken = await this.#takeOver(live)
    return cleanup !== undefined || kept || taken
  }

  /** A pod template that Flagger wrote becomes ours, so that what the target no longer has goes from the primary too. */
  async #takeOver(live: KubeObject): Promise<boolean> {
    if (!mayBeTakenOver(live, this.#fieldManager)) return false
    const ref = refOf(live)
    const whole = await this.client.get(ref)
    const body = whole === undefined ? undefined : takeOverPatch(whole, this.#fieldManager)
    if (body === undefined) return false
    await this.client.patch(ref, { type: 'json', body, fieldManager: this.#fieldManager })
    return true
  }

  /** An apply that no longer names `replicas` would reset it to 1 if nobody else owned it: own it under another name. */
  async #keepReplicas(live: KubeObject, wanted: KubeObject): Promise<boolean> {
    const replicas = numberAt(live, 'spec', 'replicas')
    if (replicas === undefined || numberAt(wanted, 'spec', 'replicas') !== undefined) return false
    if (!hasAppliedField(live, this.#fieldManager, 'spec', 'replicas')) return false
    const { apiVersion, kind } = live
    const { name, namespace } = live.metadata
    const metadata = namespace === undefined ? { name } : { name, namespace }
    const scaled = { apiVersion, kind, metadata, spec: { replicas } }
    await this.client.apply(scaled, { fieldManager: `${this.#fieldManager}-scale`, force: true })
    return true
  }

  async #patch(ref: ObjectRef, body: JsonObject, subresource?: 'status'): Promise<KubeObject> {
    const patched = await this.client.patch(ref, {
      type: 'merge',
      body,
      fieldManager: this.#fieldManager,
      subresource,
    })
    this.cache.wrote(patched)
    return patched
  }

  async #patchIfThere(ref: ObjectRef, body: JsonObject, subresource?: 'status'): Promise<KubeObject | undefined> {
    try {
      return await this.#patch(ref, body, subresource)
    } catch (error) {
      if (error instanceof Problem && error.code === 'CLUSTER_NOT_FOUND') return undefined
      throw error
    }
  }

  #forgetDeleted(ref: ObjectRef): void {
    const key = describeKey(ref)
    if (this.#remembered.has(key) && this.cache.get(ref) === undefined) this.#remembered.delete(key)
  }
}

/** Hash of what other people's writes to an object may change, without status and bookkeeping. */
function contentOf(object: KubeObject): string {
  const { labels, annotations, ownerReferences, uid } = object.metadata
  return hashOf({ ...object, status: undefined, metadata: { labels, annotations, ownerReferences, uid } })
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('base64')
}

function describeKey(ref: ObjectRef): string {
  return `${ref.apiVersion} ${ref.kind} ${ref.namespace ?? ''} ${ref.name}`
}

function changedMeanwhile(ref: ObjectRef): Problem {
  const object = describeRef(ref)
  return new Problem({
    kind: 'retry',
    code: 'CLUSTER_CONFLICT',
    message: `${object} was changed by somebody else meanwhile`,
    place: object,
  })
}
