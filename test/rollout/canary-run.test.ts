import { describe, expect, test } from 'vitest'
import {
  broken,
  failing,
  initialised,
  noTraffic,
  passing,
  ready,
  rolloutSpec,
  runningB,
  starting,
} from '../support/rollout-world.ts'

describe('rollout/advance, canary strategy', () => {
  test('takes the first step at once and the next ones an interval apart, up to maxWeight, then promotes', () => {
    const rollout = initialised().want('b').settle()

    expect(rollout.at).toBe('Progressing 10')
    expect(rollout.watch(4)).toEqual(['Progressing 20', 'Progressing 30', 'Progressing 40', 'Progressing 50'])
    expect(rollout.promoted.hash).toBe('a-hash')
    expect(rollout.watch(2)).toEqual(['Finalising 0', 'Succeeded 0'])
    expect(rollout.promoted.hash).toBe('b-hash')
    expect(rollout.state.lastPromoted.hash).toBe('b-hash')
  })

  test("says what Flagger's users look for, in its words and order", () => {
    const rollout = initialised({ spec: rolloutSpec({ stepWeight: 50, stepWeightPromotion: 50 }) })

    rollout.want('b').settle().tick(6)

    expect(rollout.said).toEqual([
      'New Deployment detected, starting initialization.',
      'Initialization done! podinfo.test',
      'New revision detected! Scaling up podinfo.test',
      'Starting canary analysis for podinfo.test',
      'Advance podinfo.test canary weight 50',
      'Canary analysis completed, starting primary rolling update.',
      'Copying podinfo.test template spec to podinfo-primary.test',
      'Advance podinfo.test primary weight 100',
      'Promotion completed! Scaling down podinfo.test',
    ])
  })

  test.each([
    ['stepWeight 20 to maxWeight 50', { stepWeight: 20, maxWeight: 50 }, [20, 40, 60, 0]],
    ['stepWeight 50 to maxWeight 100', { stepWeight: 50, maxWeight: 100 }, [50, 100, 0]],
    ['stepWeights 1, 2, 10, 80', { stepWeight: 0, stepWeights: [1, 2, 10, 80] }, [1, 2, 10, 80, 0]],
    ['stepWeights 1, 2, 10, 200', { stepWeight: 0, stepWeights: [1, 2, 10, 200] }, [1, 2, 10, 100, 0]],
    ['stepWeight 100', { stepWeight: 100, maxWeight: 100 }, [100, 0]],
  ])('goes through the weights of %s and back to 0', (_name, steps, weights) => {
    const rollout = runningB({ spec: rolloutSpec(steps) })

    const seen = [rollout.state.canaryWeight]
    while (rollout.state.phase === 'Progressing') seen.push(rollout.tick().state.canaryWeight)

    expect(seen).toEqual(weights)
  })

  test('goes back to the primary in steps of stepWeightPromotion, one an interval', () => {
    const rollout = runningB({ spec: rolloutSpec({ stepWeight: 100, maxWeight: 100, stepWeightPromotion: 50 }) })

    expect(rollout.at).toBe('Progressing 100')
    expect(rollout.watch(4)).toEqual(['Promoting 100', 'Promoting 50', 'Finalising 0', 'Succeeded 0'])
  })

  test('gives the primary the rest when stepWeightPromotion does not divide the weight', () => {
    const rollout = runningB({ spec: rolloutSpec({ stepWeight: 50, maxWeight: 50, stepWeightPromotion: 40 }) })

    expect(rollout.watch(3)).toEqual(['Promoting 50', 'Promoting 10', 'Finalising 0'])
    expect(rollout.said).toContain('Advance podinfo.test primary weight 90')
  })

  test('asks for no step before its interval has passed', () => {
    const rollout = runningB()

    rollout.world.nowMs += rollout.world.spec.intervalMs - 1
    const outcome = rollout.step()

    expect(outcome).toEqual({ kind: 'wait', untilMs: rollout.state.lastTransitionMs + 60_000 })
    expect(rollout.at).toBe('Progressing 10')
  })

  test('keeps the weight where a check fails, says why and counts it', () => {
    const rollout = runningB().tick()

    rollout.with({ checks: failing }).tick()

    expect(rollout.at).toBe('Progressing 20')
    expect(rollout.state.failedChecks).toBe(1)
    expect(rollout.state.checks).toEqual(failing)
    expect(rollout.said.at(-1)).toBe('Halt podinfo.test advancement success rate 69.17% < 99%')
  })

  test('takes no data for a failed check, and records it as such', () => {
    const rollout = runningB({ checks: noTraffic }).tick()

    expect(rollout.at).toBe('Progressing 10')
    expect(rollout.state.failedChecks).toBe(1)
    expect(rollout.state.checks[0]?.verdict).toBe('no-values')
  })

  test('does not forget failed checks when one passes', () => {
    const rollout = runningB({ checks: failing }).tick()

    rollout.with({ checks: passing }).tick()

    expect(rollout.at).toBe('Progressing 20')
    expect(rollout.state.failedChecks).toBe(1)
  })

  test('rolls back as soon as the threshold is reached, with no further interval', () => {
    const rollout = runningB().tick(2).with({ checks: failing })

    expect(rollout.watch(3)).toEqual(['Progressing 30', 'Progressing 30', 'Failed 0'])
    expect(rollout.said.slice(-2)).toEqual([
      'Rolling back podinfo.test failed checks threshold reached 3',
      'Canary failed! Scaling down podinfo.test',
    ])
    expect(rollout.promoted.hash).toBe('a-hash')
    expect(rollout.state.checks).toEqual(failing)
  })

  test('rolls back after the first failed check where the threshold is 1', () => {
    const rollout = runningB({ spec: rolloutSpec({ threshold: 1 }), checks: failing }).tick()

    expect(rollout.at).toBe('Failed 0')
  })

  test('names the failed revision once and keeps it out, until another one comes', () => {
    const rollout = runningB({ checks: failing }).tick(3)
    expect(rollout.at).toBe('Failed 0')
    const before = rollout.said.length

    rollout.tick(5)
    expect(rollout.saidSince(before)).toEqual([])

    rollout.with({ checks: passing }).want('c').settle()
    expect(rollout.at).toBe('Progressing 10')
    expect(rollout.state.revision.hash).toBe('c-hash')
    expect(rollout.state.failedChecks).toBe(0)
  })

  test('waits for the primary before it starts, and says what for', () => {
    const rollout = initialised().with({ primary: starting }).want('b')

    const outcome = rollout.step()

    expect(outcome).toMatchObject({
      kind: 'wait',
      reason: { type: 'Warning', text: 'Halt podinfo-primary.test advancement waiting for rollout to finish: 0 of 1' },
    })
    expect(rollout.at).toBe('Initialized 0')
  })

  test('sends no request to a canary whose pods are not ready', () => {
    const rollout = runningB({ canary: starting }).tick(3)

    expect(rollout.at).toBe('Progressing 0')

    expect(rollout.with({ canary: ready }).settle().at).toBe('Progressing 10')
  })

  test('rolls back a canary that is not ready by its progress deadline', () => {
    const rollout = runningB({ canary: broken })

    expect(rollout.at).toBe('Failed 0')
    expect(rollout.said).toContain('Rolling back podinfo.test progress deadline exceeded progress deadline exceeded')
    expect(rollout.promoted.hash).toBe('a-hash')
  })

  test('rolls back a canary whose pods break in the middle of the analysis', () => {
    const rollout = runningB().tick(2)

    rollout.with({ canary: broken }).settle()

    expect(rollout.at).toBe('Failed 0')
  })

  test('does nothing at all while suspended', () => {
    const rollout = runningB().tick()
    const before = rollout.said.length

    rollout
      .with({ spec: rolloutSpec({ suspend: true }), checks: failing })
      .want('c')
      .tick(5)
    expect(rollout.at).toBe('Progressing 20')
    expect(rollout.saidSince(before)).toEqual([])

    rollout.with({ spec: rolloutSpec(), checks: passing }).want('b').settle()
    expect(rollout.at).toBe('Progressing 30')
  })

  test('follows steps that were edited during the run', () => {
    const rollout = runningB().tick()

    rollout.with({ spec: rolloutSpec({ stepWeight: 0, stepWeights: [5, 25, 75] }) })

    expect(rollout.watch(3)).toEqual(['Progressing 25', 'Progressing 75', 'Finalising 0'])
  })
})

