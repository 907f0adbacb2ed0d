import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Order } from '../../src/rollout/input.ts'
import { isRunning, type Promoted, type RolloutState } from '../../src/rollout/state.ts'
import type { Transition } from '../../src/rollout/transition.ts'
import { finalWeight, nextWeight } from '../../src/rollout/weights.ts'
import {
  broken,
  decide,
  failing,
  noTraffic,
  passing,
  ready,
  revision,
  Rollout,
  rolloutSpec,
  starting,
  type World,
} from '../support/rollout-world.ts'

const steps = {
  intervalMs: fc.integer({ min: 10_000, max: 120_000 }),
  threshold: fc.integer({ min: 1, max: 4 }),
  iterations: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 4 })),
  maxWeight: fc.integer({ min: 1, max: 100 }),
  stepWeight: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 100 })),
  stepWeights: fc.oneof(fc.constant([]), fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 5 })),
  stepWeightPromotion: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 100 })),
  movesTraffic: fc.boolean(),
  skipAnalysis: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
}

const spec = fc
  .record(steps)
  // Without traffic to move a run goes by iterations; the Canary's defaults see to it.
  .map((given) => rolloutSpec(given.movesTraffic || given.iterations > 0 ? given : { ...given, iterations: 1 }))

const readiness = fc.oneof({ weight: 4, arbitrary: fc.constant(ready) }, fc.constant(starting), fc.constant(broken))

/** Something that happens to a canary from outside. */
type Happening = (rollout: Rollout) => void

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constant<Happening>((rollout) => void (rollout.world.nowMs += rollout.world.spec.intervalMs)),
  },
  { weight: 1, arbitrary: fc.constant<Happening>((rollout) => void (rollout.world.nowMs += 1000)) },
  { weight: 3, arbitrary: fc.constantFrom(passing, failing, noTraffic).map(setting('checks')) },
  { weight: 2, arbitrary: readiness.map(setting('primary')) },
  { weight: 2, arbitrary: readiness.map(setting('canary')) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 1, max: 3 }), fc.boolean())
      .map(([content, commit, retried]): Happening => (rollout) => {
        rollout.want(content, `${content}${commit}`, { retried })
      }),
  },
  { weight: 1, arbitrary: fc.constantFrom<Order['kind']>('rollback', 'retry', 'restore').map(ordering) },
  { weight: 1, arbitrary: spec.map(setting('spec')) },
  {
    weight: 1,
    arbitrary: fc.boolean().map(
      (suspend): Happening =>
        (rollout) =>
          void (rollout.world.spec = { ...rollout.world.spec, suspend }),
    ),
  },
)

const story = fc.tuple(spec, fc.array(happening, { minLength: 1, maxLength: 60 }))

function setting<Field extends keyof World>(field: Field): (value: World[Field]) => Happening {
  return (value) => (rollout) => void (rollout.world[field] = value)
}

function ordering(kind: Order['kind']): Happening {
  return (rollout) => {
    const { promoted } = rollout.world
    const [former, ...before] = promoted?.before ?? []
    if (kind !== 'restore') rollout.world.order = { kind, commit: 'c0ffee' }
    else if (former !== undefined) {
      const restored: Promoted = { commit: 'former', hash: former, attempt: 1, before }
      rollout.world.order = { kind, commit: 'c0ffee', promoted: restored }
    }
  }
}

interface Step {
  readonly before: World
  readonly transition: Transition
}

/** Tells a story and gives every step of it. Fails when the decisions go in circles. */
function tell(given: Partial<World>, happenings: readonly Happening[]): { rollout: Rollout; steps: Step[] } {
  const rollout = new Rollout(given)
  const taken: Step[] = []
  for (const happen of happenings) {
    happen(rollout)
    let rested = false
    for (let decisions = 0; decisions < 10 && !rested; decisions++) {
      const before = { ...rollout.world }
      const outcome = rollout.step()
      if (outcome.kind === 'transition') taken.push({ before, transition: outcome })
      else rested = true
    }
    expect(rested, 'a wait within 10 decisions').toBe(true)
  }
  return { rollout, steps: taken }
}

function everyStep(check: (step: Step) => void): void {
  fc.assert(
    fc.property(story, ([given, happenings]) => {
      for (const step of tell({ spec: given }, happenings).steps) check(step)
    }),
    { numRuns: 400 },
  )
}

/** An undisturbed world in which everything is well. */
function heal(rollout: Rollout): Rollout {
  const { world } = rollout
  return rollout.with({
    primary: ready,
    canary: ready,
    checks: passing,
    order: null,
    spec: { ...world.spec, suspend: false },
    desired: { ...world.desired, retried: false },
  })
}

function tickUntilRest(rollout: Rollout, most: number): number {
  for (let ticks = 1; ticks <= most; ticks++) {
    rollout.tick()
    if (!isRunning(rollout.state.phase) && rollout.state.phase !== 'Initializing') return ticks
  }
  throw new Error(`still ${rollout.at} after ${most} intervals`)
}

const isFirstStep = (state: RolloutState | null): boolean => state?.canaryWeight === 0 && state.failedChecks === 0

