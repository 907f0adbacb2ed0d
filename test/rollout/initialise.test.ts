import { describe, expect, test } from 'vitest'
import { broken, initialised, ready, Rollout, starting } from '../support/rollout-world.ts'

describe('rollout/initialise', () => {
  test('takes a target over without an analysis: the primary starts as its copy', () => {
    const rollout = new Rollout()

    const first = rollout.step()

    expect(rollout.at).toBe('Initializing 0')
    expect(rollout.promoted).toMatchObject({ hash: 'a-hash', attempt: 1, before: [] })
    expect(first).toMatchObject({ subject: { text: 'New Deployment detected, starting initialization.' } })
    expect(rollout.settle().at).toBe('Initialized 0')
  })

  test('leaves the target serving until the primary is ready', () => {
    const rollout = new Rollout({ primary: starting }).tick(5)
    expect(rollout.at).toBe('Initializing 0')

    expect(rollout.with({ primary: ready }).settle().at).toBe('Initialized 0')
    expect(rollout.said).toEqual([
      'New Deployment detected, starting initialization.',
      'Initialization done! podinfo.test',
    ])
  })

  test('starts over with a newer revision that comes before the primary is ready', () => {
    const rollout = new Rollout({ primary: broken }).tick()

    rollout.want('b').settle()
    expect(rollout.promoted).toMatchObject({ hash: 'b-hash', before: [] })

    expect(rollout.with({ primary: ready }).settle().at).toBe('Initialized 0')
    expect(rollout.state.lastPromoted.hash).toBe('b-hash')
  })

  test('does nothing more when nothing changes', () => {
    const rollout = initialised()
    const before = rollout.said.length

    rollout.tick(20)

    expect(rollout.saidSince(before)).toEqual([])
  })

  test('keeps the pull request that brought the revision', () => {
    const pullRequest = 'https://github.com/example/fleet/pull/1'
    const rollout = new Rollout().want('a', 'a', { pullRequest }).settle()

    expect(rollout.promoted.pullRequest).toBe(pullRequest)
    expect(rollout.state.pullRequest).toBe(pullRequest)
  })
})
