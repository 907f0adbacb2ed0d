import { afterEach, describe, expect, test } from 'vitest'
import { sourceReverted } from '../../src/rollout/idle.ts'
import type { KnownInput } from '../../src/rollout/input.ts'
import { primaryOf } from '../support/ledger-world.ts'
import { LedgerRepository } from '../support/ledger-repository.ts'
import {
  broken,
  failing,
  initialised,
  inputOf,
  passing,
  ready,
  revision,
  Rollout,
  rolloutSpec,
  starting,
} from '../support/rollout-world.ts'

const steered = rolloutSpec({ stepWeight: 25, maxWeight: 50, stepWeightPromotion: 20 })
const opened: LedgerRepository[] = []

afterEach(() => {
  for (const repository of opened.splice(0)) repository.close()
})

function recorded(rollout: Rollout): LedgerRepository {
  const repository = new LedgerRepository(rollout)
  opened.push(repository)
  return repository
}

function runOfB(): Rollout {
  return initialised({ spec: steered }).want('b').settle()
}

/** `b` is just promoted; the primary has not rolled over yet. */
function promotedB(): Rollout {
  const rollout = runOfB().tick()
  rollout.world.nowMs += steered.intervalMs
  rollout.step()
  return rollout
}

function succeededB(): Rollout {
  return promotedB().tick(10)
}

function failedB(): Rollout {
  return runOfB().with({ checks: failing }).tick(3).with({ checks: passing })
}

function recordSourceRevert(rollout: Rollout, repository: LedgerRepository): void {
  const input = { ...inputOf(rollout.world), nowMs: rollout.world.nowMs + 1500 } as KnownInput
  repository.writeTransition(sourceReverted(input, 'main', { rung: 'status-only', reason: 'the branch is protected' }))
}

describe('ledger, a whole run', () => {
  test('is a commit per transition, in the words that people know, and the promotion has one of its own', () => {
    const repository = recorded(succeededB())

    const subjects = repository.log().map((line) => line.slice(41))

    expect(subjects.toReversed()).toEqual([
      'New Deployment detected, starting initialization.',
      'Initialization done! podinfo.test',
      'New revision detected! Scaling up podinfo.test',
      'Advance podinfo.test canary weight 25',
      'Advance podinfo.test canary weight 50',
      'Canary analysis completed, starting primary rolling update.',
      'Copying podinfo.test template spec to podinfo-primary.test',
      'Advance podinfo.test primary weight 70',
      'Advance podinfo.test primary weight 90',
      'Advance podinfo.test primary weight 100',
      'Promotion completed! Scaling down podinfo.test',
    ])
    expect(repository.changedBy(repository.find('Copying'))).toEqual([
      'test/podinfo/primary.yaml',
      'test/podinfo/promoted.yaml',
    ])
    expect(repository.changedBy(repository.find('Advance podinfo.test canary weight 50'))).toEqual([
      'test/podinfo/routes.yaml',
      'test/podinfo/status.yaml',
    ])
    expect(repository.read()).toEqual({ kind: 'none' })
  })
})