describe('rollout/advance, whatever happens', () => {
  test('the weight stays within 0 and 100', () => {
    everyStep(({ transition: { next } }) => {
      expect(next.canaryWeight).toBeGreaterThanOrEqual(0)
      expect(next.canaryWeight).toBeLessThanOrEqual(100)
    })
  })

  test('the weight rises only with passing checks, with the first step, or to spare people a broken primary', () => {
    everyStep(({ before, transition: { next } }) => {
      if (next.canaryWeight <= (before.state?.canaryWeight ?? 0)) return
      if (next.phase === 'Failed') expect(before.primary.kind).toBe('failed')
      else if (!isFirstStep(before.state)) expect(before.checks).toBe(passing)
      expect(next.revision).toEqual(before.state?.revision)
    })
  })

  test('the canary gets requests only while it runs, or while it serves in place of a broken primary', () => {
    everyStep(({ transition: { next, promotion }, before }) => {
      if (next.canaryWeight === 0) return
      const promoted = promotion?.promoted ?? before.promoted
      if (next.phase === 'Failed') expect(next.revision.hash).toBe(promoted?.hash)
      else expect(['Progressing', 'Promoting']).toContain(next.phase)
    })
  })

  test('only an analysed revision is promoted, but for a known one, a first one and where the analysis is skipped', () => {
    everyStep(({ before, transition: { next, promotion } }) => {
      if (promotion === undefined) return
      const { state, promoted, checks, order, spec: steering } = before
      const { hash } = promotion.promoted
      expect(hash).toBe(next.revision.hash)
      if (next.phase === 'Initializing') return expect(['Initializing', undefined]).toContain(state?.phase)
      if (next.route === 'restore') {
        const known = order?.kind === 'restore' ? order.promoted.hash : promoted?.before.find((other) => other === hash)
        return expect(known).toBe(hash)
      }
      expect(state).toMatchObject({ phase: 'Progressing', revision: next.revision, route: next.route })
      if (next.route === 'skipped') return
      expect(checks).toBe(passing)
      if (steering.iterations > 0) expect(state?.iterations).toBeGreaterThanOrEqual(steering.iterations)
      else expect(state?.canaryWeight).toBeGreaterThanOrEqual(finalWeight(steering))
    })
  })

  test('the primary is never told to run a revision that it ran before its own', () => {
    everyStep(({ transition: { promotion } }) => {
      if (promotion === undefined) return
      const { hash, before } = promotion.promoted
      expect(before).not.toContain(hash)
      expect(new Set(before).size).toBe(before.length)
    })
  })

  test('neither the running nor the promoted revision is quarantined', () => {
    everyStep(({ before, transition: { next, promotion } }) => {
      const promoted = promotion?.promoted ?? before.promoted
      expect(next.quarantine).not.toContain(promoted?.hash)
      if (isRunning(next.phase)) expect(next.quarantine).not.toContain(next.revision.hash)
    })
  })

  test('every transition says something, its subject included', () => {
    everyStep(({ transition: { subject, sentences, promotion } }) => {
      expect(sentences).toContainEqual(subject)
      if (promotion !== undefined) expect(sentences).toContainEqual(promotion.subject)
      for (const { text } of sentences) expect(text).not.toMatch(/undefined|NaN|\n/)
    })
  })

  test('the same input and answers give the same outcome', () => {
    fc.assert(
      fc.property(story, ([given, happenings]) => {
        const { rollout } = tell({ spec: given }, happenings)

        expect(decide(rollout.world)).toEqual(decide(structuredClone(rollout.world)))
      }),
    )
  })

  test('nothing happens without a cause: a decision that waited waits again', () => {
    fc.assert(
      fc.property(story, ([given, happenings]) => {
        const { rollout } = tell({ spec: given }, happenings)

        expect(decide(rollout.world).kind).toBe('wait')
      }),
    )
  })

  test('every run ends once its pods are ready and its checks pass, and then nothing is left to do', () => {
    fc.assert(
      fc.property(story, ([given, happenings]) => {
        const { rollout } = tell({ spec: given }, happenings)

        tickUntilRest(heal(rollout).settle(), 300)
        // A revision that had to wait for the end of another one's run has its own now.
        tickUntilRest(rollout.tick(), 300)
        const before = rollout.said.length
        rollout.tick(10)

        expect(rollout.saidSince(before)).toEqual([])
        expect(rollout.state.canaryWeight).toBe(0)
        const { desired, state, promoted } = rollout.world
        const isOut = state?.quarantine.includes(desired.revision.hash) ?? false
        expect(isOut || promoted?.hash === desired.revision.hash).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  test('a revision whose checks always fail is never promoted and rolled back after threshold checks', () => {
    fc.assert(
      fc.property(spec, (given) => {
        const rollout = new Rollout({ spec: { ...given, skipAnalysis: false } }).settle()

        const ticks = tickUntilRest(rollout.with({ checks: failing }).want('b').settle(), 10)

        expect(rollout.at).toBe('Failed 0')
        expect(ticks).toBe(given.threshold)
        expect(rollout.promoted.hash).toBe(revision('a').hash)
        const weights = rollout.transitions.map(({ next }) => next.canaryWeight)
        expect(Math.max(...weights)).toBe(given.iterations > 0 ? 0 : nextWeight(given, 0))
      }),
    )
  })
})
