import { beforeEach } from 'vitest'
import { person, type RunningSerin } from '../../../src/cli/stage/virtual-stage.ts'
import { ledgerBranch } from '../../../src/cli/stage/staged-serin.ts'
import type { Fate, OutsideCall } from '../../../src/cli/stage/outside.ts'
import type { LedgerEntry } from '../../../src/ledger/entry.ts'
import { numberAt, stringAt } from '../../../src/lib/json.ts'
import type { JsonObject } from '../../../src/lib/json.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import { meshDefinitions } from '../../../src/playground/mesh-definitions.ts'
import type { MetricAnswer } from '../../../src/rollout/check.ts'
import { writeYaml } from '../../../src/yaml/write.ts'
import { weightsOf } from '../../simulation/invariants.ts'
import { tagOf } from '../../simulation/fleet.ts'
import { namespace, renewNamespace } from '../namespace.ts'
import { autoscalingVersion } from '../autoscaling.ts'
import { createStage, type ScenarioStage } from './stage.ts'

export const targetFile = 'apps/podinfo/deployment.yaml'
export const canaryFile = 'apps/podinfo/canary.yaml'
const START_MS = Date.UTC(2026, 0, 1)

beforeEach(renewNamespace)

export interface ScenarioOptions {
  /** Fields of the Canary's spec that differ. */
  readonly spec?: JsonObject
  /** Fields of `spec.analysis` that differ. */
  readonly analysis?: JsonObject
  /** More or other files of the source branch's first commit. */
  readonly files?: Readonly<Record<string, string>>
  readonly autoscaling?: 'v2' | 'v2beta2'
  /** What becomes of a Serin that makes a call. */
  readonly fateOf?: (call: OutsideCall) => Fate
  /** True while Git can't be reached. */
  readonly isGitAway?: () => boolean
}

/** podinfo on a virtual stage with a running Serin, told in the words of its users. */
export interface Scenario {
  readonly stage: ScenarioStage
  /** Every sentence that a person got to read, oldest first. */
  readonly sentences: readonly string[]
  /** What the log warned of. */
  readonly warnings: readonly string[]
  /** What the metrics server answers next; by default 99.9 % for tags that do not begin with `bad`. */
  answer: ((promql: string) => MetricAnswer | Promise<MetricAnswer>) | undefined
  /** Lets virtual time pass. */
  pass(seconds: number): Promise<void>
  /** Lets time pass until something holds; fails when it never does within ten minutes. */
  until(what: string, holds: () => boolean): Promise<void>
  untilPhase(phase: string): Promise<void>
  untilWeight(weight: number): Promise<void>
  /** Merges another image. */
  release(tag: string, author?: { readonly name: string; readonly email: string }): string
  commit(files: Readonly<Record<string, string | null>>, message?: string): string
  /** Reverts a ledger commit as `git revert` does: what it changed is as it was before. */
  revertOnLedger(subject: RegExp): void
  /** Kills the Serin; a new one starts after a while. */
  restart(afterSeconds?: number): Promise<void>
  /** The Serin that was started last. */
  serin(): RunningSerin
  /** Starts another Serin beside the one that runs. */
  second(): RunningSerin
  entry(): LedgerEntry | undefined
  /** The canary's weight that the live routes give. */
  weight(): number | undefined
  /** The image tag that a Deployment runs, and its number of pods. */
  tag(deployment: string): string
  replicas(deployment: string): number | undefined
  subjects(branch: 'main' | 'ledger'): readonly string[]
  sourceTag(): string
  kubectl(method: 'PATCH' | 'DELETE', path: string, body?: JsonObject): Promise<void>
}

/** A stage where podinfo good-0 is initialised. */
export async function initialised(options: ScenarioOptions = {}): Promise<Scenario> {
  const scenario = await begun(options)
  await scenario.untilPhase('Initialized')
  await scenario.pass(5)
  return scenario
}

/** A stage with a Serin that has just started. */
export async function begun(options: ScenarioOptions = {}): Promise<Scenario> {
  const sentences: string[] = []
  const warnings: string[] = []
  const answers: Pick<Scenario, 'answer'> = { answer: undefined }
  const quiet = (): void => {}
  const warn = (_fields: object, message: string): void => void warnings.push(message)
  const stage = await createStage({
    seed: 1,
    startMs: START_MS,
    files: { ...fleet(options), ...options.files },
    definitions: meshDefinitions(),
    log: { debug: quiet, info: quiet, warn, error: warn },
    minIntervalMs: 1000,
    ...(options.autoscaling === undefined ? {} : { autoscaling: options.autoscaling }),
    ...(options.fateOf === undefined ? {} : { fateOf: options.fateOf }),
    interceptGit: () => (options.isGitAway?.() === true ? 'fail' : 'pass'),
    metrics: ({ cluster }) => ({
      query: async ({ promql }) => {
        if (answers.answer !== undefined) return answers.answer(promql)
        const isBad = tagOf(deployment(cluster, 'podinfo')?.spec).startsWith('bad')
        return { kind: 'value', value: isBad ? 53.42 : 99.9 }
      },
    }),
    onSentence: (_key, { text }) => void sentences.push(text),
  })
  const running = { serin: stage.start() }
  const scenario = toolsOf(stage, running, warnings)
  return Object.assign(answers, { stage, sentences, warnings, ...scenario })
}

