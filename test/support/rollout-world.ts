import { advance } from '../../src/rollout/advance.ts'
import type { Check } from '../../src/rollout/check.ts'
import type { Desired, Order, RolloutInput } from '../../src/rollout/input.ts'
import type { RolloutSpec } from '../../src/rollout/spec.ts'
import type { Promoted, Revision, RolloutState } from '../../src/rollout/state.ts'
import type { Answer, Outcome, Question, Readiness, Transition } from '../../src/rollout/transition.ts'

/** Decisions in a row without a wait that count as going in circles. */
const LONGEST_CHAIN = 10

/** What the world answers to the core's questions until somebody changes it. */
export interface World {
  spec: RolloutSpec
  state: RolloutState | null
  promoted: Promoted | null
  desired: Desired
  order: Order | null
  nowMs: number
  primary: Readiness
  canary: Readiness
  checks: readonly Check[]
}

/** A canary run `podinfo.test` by 10 to 50 every minute; the given fields differ. */
export function rolloutSpec(differing: Partial<RolloutSpec> = {}): RolloutSpec {
  return {
    name: 'podinfo',
    namespace: 'test',
    targetKind: 'Deployment',
    targetName: 'podinfo',
    movesTraffic: true,
    skipAnalysis: false,
    suspend: false,
    intervalMs: 60_000,
    threshold: 3,
    iterations: 0,
    maxWeight: 50,
    stepWeight: 10,
    stepWeights: [],
    stepWeightPromotion: 0,
    ...differing,
  }
}

/** The revision with a content named `content`; `commit` tells two commits of the same content apart. */
export function revision(content: string, commit = content): Revision {
  return { commit: `${commit}-commit`.padEnd(40, '0'), hash: `${content}-hash` }
}

export const ready: Readiness = { kind: 'ready' }
export const starting: Readiness = { kind: 'waiting', message: 'waiting for rollout to finish: 0 of 1' }
export const broken: Readiness = { kind: 'failed', message: 'progress deadline exceeded' }

export const passing: readonly Check[] = [
  { metric: 'request-success-rate', value: 99.87, unit: '%', min: 99, window: '1m', verdict: 'passed' },
]

export const failing: readonly Check[] = [
  {
    metric: 'request-success-rate',
    value: 69.17,
    unit: '%',
    min: 99,
    window: '1m',
    verdict: 'failed',
    halt: 'Halt podinfo.test advancement success rate 69.17% < 99%',
  },
]

export const noTraffic: readonly Check[] = [
  {
    metric: 'request-success-rate',
    unit: '%',
    min: 99,
    window: '1m',
    verdict: 'no-values',
    halt: 'Halt advancement no values found for metric: request-success-rate',
  },
]

/** What a decision depends on, as the core is given it. */
export function inputOf({ spec, state, promoted, desired, order, nowMs }: World): RolloutInput {
  return { spec, state, promoted, desired, order, nowMs }
}

/** Runs one decision to its end with the world's answers. */
export function decide(world: World): Outcome {
  const deciding = advance(inputOf(world))
  let turn = deciding.next()
  while (turn.done !== true) turn = deciding.next(answer(world, turn.value))
  return turn.value
}

/** Records a transition, which also answers the order that led to it. */
export function record(world: World, transition: Transition): void {
  world.state = transition.next
  world.promoted = transition.promotion?.promoted ?? world.promoted
  world.order = null
}

function answer(world: World, question: Question): Answer {
  return question.ask === 'checks'
    ? { to: 'checks', checks: world.checks }
    : { to: 'readiness', readiness: question.of === 'primary' ? world.primary : world.canary }
}

/** A canary as the reconciler drives it: decide, record, decide again until there is nothing to do. */
export class Rollout {
  readonly world: World
  /** Every sentence said so far. */
  readonly said: string[] = []
  /** Every transition so far. */
  readonly transitions: Transition[] = []

  constructor(differing: Partial<World> = {}) {
    this.world = {
      spec: rolloutSpec(),
      state: null,
      promoted: null,
      desired: { revision: revision('a'), retried: false },
      order: null,
      nowMs: Date.UTC(2026, 0, 1),
      primary: ready,
      canary: ready,
      checks: passing,
      ...differing,
    }
  }

  /** The recorded state; a canary that was never seen has none. */
  get state(): RolloutState {
    if (this.world.state === null) throw new Error('nothing is recorded yet')
    return this.world.state
  }

  get promoted(): Promoted {
    if (this.world.promoted === null) throw new Error('nothing was promoted yet')
    return this.world.promoted
  }

  /** `Progressing 20`: the phase and the canary's weight. */
  get at(): string {
    return `${this.state.phase} ${this.state.canaryWeight}`
  }

  /** The source branch asks for another revision. */
  want(content: string, commit = content, more: Partial<Desired> = {}): this {
    this.world.desired = { revision: revision(content, commit), retried: false, ...more }
    return this
  }

  /** Changes what the world answers. */
  with(differing: Partial<World>): this {
    Object.assign(this.world, differing)
    return this
  }

  /** One decision, recorded when it is a transition. */
  step(): Outcome {
    const outcome = decide(this.world)
    if (outcome.kind === 'transition') {
      record(this.world, outcome)
      this.transitions.push(outcome)
      this.said.push(...outcome.sentences.map((sentence) => sentence.text))
    }
    return outcome
  }

  /** Decides until there is nothing to do now. Fails when that does not come: going in circles. */
  settle(): this {
    for (let steps = 0; steps < LONGEST_CHAIN; steps++) if (this.step().kind === 'wait') return this
    throw new Error(`no wait within ${LONGEST_CHAIN} decisions, last: ${this.said.slice(-3).join(' | ')}`)
  }

  /** `count` analysis intervals pass, with all that is to be decided in each. */
  tick(count = 1): this {
    for (let ticks = 0; ticks < count; ticks++) {
      this.world.nowMs += this.world.spec.intervalMs
      this.settle()
    }
    return this
  }

  /** `at` after each of `count` ticks. */
  watch(count: number): string[] {
    return Array.from({ length: count }, () => this.tick().at)
  }

  /** The sentences said since `from` sentences were. */
  saidSince(from: number): readonly string[] {
    return this.said.slice(from)
  }
}

/** A canary whose primary serves revision `a`, before anything new came. */
export function initialised(differing: Partial<World> = {}): Rollout {
  return new Rollout(differing).settle()
}

/** A canary with a run of revision `b` just started: its first step is taken. */
export function runningB(differing: Partial<World> = {}): Rollout {
  return initialised(differing).want('b').settle()
}
