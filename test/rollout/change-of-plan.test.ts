import { describe, expect, test } from 'vitest'
import {
  broken,
  failing,
  initialised,
  passing,
  ready,
  revision,
  rolloutSpec,
  runningB,
  starting,
  type Rollout,
} from '../support/rollout-world.ts'

/** A canary that serves `b`, having served `a` before. */
function promotedB(): Rollout {
  return runningB({ spec: rolloutSpec({ stepWeight: 50 }) }).tick(3)
}

/** Runs of `b` in every phase that a person may meet. */
const phases: readonly (readonly [string, () => Rollout])[] = [
  ['while its pods start', () => runningB({ canary: starting })],
  ['at the first step', () => runningB()],
  ['in the middle of the steps', () => runningB().tick(3)],
  ['after failed checks', () => runningB().tick(2).with({ checks: failing }).tick(2)],
  ['while the primary is not ready', () => runningB().tick().with({ primary: starting }).tick()],
  ['in a blue/green iteration', () => runningB({ spec: rolloutSpec({ iterations: 4 }) }).tick(2)],
  ['when all traffic goes to the canary', () => runningB({ spec: rolloutSpec({ iterations: 1 }) }).tick()],
]

describe('rollout/advance, a newer revision', () => {
  test('routes everything to the primary and starts the analysis again when it comes during a run', () => {
    const rollout = runningB().with({ checks: failing }).tick().with({ checks: passing }).tick(3)
    expect(rollout.at).toBe('Progressing 40')

    rollout.with({ canary: starting }).want('c').settle()

    expect(rollout.at).toBe('Progressing 0')
    expect(rollout.said.at(-1)).toBe('New revision detected! Restarting analysis for podinfo.test')
    expect(rollout.state).toMatchObject({ failedChecks: 0, iterations: 0, checks: [], attempt: 1 })
    expect(rollout.state.revision).toEqual(revision('c'))
  })

  test('is analysed from the first step, and only it is promoted', () => {
    const rollout = runningB().tick(4).want('c').settle()

    expect(rollout.at).toBe('Progressing 10')
    rollout.tick(6)

    expect(rollout.at).toBe('Succeeded 0')
    expect(rollout.promoted).toMatchObject({ hash: 'c-hash', before: ['a-hash'] })
  })

  test.each([
    ['Promoting', 5, starting],
    ['Finalising', 5, ready],
  ] as const)('waits in %s for the end of the run, then gets a run of its own (D3, D4)', (phase, ticks, primary) => {
    const rollout = runningB()
      .tick(4)
      .with({ spec: rolloutSpec({ stepWeightPromotion: 0 }) })
    rollout.with({ primary: ready }).world.nowMs += 60_000
    rollout.step()
    rollout.with({ primary })
    if (phase === 'Finalising') rollout.step()
    expect(rollout.state.phase).toBe(phase)

    rollout.want('c').settle()
    expect(rollout.state.revision.hash).toBe('b-hash')

    rollout.with({ primary: ready }).tick(2)
    expect(rollout.state.revision.hash).toBe('c-hash')
    expect(rollout.state.phase).toBe('Progressing')
    expect(rollout.promoted.hash).toBe('b-hash')
    expect(ticks).toBe(5)
  })

  test('with the same content as the running one changes nothing', () => {
    const rollout = runningB().tick(2)

    rollout.want('b', 'another').tick()

    expect(rollout.at).toBe('Progressing 40')
    expect(rollout.state.revision.commit).toBe(revision('b').commit)
  })

  test('with the content that the primary runs starts nothing', () => {
    const rollout = initialised()
    const before = rollout.said.length

    rollout.want('a', 'touched').tick(3)

    expect(rollout.saidSince(before)).toEqual([])
  })
})

