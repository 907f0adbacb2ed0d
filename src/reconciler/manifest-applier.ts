import type { KubeObject } from '../lib/kube-object.ts'
import { canonicalJson } from '../lib/json.ts'
import { describeRef, refOf } from '../lib/kube-object.ts'
import { toProblem, type Problem } from '../lib/problem.ts'
import type { Manifest } from '../source/manifests.ts'
import type { ClusterPort, Logger } from './ports.ts'

/** An object to apply, and the manifest that it comes from. */
export interface Applicable {
  readonly object: KubeObject
  readonly manifest: Manifest
}

export interface ManifestApplierOptions {
  readonly cluster: ClusterPort
  readonly log: Logger
  /** A manifest that the cluster did not take; called once per manifest and message. */
  readonly onProblem: (manifest: Manifest, problem: Problem) => void
  /** A manifest that the cluster did take, after it did not. */
  readonly onApplied: (manifest: Manifest) => void
}

const CONCURRENCY = 8

/** Kinds that others need to exist, first; the Canary last, when its target may be there. */
const ORDER: readonly string[] = ['Namespace', 'CustomResourceDefinition', 'ServiceAccount', 'Secret', 'ConfigMap']

/**
 * Applies the source branch's manifests, each one only when its content changed since it was applied last. One that the
 * cluster refuses does not hold up the others.
 */
export class ManifestApplier {
  private readonly options: ManifestApplierOptions
  private readonly applied = new Map<string, string>()
  private readonly told = new Map<string, string>()

  constructor(options: ManifestApplierOptions) {
    this.options = options
  }

  /** Applies what is new. Resolves with whether all of it was taken; if not, call again later. */
  async apply(objects: readonly Applicable[]): Promise<boolean> {
    let isComplete = true
    const wanted = new Set(objects.map(nameOf))
    // What is not to be applied now may be changed by others before it is again.
    for (const name of this.applied.keys()) if (!wanted.has(name)) this.applied.delete(name)
    for (const stage of stages(objects)) {
      const waiting = stage.filter((item) => this.applied.get(nameOf(item)) !== canonicalJson(item.object))
      for (let start = 0; start < waiting.length; start += CONCURRENCY) {
        const taken = await Promise.all(waiting.slice(start, start + CONCURRENCY).map((item) => this.applyOne(item)))
        isComplete &&= taken.every(Boolean)
      }
    }
    return isComplete
  }

  private async applyOne(item: Applicable): Promise<boolean> {
    const name = nameOf(item)
    try {
      await this.send(item.object)
      this.applied.set(name, canonicalJson(item.object))
      if (this.told.delete(name)) this.options.onApplied(item.manifest)
      return true
    } catch (error) {
      const problem = toProblem(error)
      if (this.told.get(name) !== problem.message) this.options.onProblem(item.manifest, problem)
      this.told.set(name, problem.message)
      return false
    }
  }

  /** Canaries are watched in any case, so that a restart can tell which of them need no request. */
  private async send(object: KubeObject): Promise<void> {
    const { cluster } = this.options
    if (object.kind !== 'Canary') {
      await cluster.client.apply(object, { fieldManager: 'serin', force: true })
      return
    }
    // By the same watch as contexts use: otherwise each namespace would get a watch of its own.
    await cluster.ensure({ apiVersion: object.apiVersion, kind: object.kind }, object.metadata.namespace)
    await cluster.apply(object)
  }
}

function nameOf({ object }: Applicable): string {
  return `${object.apiVersion} ${describeRef(refOf(object))}`
}

function stages(objects: readonly Applicable[]): readonly (readonly Applicable[])[] {
  const byRank = new Map<number, Applicable[]>()
  for (const item of objects) {
    const rank = rankOf(item.object)
    const stage = byRank.get(rank)
    if (stage === undefined) byRank.set(rank, [item])
    else stage.push(item)
  }
  return [...byRank].toSorted(([a], [b]) => a - b).map(([, stage]) => stage)
}

function rankOf({ kind }: KubeObject): number {
  if (kind === 'Canary') return ORDER.length + 1
  const found = ORDER.indexOf(kind)
  return found < 0 ? ORDER.length : found
}
