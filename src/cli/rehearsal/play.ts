import type { CanaryKey } from '../../ledger/entry.ts'
import { keyOf } from '../../ledger/entry.ts'
import { isObject, type JsonObject } from '../../lib/json.ts'
import { seededRandom } from '../../lib/seeded-random.ts'
import { meshDefinitions } from '../../playground/mesh-definitions.ts'
import { inProcessMetrics } from '../../playground/prometheus/in-process.ts'
import { createPlaygroundPrometheus } from '../../playground/prometheus/prometheus.ts'
import { Traffic } from '../../playground/traffic/traffic.ts'
import type { Logger } from '../../reconciler/ports.ts'
import { MIN_INTERVAL_MS } from '../../resources/analysis.ts'
import { canariesIn, type CanarySource } from '../../source/canaries.ts'
import { readManifestTexts } from '../../source/manifests.ts'
import { isRunning } from '../../rollout/state.ts'
import { readDocuments } from '../../yaml/read.ts'
import { writeYaml } from '../../yaml/write.ts'
import type { TextFile } from '../read-files.ts'
import { createVirtualStage, type RunningSerin, type VirtualStage } from '../stage/virtual-stage.ts'
import type { Faults } from './faults.ts'

/** One sentence of a rehearsal, with its time since the start of its part in milliseconds. */
export interface Moment {
  readonly part: 'installation' | 'release'
  readonly ms: number
  readonly key: CanaryKey
  readonly type: 'Normal' | 'Warning'
  readonly text: string
}

export interface Rehearsal {
  readonly canaries: readonly { readonly key: CanaryKey; readonly phase: string; readonly failedChecks: number }[]
  readonly moments: readonly Moment[]
  readonly problems: readonly string[]
}

const START_MS = Date.UTC(2026, 0, 1)
/** Virtual time that is enough for any installation, and for any release. */
const LONGEST_INSTALLATION_MS = 15 * 60_000
const LONGEST_RELEASE_MS = 24 * 60 * 60_000
const GIT_DOWN_AFTER_MS = 60_000

/** Plays the installation and one release of some manifests under a virtual clock. */
export async function play(
  files: readonly TextFile[],
  faults: Faults,
  tell: (moment: Moment) => void,
): Promise<Rehearsal> {
  const read = readManifestTexts(files)
  const { canaries: found, problems } = canariesIn(read.manifests)
  const ofSources = found.flatMap((source) => source.problems)
  const sources = found.filter(
    ({ target, problems: own }) => target !== undefined && own.every(({ kind }) => kind !== 'stalled'),
  )
  const problemTexts = [...new Set([...read.problems, ...problems, ...ofSources].map(String))]
  const unplayed = found
    .filter((source) => !sources.includes(source))
    .map((source) => ({ key: keyOfSource(source), phase: 'unknown', failedChecks: 0 }))
  if (sources.length === 0) return { canaries: unplayed, moments: [], problems: problemTexts }
  const moments: Moment[] = []
  let startMs = START_MS
  const stage = await createRehearsalStage(
    files,
    faults,
    () => startMs,
    (moment) => {
      moments.push(moment)
      tell(moment)
    },
  )
  const serin = stage.start()
  const { keeper } = serin.reconciler
  const phaseOf = (source: CanarySource): string | undefined => keeper.entry(keyOfSource(source))?.state.phase
  await stage.clock.run(LONGEST_INSTALLATION_MS, () => sources.every((source) => phaseOf(source) === 'Initialized'))
  await serin.started
  startMs = stage.clock.now()
  release(stage, files, sources, faults)
  await stage.clock.run(LONGEST_RELEASE_MS, () => sources.every((source) => isOver(serin, source)))
  serin.kill()
  const canaries = sources.map((source) => {
    const state = keeper.entry(keyOfSource(source))?.state
    return { key: keyOfSource(source), phase: state?.phase ?? 'unknown', failedChecks: state?.failedChecks ?? 0 }
  })
  return { canaries: [...canaries, ...unplayed], moments, problems: problemTexts }
}

