import { deploymentReadiness } from '../cluster/workloads/readiness.ts'
import { defaultSelectorLabels } from '../cluster/workloads/selector.ts'
import { canaryServices } from '../cluster/workloads/services.ts'
import type { CanaryKey, LedgerEntry } from '../ledger/entry.ts'
import type { Clock } from '../lib/clock.ts'
import { describeRef, type KubeObject, type ObjectRef } from '../lib/kube-object.ts'
import { Problem, toProblem } from '../lib/problem.ts'
import { analysisOf } from '../resources/analysis.ts'
import type { Canary } from '../resources/canary.ts'
import type { Check } from '../rollout/check.ts'
import type { Desired } from '../rollout/input.ts'
import type { Sentence } from '../rollout/sentences.ts'
import type { Readiness } from '../rollout/transition.ts'
import type { CanarySource } from '../source/canaries.ts'
import { clusterRevision, isClusterRevision, revisionHash } from '../source/revision.ts'
import { trafficProvider } from '../traffic/registry.ts'
import type { CanaryContext } from './canary-context.ts'
import { canaryRef, targetChanged } from './cluster-canaries.ts'
import { apexName, type Stage } from './converge.ts'
import { heldRouting } from './held-routing.ts'
import type { ClusterPort, Logger } from './ports.ts'
import { primaryObjects } from './primary-objects.ts'
import { providerOf, rolloutSpecOf, type CanaryDefaults } from './rollout-spec.ts'
import type { SameContent } from './same-content.ts'
import type { WatchedCanary } from './source-watch.ts'

export interface ContextBuilderOptions {
  readonly cluster: ClusterPort
  readonly clock: Clock
  readonly log: Logger
  readonly defaults: CanaryDefaults
  /** A canary of the source branch, or of the cluster; a Problem where no good version of it is known. */
  readonly find: (key: CanaryKey) => Promise<WatchedCanary | Problem | undefined>
  readonly recorded: (key: CanaryKey) => LedgerEntry | undefined
  readonly sameContent: SameContent
  readonly frozen: (key: CanaryKey) => Sentence | undefined
  /** The pull request that brought a commit, as far as it is known without waiting long. */
  readonly pullRequestOf: (commit: string) => Promise<string | undefined>
  readonly checks: (source: CanarySource) => Promise<readonly Check[]>
}

/** Gathers what is known of a canary, from Git's snapshot and the cluster's cache. */
export class ContextBuilder {
  private readonly options: ContextBuilderOptions
  /** Canaries that have been seen in the cluster. */
  private readonly arrived = new Set<CanaryKey>()

  constructor(options: ContextBuilderOptions) {
    this.options = options
  }

  /** A Problem where the canary can't be worked with; undefined while it is nowhere, or not yet in the cluster. */
  async build(key: CanaryKey): Promise<CanaryContext | Problem | undefined> {
    const watched = await this.options.find(key)
    if (watched === undefined || watched instanceof Problem) return watched
    const stalled = watched.source.problems.find((problem) => problem.kind === 'stalled')
    if (stalled !== undefined) return stalled
    const other = this.otherTarget(key, watched.source)
    if (other !== undefined) return other
    try {
      return await this.gather(key, watched)
    } catch (error) {
      const problem = toProblem(error)
      if (problem.kind === 'stalled' || problem.kind === 'wait') return problem
      throw error
    }
  }

  /** The recorded primary is that of another target: its rollout could neither go on nor be watched with this one. */
  private otherTarget(key: CanaryKey, { canary, place }: CanarySource): Problem | undefined {
    const { kind, name } = canary.spec.targetRef
    const primary = this.options.recorded(key)?.primary.find((object) => object.kind === kind)?.metadata.name
    if (primary === undefined || primary === `${name}-primary`) return undefined
    return targetChanged(`${kind}/${primary.replace(/-primary$/, '')}`, place)
  }

  private async gather(key: CanaryKey, watched: WatchedCanary): Promise<CanaryContext | Problem | undefined> {
    const { cluster, defaults, frozen } = this.options
    const held = heldRouting(watched.source.canary, this.options.recorded(key), defaults)
    const source = { ...watched.source, canary: held.canary }
    const spec = rolloutSpecOf(source.canary, defaults)
    const provider = trafficProvider(providerOf(source.canary, defaults), source.place)
    const autoscalerVersion = await this.watchKinds(source, provider.kinds)
    const object = await this.objectOf(key, watched.source)
    // What is on its way out takes all that it owns with it: nothing is made again before it is gone.
    if (object?.metadata.uid === undefined || object.metadata.deletionTimestamp !== undefined) return undefined
    if (source.manifest !== undefined) this.arrived.add(key)
    const canary = { ...source.canary, metadata: { ...source.canary.metadata, uid: object.metadata.uid } }
    const targetRef = targetRefOf(canary)
    const target = source.target?.object ?? cluster.get(targetRef)
    if (target === undefined) return missingTarget(targetRef, source)
    const desired = await this.desired(key, watched, target, cluster.get(targetRef))
    const stage: Stage = {
      cluster,
      canary,
      provider,
      owner: object,
      targetRef,
      primaryRef: { ...targetRef, name: `${targetRef.name}-primary` },
      target: source.target?.object,
      targetHash: desired.revision.hash,
      autoscaler: source.autoscaler?.object ?? autoscalerIn(cluster, canary, autoscalerVersion),
    }
    return {
      key,
      canary,
      object,
      spec,
      stage,
      source: source.target,
      inSource: watched.revision,
      desired,
      frozen: frozen(key),
      faults: held.fault === undefined ? watched.faults : [...watched.faults, held.fault],
      readiness: (of) => this.readiness(stage, of),
      checks: () => this.options.checks(source),
      routes: (split) => [...servicesOf(stage, target), ...provider.objects(canary, split)],
      primary: () =>
        primaryObjects(canary, target, cluster.get(stage.primaryRef), {
          object: stage.autoscaler,
          apiVersion: autoscalerVersion,
        }),
    }
  }

