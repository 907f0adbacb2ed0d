import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** A canary and its target; Flagger labels series with the target's name. */
export interface CanaryId {
  readonly namespace: string
  /** The Canary's name. */
  readonly name: string
  /** The target's name, `T`; the primary's is `T-primary`. */
  readonly target: string
}

/** How a rollout ended, and whether the analysis ran. */
export interface RolloutEnd {
  readonly result: 'succeeded' | 'failed'
  /** `canary`, `blue_green`, `ab_testing` or another name of Flagger's for a strategy. */
  readonly strategy: string
  readonly analysis: 'completed' | 'skipped'
  /** From the first to the last transition of the rollout. */
  readonly durationSeconds: number
}

/** Rollouts take minutes to hours; prom-client's own buckets end at ten seconds. */
const DURATION_BUCKETS_SECONDS = [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 43_200, 86_400]

/** Phases in which no rollout is under way and the last one did not fail. */
const SUCCESSFUL = new Set(['Initialized', 'Succeeded'])

/**
 * Prometheus metrics, under `serin_` and, for dashboards and alerts made for Flagger, also under `flagger_`. Names, types
 * and labels are Flagger's. Two things differ on purpose: the status is 0 (running) in every phase of a rollout, not
 * only in `Progressing`, and the duration is that of the rollout, not of one tick. Series go away with their canary.
 */
export class Metrics {
  readonly registry = new Registry()
  readonly #families: readonly Family[]
  readonly #known = new Map<string, Known>()

  constructor(options: { readonly version: string; readonly provider: string; readonly flagger: boolean }) {
    const prefixes = options.flagger ? ['serin', 'flagger'] : ['serin']
    this.#families = prefixes.map((prefix) => createFamily(prefix, this.registry))
    for (const family of this.#families)
      family.info.set({ version: options.version, mesh_provider: options.provider }, 1)
  }

  /** Percent of the traffic that each side gets. */
  weight(canary: CanaryId, primaryWeight: number, canaryWeight: number): void {
    this.#note(canary)
    const { namespace, target } = canary
    for (const family of this.#families) {
      family.weight.set({ workload: `${target}-primary`, namespace }, primaryWeight)
      family.weight.set({ workload: target, namespace }, canaryWeight)
    }
  }

  /** The phase as Flagger's number: 0 running, 1 successful, 2 failed. */
  status(canary: CanaryId, phase: string): void {
    this.#note(canary)
    const value = phase === 'Failed' ? 2 : SUCCESSFUL.has(phase) ? 1 : 0
    for (const family of this.#families) family.status.set(labels(canary), value)
  }

  /** The last value of a check. */
  analysis(canary: CanaryId, metric: string, value: number): void {
    this.#note(canary)
    const series = { ...labels(canary), metric }
    this.#track(canary, 'analysis', series)
    for (const family of this.#families) family.analysis.set(series, value)
  }

  /** One recorded transition into a phase, or within it. Only under `serin_`. */
  transition(canary: CanaryId, phase: string): void {
    this.#note(canary)
    const series = { ...labels(canary), phase }
    this.#track(canary, 'transitions', series)
    for (const family of this.#families) family.transitions?.inc(series)
  }

  /** A rollout that ended. */
  end(canary: CanaryId, end: RolloutEnd): void {
    this.#note(canary)
    const series = { ...labels(canary), deployment_strategy: end.strategy, analysis_status: end.analysis }
    this.#track(canary, end.result === 'succeeded' ? 'successes' : 'failures', series)
    for (const family of this.#families) {
      family.duration.observe(labels(canary), end.durationSeconds)
      if (end.result === 'succeeded') family.successes.inc(series)
      else family.failures.inc(series)
    }
  }

  /** Forgets a canary that is gone: all its series, and it is counted no more. */
  remove(canary: Pick<CanaryId, 'namespace' | 'name'>): void {
    const key = `${canary.namespace}/${canary.name}`
    const known = this.#known.get(key)
    if (known === undefined) return
    this.#known.delete(key)
    for (const family of this.#families) removeSeries(family, known)
    this.#count(canary.namespace)
  }

  #note(canary: CanaryId): void {
    const key = `${canary.namespace}/${canary.name}`
    const known = this.#known.get(key)
    if (known?.id.target === canary.target) return
    if (known !== undefined) this.remove(canary)
    this.#known.set(key, { id: canary, series: new Map() })
    this.#count(canary.namespace)
  }

  /** Remembers a series, because prom-client removes one only by all of its labels. */
  #track(canary: CanaryId, metric: Tracked, series: Labels): void {
    const known = this.#known.get(`${canary.namespace}/${canary.name}`)
    known?.series.set(JSON.stringify([metric, series]), { metric, series })
  }

  #count(namespace: string): void {
    const count = [...this.#known.values()].filter(({ id }) => id.namespace === namespace).length
    for (const family of this.#families) {
      if (count === 0) family.total.remove({ namespace })
      else family.total.set({ namespace }, count)
    }
  }
}

type Labels = Readonly<Record<string, string>>
type Tracked = 'analysis' | 'transitions' | 'successes' | 'failures'

/** A canary that has series, and those whose labels are not known from its name. */
interface Known {
  readonly id: CanaryId
  readonly series: Map<string, { readonly metric: Tracked; readonly series: Labels }>
}

interface Family {
  readonly info: Gauge
  readonly total: Gauge
  readonly status: Gauge
  readonly weight: Gauge
  readonly analysis: Gauge
  readonly duration: Histogram
  readonly successes: Counter
  readonly failures: Counter
  readonly transitions: Counter | null
}

function createFamily(prefix: string, registry: Registry): Family {
  const gauge = (name: string, help: string, labelNames: readonly string[]): Gauge =>
    new Gauge({ name: `${prefix}_${name}`, help, labelNames: [...labelNames], registers: [registry] })
  const counter = (name: string, help: string, labelNames: readonly string[]): Counter =>
    new Counter({ name: `${prefix}_${name}`, help, labelNames: [...labelNames], registers: [registry] })
  const target = ['name', 'namespace']
  const ended = [...target, 'deployment_strategy', 'analysis_status']
  return {
    info: gauge('info', 'Version and default traffic provider', ['version', 'mesh_provider']),
    total: gauge('canary_total', 'Canaries per namespace', ['namespace']),
    status: gauge('canary_status', 'Last rollout: 0 running, 1 successful, 2 failed', target),
    weight: gauge('canary_weight', 'Percent of the traffic that a workload gets', ['workload', 'namespace']),
    analysis: gauge('canary_metric_analysis', 'Last value of an analysis metric', [...target, 'metric']),
    duration: new Histogram({
      name: `${prefix}_canary_duration_seconds`,
      help: 'Seconds from the first to the last transition of a rollout',
      labelNames: target,
      buckets: DURATION_BUCKETS_SECONDS,
      registers: [registry],
    }),
    successes: counter('canary_successes_total', 'Rollouts that were promoted', ended),
    failures: counter('canary_failures_total', 'Rollouts that were rolled back', ended),
    transitions:
      prefix === 'serin' ? counter('canary_transitions_total', 'Recorded transitions', [...target, 'phase']) : null,
  }
}

function labels({ target, namespace }: CanaryId): { name: string; namespace: string } {
  return { name: target, namespace }
}

function removeSeries(family: Family, { id, series }: Known): void {
  const { namespace, target } = id
  for (const workload of [target, `${target}-primary`]) family.weight.remove({ workload, namespace })
  family.status.remove(labels(id))
  family.duration.remove(labels(id))
  for (const entry of series.values()) family[entry.metric]?.remove(entry.series)
}
