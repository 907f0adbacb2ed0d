import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deployment, paths } from './fleet.ts'
import { openClone } from './repository.ts'
import { startSecondWriter, type SecondWriter } from './second-writer.ts'
import { openStage, type Stage } from './stage.ts'

/** On a machine that is not busy it is many more. */
const MANY = 12
let stage: Stage
let bob: SecondWriter
let eve: SecondWriter
let pushesBefore: number
let commitsBefore: number

beforeAll(async () => {
  stage = await openStage({ podinfo: {}, doomed: { isMeasured: true } })
  const { repository, ledger, namespace } = stage
  pushesBefore = repository.serin.pushes()
  commitsBefore = (await commitsOfSerin()).length
  bob = await startSecondWriter({
    repository,
    branch: 'main',
    person: 'bob',
    change: (clone, number) =>
      number % 5 === 0
        ? clone.write(paths.deployment('other'), deployment(namespace, 'other', { tag: `1.0.${number}` }))
        : clone.write(`notes/${number}.md`, `note ${number}\n`),
  })
  eve = await startSecondWriter({
    repository,
    branch: ledger,
    person: 'eve',
    change: (clone, number) => clone.write(`notes/${number}.md`, `note ${number}\n`),
  })
}, 180_000)

afterAll(async () => {
  await bob?.stop().catch(() => undefined)
  await eve?.stop().catch(() => undefined)
  await stage?.close()
}, 60_000)

/** On both branches. */
async function commitsOfSerin(): Promise<readonly string[]> {
  const { repository, ledger, serin } = stage
  const log = ['log', '--format=%H', `--author=${serin.config.identity.email}`]
  return (await repository.git(...log, ledger, 'main')).split('\n')
}

/** The branch's commits, oldest first: nobody makes merges here. */
async function history(branch: string): Promise<readonly string[]> {
  return (await stage.repository.git('rev-list', '--reverse', branch)).split('\n')
}

describe('another writer pushes to main and to the ledger all the time', { timeout: 240_000 }, () => {
  test('a rollout goes its whole way, with each transition recorded once and in order', async () => {
    await stage.release('podinfo', '1.1.0')
    await stage.until('it has begun', () => stage.weights('podinfo').includes(10))
    await stage.until('it is promoted', () => stage.phase('podinfo') === 'Succeeded')
    expect(stage.weights('podinfo')).toEqual([0, 10, 20, 30, 40, 50, 0])
    expect(stage.tagOf('podinfo-primary')).toBe('1.1.0')
    const subjects = await stage.subjects('podinfo')
    const name = `podinfo.${stage.namespace}`
    expect(subjects.filter((subject) => subject.startsWith('Advance'))).toEqual(
      [10, 20, 30, 40, 50].map((weight) => `Advance ${name} canary weight ${weight}`),
    )
    // None twice, and in the order in which they were told.
    const told = stage.serin.said.filter(({ canary }) => canary.endsWith('/podinfo')).map(({ text }) => text)
    expect(subjects).toEqual(told.filter((text) => subjects.includes(text)))
  })

  test("a person's edit of a canary's folder between their commits is answered, and stays in the history", async () => {
    const { ledger, namespace, repository } = stage
    const mallory = await openClone(repository, ledger, 'mallory')
    await mallory.write(`${namespace}/podinfo/routes.yaml`, 'nothing\n')
    const { commit } = await mallory.push('Tidy up')
    const subjects = (): Promise<readonly string[]> => stage.subjects('podinfo')
    const answer = `Keep ${namespace}/podinfo as recorded`
    await stage.until('it is answered', async () => (await subjects()).includes(answer))
    expect((await subjects()).filter((subject) => subject === answer)).toHaveLength(1)
    const commits = await history(ledger)
    expect(commits).toContain(commit)
    expect(await repository.git('show', `${ledger}:${namespace}/podinfo/routes.yaml`)).toContain('VirtualService')
  })

  test('a failed release is taken back on main between the commits of the other', async () => {
    const { repository } = stage
    await stage.release('doomed', '1.1.0')
    await stage.until('it is rolled back', () => stage.phase('doomed') === 'Failed')
    const onMain = (): Promise<string> => repository.git('show', `main:${paths.deployment('doomed')}`)
    await stage.until('main has the promoted version', async () => !(await onMain()).includes('1.1.0'))
    expect(stage.weights('doomed')).toEqual([0, 10, 0])
    const reverts = await repository.git('log', '--format=%s', '--grep=^Revert', 'main')
    expect(reverts).toBe('Revert "Bump doomed to 1.1.0"')
  })

  test('what the other pushes to main is applied all the while', async () => {
    const last = (): number => Math.floor(bob.commits.length / 5) * 5
    await stage.until('there is something to apply', () => last() > 0)
    const wanted = last()
    await stage.until('it is there', () => Number(stage.tagOf('other')?.split('.')[2]) >= wanted)
  })

  test('no commit of anyone is lost, no branch was forced, and Serin pushed no more than it had to', async () => {
    const { repository, ledger } = stage
    await stage.until('they pushed', () => bob.commits.length >= MANY && eve.commits.length >= MANY)
    await bob.stop()
    await eve.stop()
    for (const [branch, writer] of [
      ['main', bob],
      [ledger, eve],
    ] as const) {
      const commits = await history(branch)
      const order = new Map(commits.map((commit, index) => [commit, index]))
      expect(writer.commits.filter((commit) => !order.has(commit))).toEqual([])
      // Each move of the branch went on from where it was.
      const moves = await repository.moves(branch)
      expect(moves.length).toBeGreaterThan(writer.commits.length)
      for (const { from, to } of moves) {
        expect(order.get(to), `${branch} went from ${from} to ${to}`).toBeGreaterThan(order.get(from) ?? Infinity)
      }
    }
    const pushes = repository.serin.pushes() - pushesBefore
    const commits = (await commitsOfSerin()).length - commitsBefore
    // Only a push of another that came first, which then was one that landed, is a reason for one more.
    expect(pushes).toBeLessThanOrEqual(commits + bob.commits.length + eve.commits.length)
    expect(pushes, `${pushes} pushes for ${commits} commits`).toBeLessThan(3 * commits)
  })
})