async function createRehearsalStage(
  files: readonly TextFile[],
  faults: Faults,
  startMs: () => number,
  tell: (moment: Moment) => void,
): Promise<VirtualStage> {
  const random = seededRandom(2)
  const now = { ms: (): number => START_MS }
  const isGitDown = (): boolean => {
    const sinceMs = now.ms() - startMs() - GIT_DOWN_AFTER_MS
    return startMs() > START_MS && sinceMs >= 0 && sinceMs < faults.gitDownMs
  }
  const stage = await createVirtualStage({
    seed: 1,
    startMs: START_MS,
    files: Object.fromEntries(files.map(({ path, text }) => [path.replace(/^(\.\.?\/|\/)+/, ''), text])),
    definitions: meshDefinitions(),
    log: silent,
    minIntervalMs: MIN_INTERVAL_MS,
    interceptGit: () => (isGitDown() ? 'fail' : 'pass'),
    interceptApi: () => (faults.apiErrors > 0 && random() < faults.apiErrors ? { fail: serverError } : 'pass'),
    metrics: ({ cluster, clock }) => {
      now.ms = () => clock.now()
      const traffic = new Traffic({ cluster, clock })
      cluster.onChange(() => traffic.advance())
      return inProcessMetrics(
        createPlaygroundPrometheus(traffic.store, () => traffic.advance()),
        clock,
      )
    },
    onSentence: (key, { type, text }) => {
      const part = startMs() > START_MS ? 'release' : 'installation'
      tell({ part, ms: now.ms() - startMs(), key, type, text })
    },
  })
  return stage
}

const serverError = {
  status: 500,
  body: {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    reason: 'InternalError',
    code: 500,
    message: 'rehearsed',
  },
} as const

/** A new version of every target: one commit, as a merged pull request would bring it. */
function release(
  stage: VirtualStage,
  files: readonly TextFile[],
  sources: readonly CanarySource[],
  faults: Faults,
): void {
  const changed: Record<string, string> = {}
  for (const { path, text } of files) {
    const targets = sources.filter(({ target }) => target?.file === path)
    if (targets.length === 0) continue
    const { documents } = readDocuments(text, path)
    const values = documents.map(({ value, index }) =>
      targets.some(({ target }) => target?.index === index) ? nextVersion(value, faults) : value,
    )
    changed[path.replace(/^(\.\.?\/|\/)+/, '')] = values.map((value) => writeYaml(value)).join('---\n')
  }
  stage.commit(changed, 'Release the next version')
}

/** The target with a pod template that differs, and misbehaves as asked. */
function nextVersion(value: unknown, faults: Faults): JsonObject {
  const target = asObject(value)
  const spec = asObject(target['spec'])
  const template = asObject(spec['template'])
  const metadata = asObject(template['metadata'])
  const annotations = {
    ...asObject(metadata['annotations']),
    'playground.serin.dev/version': 'next',
    ...(faults.errorRate > 0 ? { 'playground.serin.dev/error-rate': String(faults.errorRate) } : {}),
    ...(faults.latencyMs === undefined ? {} : { 'playground.serin.dev/latency-ms': String(faults.latencyMs) }),
    ...(faults.neverReady ? { 'playground.serin.dev/never-ready': 'true' } : {}),
  }
  return { ...target, spec: { ...spec, template: { ...template, metadata: { ...metadata, annotations } } } }
}

function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}

/** A release is over when it has ended and nothing is left to be said on the source branch. */
function isOver({ reconciler }: RunningSerin, source: CanarySource): boolean {
  const state = reconciler.keeper.entry(keyOfSource(source))?.state
  return (
    state !== undefined && state.phase !== 'Initialized' && state.phase !== 'Initializing' && !isRunning(state.phase)
  )
}

function keyOfSource({ canary }: CanarySource): CanaryKey {
  return keyOf(canary.metadata.namespace, canary.metadata.name)
}

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