function toolsOf(
  stage: ScenarioStage,
  running: { serin: RunningSerin },
  warnings: readonly string[],
): Omit<Scenario, 'answer' | 'sentences' | 'warnings' | 'stage'> {
  const { clock, remote, cluster } = stage
  const entry = (): LedgerEntry | undefined => running.serin.reconciler.keeper.entry(`${namespace}/podinfo`)
  const weight = (): number | undefined => {
    const routes = cluster.list('networking.istio.io/v1beta1', 'VirtualService', namespace)
    return weightsOf(routes.find(({ metadata }) => metadata.name === 'podinfo'))?.canary
  }
  const until = async (what: string, holds: () => boolean): Promise<void> => {
    if (await clock.run(600_000, holds)) return
    const { phase, canaryWeight } = entry()?.state ?? {}
    const last = [...new Set(warnings)].slice(-5).join('\n')
    throw new Error(`never: ${what}; it is ${phase} at ${canaryWeight} %\n${last}`)
  }
  return {
    pass: async (seconds) => void (await clock.run(seconds * 1000)),
    until,
    untilPhase: (phase) => until(`phase ${phase}`, () => entry()?.state.phase === phase),
    untilWeight: (wanted) => until(`weight ${wanted}`, () => weight() === wanted),
    release: (tag, author = person) => {
      const changes = new Map([[targetFile, manifest(tag)]])
      return remote.commit('main', changes, `Bump podinfo to ${tag}\n`, author, clock.now())
    },
    commit: (files, message = 'Change something\n') => stage.commit(files, message),
    revertOnLedger: (subject) => {
      const found = remote.log(ledgerBranch).findLast(({ message }) => subject.test(message))
      const parent = found?.parents[0]
      if (found === undefined || parent === undefined) throw new Error(`no ledger commit says ${subject}`)
      const [before, after] = [remote.filesAt(parent), remote.filesAt(found.oid)]
      const changes = new Map([...after].filter(([path, text]) => before.get(path) !== text))
      const restored = new Map([...changes.keys()].map((path) => [path, before.get(path) ?? null]))
      remote.commit(ledgerBranch, restored, `Revert "${found.message.split('\n', 1)[0]}"\n`, person, clock.now())
    },
    restart: async (afterSeconds = 1) => {
      running.serin.kill()
      await clock.run(afterSeconds * 1000)
      running.serin = stage.start()
    },
    serin: () => running.serin,
    second: () => {
      running.serin = stage.start()
      return running.serin
    },
    entry,
    weight,
    tag: (name) => tagOf(deployment(cluster, name)?.spec),
    replicas: (name) => numberAt(deployment(cluster, name), 'spec', 'replicas'),
    subjects: (branch) =>
      remote.log(branch === 'main' ? 'main' : ledgerBranch).map(({ message }) => message.split('\n', 1)[0] ?? ''),
    sourceTag: () => /podinfo:(\S+)/.exec(remote.files('main').get(targetFile) ?? '')?.[1] ?? 'none',
    kubectl: (method, path, body) => stage.kubectl(method, path, body),
  }
}

function deployment(cluster: Pick<ScenarioStage['cluster'], 'list'>, name: string): KubeObject | undefined {
  return cluster.list('apps/v1', 'Deployment', namespace).find(({ metadata }) => metadata.name === name)
}

/** The live object of a kind named podinfo. */
export function live({ stage }: Scenario, apiVersion: string, kind: string, name = 'podinfo'): KubeObject | undefined {
  return stage.cluster.list(apiVersion, kind, namespace).find(({ metadata }) => metadata.name === name)
}

/** What the Events say, oldest first. */
export function events({ stage }: Scenario): readonly string[] {
  return stage.cluster.list('v1', 'Event', namespace).map((event) => stringAt(event, 'message') ?? '')
}

export function manifest(tag: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: podinfo
  namespace: ${namespace}
spec:
  progressDeadlineSeconds: 60
  selector:
    matchLabels:
      app: podinfo
  template:
    metadata:
      labels:
        app: podinfo
    spec:
      containers:
        - name: podinfod
          image: podinfo:${tag} # the released version
          ports:
            - containerPort: 9898
`
}

/** The Canary's manifest; members of its spec and of its analysis differ. */
export function canary({ spec, analysis }: ScenarioOptions = {}): string {
  return writeYaml({
    apiVersion: 'flagger.app/v1beta1',
    kind: 'Canary',
    metadata: { name: 'podinfo', namespace },
    spec: {
      provider: 'istio',
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'podinfo' },
      autoscalerRef: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', name: 'podinfo' },
      progressDeadlineSeconds: 60,
      service: { port: 9898 },
      ...spec,
      analysis: {
        interval: '10s',
        threshold: 3,
        maxWeight: 50,
        stepWeight: 10,
        metrics: [{ name: 'request-success-rate', thresholdRange: { min: 99 }, interval: '1m' }],
        ...analysis,
      },
    },
  })
}

function fleet(options: ScenarioOptions): Record<string, string> {
  const version = options.autoscaling ?? autoscalingVersion()
  return {
    'README.md': 'A fleet.\n',
    'apps/namespace.yaml': `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ${namespace}\n`,
    [targetFile]: manifest('good-0'),
    'apps/podinfo/hpa.yaml': `apiVersion: autoscaling/${version}
kind: HorizontalPodAutoscaler
metadata:
  name: podinfo
  namespace: ${namespace}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: podinfo
  minReplicas: 2
  maxReplicas: 4
`,
    [canaryFile]: canary(options),
  }
}
