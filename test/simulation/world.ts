import { createVirtualStage, type RunningSerin, type VirtualStage } from '../../src/cli/stage/virtual-stage.ts'
import type { Fate, OutsideCall } from '../../src/cli/stage/outside.ts'
import type { Logger, Spool } from '../../src/reconciler/ports.ts'
import { memorySpool } from '../../src/reconciler/memory-spool.ts'
import type { MetricAnswer } from '../../src/rollout/check.ts'
import type { EmbeddedCluster, Interception } from '../../src/playground/cluster/embedded-cluster.ts'
import type { MemoryFault, MemoryOperation } from '../../src/playground/git-memory.ts'
import { meshDefinitions } from '../../src/playground/mesh-definitions.ts'
import { createDice, type Dice } from './dice.ts'
import { changes, drawApi, drawFate, drawGit, drawMetrics, drawRates, type FaultRates } from './faults.ts'
import { applyByHand, notInGit } from './by-hand.ts'
import { fleet, tagOf, usualPlan, type Plan } from './fleet.ts'
import { Invariants } from './invariants.ts'

const START_MS = Date.UTC(2026, 0, 1)

/** A stage on which everything goes wrong that a seed wants, with a trace of what happened. */
export interface World {
  readonly stage: VirtualStage
  readonly dice: Dice
  readonly rates: FaultRates
  readonly invariants: Invariants
  readonly trace: string[]
  /** The Canary's settings. */
  plan: Plan
  /** Whether the source branch has Canary and target; else they are only in the cluster, put there with kubectl. */
  isInGit: boolean
  /** The images that somebody set by hand, since the target is not in Git. */
  readonly tagsByHand: string[]
  /** A forced push is a person's: commits may go. */
  isForcing: boolean
  /** The source branch was rewritten: what runs waits for another commit. */
  isRewritten: boolean
  /** Numbers things of a name, from 1. */
  count(name: string): number
  /** All that run or stand still. */
  serins(): readonly RunningSerin[]
  startSerin(): void
  /** From now on nothing goes wrong any more. */
  heal(): void
  tell(text: string): void
}