describe('rollout/advance, a person reverts the merge', () => {
  test.each(phases)('%s: all traffic goes to the primary at once and the run ends', (_name, run) => {
    const rollout = run()
    const promoted = rollout.promoted

    const first = rollout.want('a', 'revert').step()

    expect(first).toMatchObject({ kind: 'transition', next: { phase: 'Failed', canaryWeight: 0 } })
    expect(rollout.said.slice(-2)).toEqual([
      'Rolling back podinfo.test revision reverted by revert-',
      'Scaling down podinfo.test',
    ])
    expect(rollout.settle().at).toBe('Failed 0')
    expect(rollout.promoted).toEqual(promoted)
  })

  test('and its revision may be merged again: that is a new attempt, not a quarantined one', () => {
    const rollout = runningB().tick(2).want('a', 'revert').settle()
    expect(rollout.state.quarantine).toEqual([])

    rollout.want('b', 'again').settle()

    expect(rollout.at).toBe('Progressing 10')
    expect(rollout.state.attempt).toBe(2)
  })

  test.each([
    ['Promoting', { primary: starting }],
    ['Finalising', { primary: ready }],
  ] as const)('in %s: the former revision goes back to the primary without an analysis', (phase, answers) => {
    const rollout = runningB().tick(4)
    rollout.world.nowMs += 60_000
    rollout.step()
    rollout.with(answers).settle()
    expect(rollout.state.phase).toBe(phase)

    const first = rollout.want('a', 'revert').step()

    expect(first).toMatchObject({ kind: 'transition', next: { phase: 'Promoting', canaryWeight: 0, route: 'restore' } })
    expect(rollout.promoted).toMatchObject({ hash: 'a-hash', before: ['b-hash'] })
    expect(rollout.with({ primary: ready }).settle().at).toBe('Succeeded 0')
  })

  test('after its promotion: the former revision goes straight to the primary, without a check or a weight', () => {
    const rollout = promotedB().with({ checks: failing })
    const before = rollout.transitions.length

    rollout.want('a', 'revert').settle()

    expect(rollout.at).toBe('Succeeded 0')
    expect(rollout.promoted).toMatchObject({ hash: 'a-hash', before: ['b-hash'] })
    expect(rollout.state.lastPromoted.hash).toBe('a-hash')
    expect(rollout.transitions.slice(before).map(({ next }) => next.canaryWeight)).toEqual([0, 0])
    expect(rollout.said).toContain('Revision a-hash of podinfo.test was promoted before, restoring it without analysis')
  })

  test('and reverts that revert: the release that was promoted before comes back the same way', () => {
    const rollout = promotedB().want('a', 'revert').settle().want('b', 'revert-revert').settle()

    expect(rollout.at).toBe('Succeeded 0')
    expect(rollout.promoted).toMatchObject({ hash: 'b-hash', before: ['a-hash'] })
  })

  test('to a revision older than the last: any that was promoted is restored', () => {
    const rollout = promotedB().want('c').settle().tick(3)
    expect(rollout.promoted.before).toEqual(['b-hash', 'a-hash'])

    rollout.want('a', 'far-back').settle()

    expect(rollout.promoted).toMatchObject({ hash: 'a-hash', before: ['c-hash', 'b-hash'] })
  })

  test('to a known revision during a run of another: the run ends first, then it is restored', () => {
    const rollout = promotedB().want('c').settle()
    expect(rollout.at).toBe('Progressing 50')

    rollout.want('a', 'far-back').settle()

    expect(rollout.at).toBe('Succeeded 0')
    expect(rollout.promoted.hash).toBe('a-hash')
  })
})

describe('rollout/advance, quarantine', () => {
  test('keeps a failed revision out that comes back by another commit, and says so once', () => {
    const rollout = runningB({ checks: failing }).tick(3).with({ checks: passing })
    rollout.want('a', 'revert').tick()
    const before = rollout.said.length

    rollout.want('b', 'image-bot').tick(3)

    expect(rollout.at).toBe('Failed 0')
    expect(rollout.saidSince(before)).toEqual([
      'Revision b-hash of podinfo.test failed before and is not rolled out again',
    ])
    expect(rollout.state.keptOut).toBe(revision('b', 'image-bot').commit)
  })

  test('ends a run when the branch goes to a failed revision, instead of trying it again', () => {
    const rollout = runningB({ checks: failing }).tick(3).with({ checks: passing }).want('c').settle()
    expect(rollout.at).toBe('Progressing 10')

    rollout.want('b', 'resync').tick(3)

    expect(rollout.at).toBe('Failed 0')
    expect(rollout.promoted.hash).toBe('a-hash')
  })

  test("is lifted by a person's revert of the rollback commit: a new attempt from the start", () => {
    const rollout = runningB({ checks: failing }).tick(3).with({ checks: passing }).want('a', 'serin-revert').tick()

    rollout.want('b', 'retry', { retried: true }).settle()

    expect(rollout.at).toBe('Progressing 10')
    expect(rollout.state).toMatchObject({ attempt: 2, quarantine: [], failedChecks: 0 })
    expect(rollout.tick(6).promoted).toMatchObject({ hash: 'b-hash', attempt: 2 })
  })

  test('holds again when the retried revision fails again: one retry is one attempt', () => {
    const rollout = runningB({ checks: failing }).tick(3).want('a', 'serin-revert').tick()

    rollout.want('b', 'retry', { retried: true }).settle().tick(10)

    expect(rollout.at).toBe('Failed 0')
    expect(rollout.state.attempt).toBe(2)
    expect(rollout.said.filter((text) => text.startsWith('Canary failed!'))).toHaveLength(2)
  })
})

