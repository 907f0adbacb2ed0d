import { describe, expect, test } from 'vitest'
import { failing, rolloutSpec, runningB } from '../support/rollout-world.ts'

const spec = rolloutSpec({ iterations: 3 })

describe('rollout/advance, blue/green', () => {
  test('counts iterations without moving traffic, then gives the canary all of it, analyses once more and promotes', () => {
    const rollout = runningB({ spec })
    const at = (): string => `${rollout.at} ${rollout.state.iterations}`

    const seen = [at(), ...Array.from({ length: 5 }, () => (rollout.tick(), at()))]

    expect(seen).toEqual([
      'Progressing 0 1',
      'Progressing 0 2',
      'Progressing 0 3',
      'Progressing 100 4',
      'Finalising 0 4',
      'Succeeded 0 0',
    ])
    expect(rollout.promoted.hash).toBe('b-hash')
    expect(rollout.said.slice(3)).toEqual([
      'Starting canary analysis for podinfo.test',
      'Advance podinfo.test canary iteration 1/3',
      'Advance podinfo.test canary iteration 2/3',
      'Advance podinfo.test canary iteration 3/3',
      'Routing all traffic to canary',
      'Canary analysis completed, starting primary rolling update.',
      'Copying podinfo.test template spec to podinfo-primary.test',
      'Routing all traffic to primary',
      'Promotion completed! Scaling down podinfo.test',
    ])
  })

  test('never moves traffic where the provider cannot: the primary is updated after the last iteration', () => {
    const rollout = runningB({ spec: rolloutSpec({ iterations: 3, movesTraffic: false }) })

    rollout.tick(3)

    expect(rollout.at).toBe('Succeeded 0')
    expect(rollout.transitions.every(({ next }) => next.canaryWeight === 0)).toBe(true)
    expect(rollout.said).not.toContain('Routing all traffic to canary')
    expect(rollout.promoted.hash).toBe('b-hash')
  })

  test('goes through every phase with a single iteration', () => {
    const rollout = runningB({ spec: rolloutSpec({ iterations: 1 }) })

    expect(rollout.watch(3)).toEqual(['Progressing 100', 'Finalising 0', 'Succeeded 0'])
  })

  test('neither counts an iteration nor moves traffic where a check fails, and rolls back at the threshold', () => {
    const rollout = runningB({ spec }).tick().with({ checks: failing })

    rollout.tick(2)
    expect([rollout.at, rollout.state.iterations]).toEqual(['Progressing 0', 2])

    rollout.tick()
    expect(rollout.at).toBe('Failed 0')
    expect(rollout.promoted.hash).toBe('a-hash')
  })

  test('takes all traffic back when the canary fails while it serves everybody', () => {
    const rollout = runningB({ spec }).tick(3)
    expect(rollout.at).toBe('Progressing 100')

    rollout.with({ checks: failing }).tick(3)

    expect(rollout.at).toBe('Failed 0')
    expect(rollout.promoted.hash).toBe('a-hash')
  })

  test('starts from the first iteration with a newer revision', () => {
    const rollout = runningB({ spec }).tick(3)

    rollout.want('c').settle()

    expect([rollout.at, rollout.state.iterations]).toEqual(['Progressing 0', 1])
    expect(rollout.state.revision.hash).toBe('c-hash')
  })
})