  /** The Canary in the cluster. One that was deleted there, and with it all that it owns, comes back as Git has it. */
  private async objectOf(key: CanaryKey, { canary, manifest }: CanarySource): Promise<KubeObject | undefined> {
    const { cluster, log } = this.options
    const live = cluster.get(canaryRef(key))
    if (live !== undefined || manifest === undefined || !this.arrived.has(key)) return live
    log.warn({ canary: key }, 'the Canary was deleted in the cluster, applying it again')
    const { object } = await cluster.apply(JSON.parse(JSON.stringify(canary)) as KubeObject)
    return object
  }

  /** Watches what this canary needs; resolves with the autoscaler version that the cluster serves. */
  private async watchKinds(
    source: CanarySource,
    kinds: readonly { apiVersion: string; kind: string }[],
  ): Promise<string> {
    const { cluster } = this.options
    const { targetRef, autoscalerRef } = source.canary.spec
    const { namespace } = source.canary.metadata
    await Promise.all(
      [
        { apiVersion: 'flagger.app/v1beta1', kind: 'Canary' },
        { apiVersion: targetRef.apiVersion ?? 'apps/v1', kind: targetRef.kind },
        { apiVersion: 'v1', kind: 'Service' },
        ...kinds,
      ].map((kind) => cluster.ensure(kind, namespace)),
    )
    if (autoscalerRef === undefined) return 'autoscaling/v2'
    return this.servedAutoscaler(namespace)
  }

  private async servedAutoscaler(namespace: string): Promise<string> {
    const kind = 'HorizontalPodAutoscaler'
    try {
      await this.options.cluster.ensure({ apiVersion: 'autoscaling/v2', kind }, namespace)
      return 'autoscaling/v2'
    } catch (error) {
      if (toProblem(error).code !== 'CLUSTER_KIND_MISSING') throw error
      await this.options.cluster.ensure({ apiVersion: 'autoscaling/v2beta2', kind }, namespace)
      return 'autoscaling/v2beta2'
    }
  }

  private async desired(
    key: CanaryKey,
    watched: WatchedCanary,
    target: KubeObject,
    live: KubeObject | undefined,
  ): Promise<Desired> {
    const hash = revisionHash(target)
    const found = watched.revision ?? { commit: clusterRevision(hash), hash }
    const entry = this.options.recorded(key)
    const revision = entry === undefined ? found : await this.options.sameContent.recordedAs(found, target, live, entry)
    if (watched.revision === undefined) return { revision, retried: false, isLive: true }
    const { author } = watched
    const isCommit = !isClusterRevision(revision)
    const pullRequest = isCommit ? await this.options.pullRequestOf(revision.commit) : undefined
    return {
      revision,
      ...(pullRequest === undefined ? {} : { pullRequest }),
      retried: author !== undefined && !isBot(author),
    }
  }

  private readiness(stage: Stage, of: 'primary' | 'canary'): Readiness {
    const { cluster, clock } = this.options
    const plan = analysisOf(stage.canary, 0)
    const ref = of === 'primary' ? stage.primaryRef : stage.targetRef
    const workload = cluster.get(ref)
    if (workload === undefined) return { kind: 'waiting', message: `${describeRef(ref)} is not there yet` }
    return deploymentReadiness(workload, {
      readyThresholdPercent: of === 'primary' ? plan.primaryReadyThreshold : plan.canaryReadyThreshold,
      deadlineSeconds: plan.progressDeadlineSeconds,
      nowMs: clock.now(),
    })
  }
}

function servicesOf({ cluster, canary }: Stage, target: KubeObject): KubeObject[] {
  const namespace = canary.metadata.namespace
  const liveApex = cluster.get({ apiVersion: 'v1', kind: 'Service', namespace, name: apexName(canary) })
  const {
    apex,
    primary,
    canary: test,
  } = canaryServices(canary, target, { selectorLabels: defaultSelectorLabels, liveApex })
  return [apex, primary, test]
}

/** Image updaters and other machines sign with such names; a person's own commit lifts a quarantine, theirs does not. */
function isBot({ name, email }: { readonly name: string; readonly email: string }): boolean {
  return /\[bot\]|\bbot\b/i.test(`${name} ${email}`)
}

function targetRefOf({ spec, metadata }: Canary): ObjectRef {
  const { apiVersion = 'apps/v1', kind, name } = spec.targetRef
  return { apiVersion, kind, namespace: metadata.namespace, name }
}

function autoscalerIn(cluster: ClusterPort, { spec, metadata }: Canary, apiVersion: string): KubeObject | undefined {
  const ref = spec.autoscalerRef
  if (ref === undefined) return undefined
  return cluster.get({ apiVersion, kind: ref.kind, namespace: metadata.namespace, name: ref.name })
}

function missingTarget(ref: ObjectRef, source: CanarySource): Problem {
  return new Problem({
    kind: 'wait',
    code: 'TARGET_MISSING',
    place: source.place,
    message: `the target ${describeRef(ref)} is neither in the repository nor in the cluster`,
    hint: 'add it to the repository or correct spec.targetRef',
  })
}