/** Builds the world of a seed. Nothing has started yet. */
export async function createWorld(seed: number): Promise<World> {
  const dice = createDice(seed)
  const rates = drawRates(dice)
  const faultDice = createDice(seed ^ 0x5eed)
  const trace: string[] = []
  const running: RunningSerin[] = []
  const counts = new Map<string, number>()
  let isHealed = false
  let calls = 0
  const built: { stage?: VirtualStage } = {}
  let spool: Spool = memorySpool()
  const now = (): number => (built.stage?.clock.now() ?? START_MS) - START_MS
  const tell = (text: string): void => {
    trace.push(`${(now() / 1000).toFixed(3)} ${text}`)
    if (process.env['SIM_LIVE']) console.error(trace.at(-1))
  }
  const theStage = (): VirtualStage => {
    if (built.stage === undefined) throw new Error('the stage is not there yet')
    return built.stage
  }
  const startSerin = (): void => {
    // A process that is moved to another node finds another disk.
    if (faultDice.chance(0.2)) spool = memorySpool()
    const serin = theStage().start({ spool })
    tell(`#${serin.process} starts`)
    running.push(serin)
    const [oldest, ...others] = running.filter((one) => !one.isDead)
    if (others.length > 1) oldest?.kill()
    serin.started.catch((error: unknown) => {
      tell(`#${serin.process} could not start: ${String(error)}`)
      if (!serin.isDead) serin.kill()
      theStage().clock.after(1000, startSerin)
    })
  }
  const startWithin = (ms: number): void => void theStage().clock.after(faultDice.between(100, ms), startSerin)

  const interceptApi = (): Interception => {
    const fault = isHealed ? 'pass' : drawApi(faultDice, rates)
    if (fault !== 'pass') tell(`   API: ${JSON.stringify(fault)}`)
    return fault
  }
  const interceptGit = (operation: MemoryOperation, branch: string): MemoryFault => {
    const fault = isHealed ? 'pass' : drawGit(faultDice, rates, operation)
    if (fault !== 'pass') tell(`   Git: ${operation} ${branch} ${fault}`)
    return fault
  }
  const fateOf = (call: OutsideCall): Fate => {
    if (changes(call)) calls += 1
    const fate: Fate = isHealed ? { kind: 'pass' } : drawFate(faultDice, rates, call, calls)
    if (fate.kind !== 'pass' || !isQuiet(call)) {
      tell(`#${call.process} ${call.text}${fate.kind === 'pass' ? '' : ` ${JSON.stringify(fate)}`}`)
    }
    if (fate.kind !== 'pass' && call.text.endsWith('/podinfo-primary')) noteLateCreation()
    if (fate.kind === 'die') startWithin(15_000)
    if (fate.kind === 'pause' && faultDice.chance(0.8)) startWithin(Math.min(fate.ms, 5000) + 100)
    return fate
  }
  const noteLateCreation = (): void => {
    const deployments = theStage().cluster.list('apps/v1', 'Deployment', 'test')
    if (!deployments.some(({ metadata }) => metadata.name === 'podinfo-primary')) invariants.mayCreateLate = true
  }
  const answer = (cluster: EmbeddedCluster): MetricAnswer => {
    const fault = isHealed ? undefined : drawMetrics(faultDice, rates)
    const tag = targetTag(cluster)
    const isGood = tag.startsWith('good') || (tag.startsWith('flaky') && !faultDice.chance(0.25))
    const value = fault ?? { kind: 'value', value: isGood ? 99.9 : 53.42 }
    invariants.measured(tag, value.kind === 'value' && isGood)
    tell(`   metric of ${tag}: ${JSON.stringify(value)}`)
    return value
  }

  const plan = usualPlan
  const isInGit = !createDice(seed ^ 0xc1a5).chance(0.3)
  const world = { dice, rates, trace, plan, isInGit, tagsByHand: ['good-0'], isForcing: false, isRewritten: false }
  const invariants: Invariants = new Invariants(theStage)
  const stage = await createVirtualStage({
    seed,
    startMs: START_MS,
    files: isInGit ? fleet('good-0', plan) : { ...fleet('good-0', plan), ...notInGit },
    definitions: meshDefinitions(),
    log: logTo(tell),
    minIntervalMs: 1000,
    lookEveryMs: 2000,
    interceptApi,
    interceptGit,
    fateOf,
    onMoved: (branch, from, to) => {
      if (built.stage !== undefined) invariants.moved(branch, from, to, complete.isForcing)
    },
    metrics: ({ cluster }) => ({ query: async () => answer(cluster) }),
  })
  stage.cluster.onChange(({ object, before, type }) => {
    if (type !== 'DELETED') invariants.changed(object, before)
  })
  built.stage = stage
  if (!isInGit) applyByHand(stage.cluster, 'good-0', plan)
  invariants.moved('main', null, stage.remote.tip('main'), false)
  const complete: World = Object.assign(world, {
    stage,
    invariants,
    serins: () => running.filter((serin) => !serin.isDead),
    startSerin,
    tell,
    count: (name: string) => {
      const next = (counts.get(name) ?? 0) + 1
      counts.set(name, next)
      return next
    },
    heal: () => {
      isHealed = true
      tell('   nothing goes wrong any more')
    },
  })
  return complete
}

/** The tag that the target's pods run. */
export function targetTag(cluster: EmbeddedCluster): string {
  const target = cluster
    .list('apps/v1', 'Deployment', 'test')
    .find((deployment) => deployment.metadata.name === 'podinfo')
  return tagOf(target?.spec ?? {})
}

/** Calls that are made all the time and would hide the others in a trace. */
function isQuiet({ to, text }: OutsideCall): boolean {
  return to === 'watch' || to === 'metrics' || text.startsWith('tip ') || text.includes('/events')
}

function logTo(tell: (text: string) => void): Logger {
  const say =
    (level: string) =>
    (fields: object, message: string): void =>
      tell(`   ${level} ${message} ${JSON.stringify(fields)}`)
  return { debug: () => {}, info: say('info'), warn: say('warn'), error: say('error') }
}