describe('rollout/advance, orders', () => {
  test.each(phases)('rollback %s: all traffic goes to the primary and the revision is quarantined', (_name, run) => {
    const rollout = run().with({ order: { kind: 'rollback', commit: 'c0ffee0123' } })

    rollout.step()

    expect(rollout.at).toBe('Failed 0')
    expect(rollout.state.quarantine).toEqual(['b-hash'])
    expect(rollout.said.at(-2)).toBe('Rolling back podinfo.test ordered by c0ffee0')
    expect(rollout.settle().at).toBe('Failed 0')
  })

  test('retry after a failure: a new attempt of the same revision from the start', () => {
    const rollout = runningB({ checks: failing }).tick(3).with({ checks: passing })

    rollout.with({ order: { kind: 'retry', commit: 'c0ffee' } }).settle()

    expect(rollout.at).toBe('Progressing 10')
    expect(rollout.state).toMatchObject({ attempt: 2, quarantine: [] })
  })

  test('retry when the source branch asks for what the primary runs: nothing is rolled out', () => {
    const rollout = runningB({ checks: failing }).tick(3).want('a', 'revert').tick()

    rollout.with({ order: { kind: 'retry', commit: 'c0ffee' } }).settle()

    expect(rollout.at).toBe('Failed 0')
    expect(rollout.promoted).toMatchObject({ hash: 'a-hash', before: [] })
  })

  test('retry after a promotion whose primary would not start: the canary goes on serving until the primary does', () => {
    const rollout = runningB().tick(4)
    rollout.world.nowMs += 60_000
    rollout.step()
    rollout.with({ primary: broken }).settle()
    expect(rollout.at).toBe('Failed 100')

    rollout.with({ order: { kind: 'retry', commit: 'c0ffee' } }).settle()

    expect(rollout.at).toBe('Failed 100')
  })

  test('restore of the former revision: it goes to the primary at once and the other one is quarantined', () => {
    const rollout = promotedB()
    const before = { commit: revision('a').commit, hash: 'a-hash', attempt: 1, before: [] }

    rollout.with({ order: { kind: 'restore', commit: 'c0ffee', promoted: before } }).settle()

    expect(rollout.promoted).toEqual(before)
    expect(rollout.state.phase).toBe('Succeeded')
    expect(rollout.state.quarantine).toEqual(['b-hash'])
    expect(rollout.state.lastPromoted.hash).toBe('a-hash')
  })

  test('restore stays: the revision that was taken back is not rolled out again, although a person had merged it', () => {
    const rollout = initialised({ spec: rolloutSpec({ stepWeight: 50 }) })
    rollout.want('b', 'merge', { retried: true }).settle().tick(3)
    expect(rollout.promoted.hash).toBe('b-hash')
    const before = { commit: revision('a').commit, hash: 'a-hash', attempt: 1, before: [] }

    rollout
      .with({ order: { kind: 'restore', commit: 'c0ffee', promoted: before } })
      .settle()
      .tick(5)
    expect(rollout.at).toBe('Succeeded 0')
    expect(rollout.promoted.hash).toBe('a-hash')

    rollout.want('b', 'merged-again', { retried: true }).settle()
    expect(rollout.at).toBe('Progressing 50')
  })

  test('restore during a run of another revision: the canary loses its traffic with it', () => {
    const rollout = promotedB().want('c').settle().tick()
    const before = { commit: revision('a').commit, hash: 'a-hash', attempt: 1, before: [] }

    rollout.with({ order: { kind: 'restore', commit: 'c0ffee', promoted: before }, primary: starting }).step()

    expect(rollout.at).toBe('Promoting 0')
    expect(rollout.promoted).toEqual(before)
  })
})

describe('rollout/promotion', () => {
  test('the canary serves everybody when its copy on the primary does not start', () => {
    const rollout = runningB().tick(4)
    rollout.world.nowMs += 60_000
    rollout.step()

    rollout.with({ primary: broken }).settle()

    expect(rollout.at).toBe('Failed 100')
    expect(rollout.said.at(-1)).toBe('Promotion of podinfo.test failed, primary not ready: progress deadline exceeded')
    expect(rollout.state.quarantine).toEqual([])
  })

  test('the canary gets its traffic back when the primary breaks after the traffic has returned to it', () => {
    const rollout = runningB().tick(5)
    expect(rollout.at).toBe('Finalising 0')

    rollout.with({ primary: broken }).tick()

    expect(rollout.at).toBe('Failed 100')
    expect(rollout.said.at(-1)).toMatch(/^Promotion of podinfo\.test failed/)
  })

  test('the canary is not scaled down while the primary is not ready', () => {
    const rollout = runningB().tick(5).with({ primary: starting }).tick(3)
    expect(rollout.at).toBe('Finalising 0')

    expect(rollout.with({ primary: ready }).settle().at).toBe('Succeeded 0')
  })

  test('a restored revision whose primary breaks gives a canary without pods no traffic', () => {
    const rollout = promotedB().want('a', 'revert').with({ primary: broken }).settle()

    expect(rollout.at).toBe('Failed 0')
  })

  test('traffic goes back to a primary that recovers, and the release ends well', () => {
    const rollout = runningB().tick(4)
    rollout.world.nowMs += 60_000
    rollout.step()
    rollout.with({ primary: broken }).tick(2)
    expect(rollout.at).toBe('Failed 100')

    rollout.with({ primary: ready })

    expect(rollout.watch(2)).toEqual(['Finalising 0', 'Succeeded 0'])
  })
})