describe('ledger, a person runs git revert', () => {
  test.each<readonly [string, () => Rollout]>([
    ['while the primary rolls over', () => promotedB()],
    ['while the traffic returns', () => promotedB().tick(2)],
    ['after the release', () => succeededB()],
    ['after the primary would not start', () => promotedB().with({ primary: broken }).settle()],
    ['while the next revision starts', () => succeededB().with({ canary: starting }).want('c').settle()],
    ['while the next revision has traffic', () => succeededB().want('c').settle().tick()],
    ['after the next revision failed', () => succeededB().want('c').settle().with({ checks: failing }).tick(3)],
    [
      'after a failed revision came back',
      () => succeededB().want('c').settle().with({ checks: failing }).tick(3).want('c', 'bot').tick(),
    ],
  ])('of the latest promotion %s: it applies cleanly and orders the revision before', (_name, run) => {
    const repository = recorded(run())

    repository.revert(repository.find('Copying'))

    expect(repository.read()).toEqual({
      kind: 'restore',
      commit: 'c0ffee',
      promoted: { ...revision('a'), attempt: 1, before: [] },
    })
  })

  test('of a restore: it orders the revision that was taken back', () => {
    const repository = recorded(succeededB().want('a', 'revert').settle())
    expect(repository.recorded.primary).toEqual(primaryOf('a'))

    repository.revert(repository.find('Copying'))

    expect(repository.read()).toMatchObject({ kind: 'restore', promoted: { hash: 'b-hash', before: ['a-hash'] } })
  })

  test.each<readonly [string, () => Rollout, string]>([
    ['the first weight', () => runOfB(), 'Advance podinfo.test canary weight 25'],
    ['a weight', () => runOfB().tick(), 'Advance podinfo.test canary weight 50'],
    [
      'the start of a run',
      () => initialised({ spec: steered }).with({ canary: starting }).want('b').settle(),
      'New revision detected',
    ],
    [
      'a blue/green iteration',
      () =>
        initialised({ spec: rolloutSpec({ iterations: 5 }) })
          .want('b')
          .settle()
          .tick(2),
      'Advance podinfo.test canary iteration 3/5',
    ],
    [
      'the routing of all traffic',
      () =>
        initialised({ spec: rolloutSpec({ iterations: 1 }) })
          .want('b')
          .settle()
          .tick(),
      'Routing all traffic to canary',
    ],
  ])('of %s: it ends the run', (_name, run, subject) => {
    const repository = recorded(run())

    repository.revert(repository.find(subject))

    expect(repository.read()).toEqual({ kind: 'rollback', commit: 'c0ffee' })
  })

  test('of a rollback: it tries the revision again', () => {
    const repository = recorded(failedB())

    repository.revert(repository.find('Rolling back'))

    expect(repository.read()).toEqual({ kind: 'retry', commit: 'c0ffee' })
  })

  test('of a rollback after its revert on the source branch was recorded: it still applies and tries again', () => {
    const rollout = failedB()
    const repository = recorded(rollout)
    recordSourceRevert(rollout, repository)

    repository.revert(repository.find('Rolling back'))

    expect(repository.read()).toEqual({ kind: 'retry', commit: 'c0ffee' })
  })

  test('of a rollback after the failed revision was kept out: it still applies and tries again', () => {
    const repository = recorded(failedB().tick().want('b', 'image-bot').tick())

    repository.revert(repository.find('Rolling back'))

    expect(repository.read()).toEqual({ kind: 'retry', commit: 'c0ffee' })
  })

  test('of the very first commit: the missing folder is a mistake', () => {
    const repository = recorded(new Rollout({ primary: starting }).settle())

    repository.revert(repository.find('New Deployment detected'))

    expect(repository.read()).toMatchObject({ kind: 'mistake', why: expect.stringContaining('the file is missing') })
  })

  test('and of that revert: nothing is left to do', () => {
    const repository = recorded(runOfB().tick())

    repository.revert(repository.find('Advance')).revert(repository.find('Revert'))

    expect(repository.read()).toEqual({ kind: 'none' })
  })
})

describe("ledger, a person's other edits", () => {
  test.each([
    ['no YAML', 'status.yaml', () => 'phase: [', /^test\/podinfo\/status\.yaml: .*revert the commit that changed it/],
    [
      'a phase of its own',
      'status.yaml',
      (text: string) => text.replace('Progressing', 'Paused'),
      /^test\/podinfo\/status\.yaml: .*phase/,
    ],
    [
      'a higher weight',
      'status.yaml',
      (text: string) => text.replace('canaryWeight: 50', 'canaryWeight: 90'),
      /no revert/,
    ],
    ['another route', 'routes.yaml', (text: string) => text.replace('weight: 50', 'weight: 10'), /no revert/],
    [
      'another image on the primary',
      'primary.yaml',
      (text: string) => text.replace('podinfo:a', 'podinfo:evil'),
      /no revert/,
    ],
    [
      'a revision that was never promoted',
      'promoted.yaml',
      (text: string) => text.replace('a-hash', 'evil-hash'),
      /never promoted/,
    ],
    ['no primary at all', 'primary.yaml', () => '', /./],
  ] as const)('%s is a mistake that is named, never an order', (_name, file, change, why) => {
    const repository = recorded(runOfB().tick())

    repository.edit(file, change)

    const edit = repository.read()
    expect(edit).toMatchObject({ kind: 'mistake' })
    expect(edit.kind === 'mistake' ? edit.why : '').toMatch(why)
  })

  test('a comment changes nothing', () => {
    const repository = recorded(runOfB()).edit('status.yaml', (text) => `# looked at\n${text}`)

    expect(repository.read()).toEqual({ kind: 'none' })
  })

  test('a promotion of a former revision without its workload is a mistake', () => {
    const repository = recorded(succeededB())

    repository.revert(repository.find('Copying')).edit('primary.yaml', () => '')

    expect(repository.read()).toEqual({ kind: 'mistake', why: 'primary.yaml is empty' })
  })

  test('a lower weight during a run ends it, as the revert of a weight does', () => {
    const repository = recorded(runOfB().tick())

    repository.edit('status.yaml', (text) => text.replace('canaryWeight: 50', 'canaryWeight: 0'))

    expect(repository.read()).toEqual({ kind: 'rollback', commit: 'c0ffee' })
  })

  test('a retry needs a failed run: a finished one that is said to run again is a mistake', () => {
    const repository = recorded(succeededB().with({ primary: ready }))

    repository.edit('status.yaml', (text) => text.replace('phase: Succeeded', 'phase: Progressing'))

    expect(repository.read()).toMatchObject({ kind: 'mistake' })
  })
})