describe('rollout/advance, skipAnalysis', () => {
  const skipping = rolloutSpec({ skipAnalysis: true })

  test('promotes as soon as the canary is ready, without a request to it', () => {
    const rollout = initialised({ spec: skipping, checks: failing }).want('b').settle()

    expect(rollout.at).toBe('Succeeded 0')
    expect(rollout.promoted.hash).toBe('b-hash')
    expect(rollout.transitions.every(({ next }) => next.canaryWeight === 0)).toBe(true)
    expect(rollout.said.at(-1)).toBe('Promotion completed! Canary analysis was skipped for podinfo.test')
  })

  test('reports success only when the primary has rolled out (D29)', () => {
    const rollout = runningB({ spec: skipping, canary: starting })

    rollout.with({ canary: ready }).step()
    rollout.with({ primary: starting }).tick(3)
    expect(rollout.at).toBe('Promoting 0')

    expect(rollout.with({ primary: ready }).settle().at).toBe('Succeeded 0')
  })

  test('leaves the primary alone when the canary never becomes ready', () => {
    const rollout = runningB({ spec: skipping, canary: broken })

    expect(rollout.at).toBe('Failed 0')
    expect(rollout.promoted.hash).toBe('a-hash')
  })

  test('does not analyse a run that began without analysis, nor skip one that began with it', () => {
    const skipped = runningB({ spec: skipping, canary: starting })
    skipped.with({ spec: rolloutSpec(), canary: ready, checks: failing }).settle()
    expect(skipped.at).toBe('Succeeded 0')

    const analysed = runningB().tick()
    analysed.with({ spec: skipping, checks: failing }).tick()
    expect(analysed.at).toBe('Progressing 20')
    expect(analysed.state.failedChecks).toBe(1)
  })

  test('does not wait for hours when the last step was recorded by a clock that was hours ahead', () => {
    const rollout = initialised().want('b').settle()
    const { state } = rollout
    const ahead = { ...state, lastTransitionMs: state.lastTransitionMs + 3 * 3_600_000 }

    expect(rollout.with({ state: ahead }).watch(2)).toEqual(['Progressing 20', 'Progressing 30'])
  })
})
