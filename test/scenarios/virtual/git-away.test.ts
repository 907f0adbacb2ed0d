import { describe, expect, test } from 'vitest'
import { initialised, type Scenario } from './world.ts'
import { namespace } from '../namespace.ts'

/** podinfo with a Git server that can be unplugged. */
async function world(): Promise<{ readonly scenario: Scenario; readonly git: { isAway: boolean } }> {
  const git = { isAway: false }
  return { scenario: await initialised({ isGitAway: () => git.isAway }), git }
}

describe('scenarios: Git is away', () => {
  test('rolls a failing canary back although Git is away, and records all of it when Git is back', async () => {
    const { scenario, git } = await world()
    scenario.release('bad-1')
    await scenario.untilWeight(10)

    git.isAway = true
    await scenario.pass(300)

    expect(scenario.weight()).toBe(0)
    expect(scenario.subjects('ledger').at(-1)).toBe(`Advance podinfo.${namespace} canary weight 10`)
    expect(scenario.warnings).toContain(`Rolling back podinfo.${namespace} failed checks threshold reached 3`)

    git.isAway = false
    await scenario.pass(120)

    expect(scenario.subjects('ledger').slice(-4)).toEqual([
      `Halt podinfo.${namespace} advancement success rate 53.42% < 99%`,
      `Halt podinfo.${namespace} advancement success rate 53.42% < 99%`,
      `Halt podinfo.${namespace} advancement success rate 53.42% < 99%`,
      `Rolling back podinfo.${namespace} failed checks threshold reached 3`,
    ])
    expect(scenario.replicas('podinfo')).toBe(0)
    expect(scenario.sourceTag()).toBe('good-0')
  })

  test('keeps a rollback that Git does not have through a restart', async () => {
    const { scenario, git } = await world()
    scenario.release('bad-1')
    await scenario.untilWeight(10)
    git.isAway = true
    await scenario.pass(300)

    await scenario.restart()
    git.isAway = false
    await scenario.pass(120)

    expect(scenario.weight()).toBe(0)
    expect(scenario.subjects('ledger').at(-1)).toBe(
      `Rolling back podinfo.${namespace} failed checks threshold reached 3`,
    )
  })

  test('gives a good canary no more traffic while Git is away, and goes on afterwards', async () => {
    const { scenario, git } = await world()
    scenario.release('good-1')
    await scenario.untilWeight(20)

    git.isAway = true
    await scenario.pass(300)
    expect(scenario.weight()).toBe(20)

    git.isAway = false
    await scenario.untilPhase('Succeeded')
    expect(scenario.tag('podinfo-primary')).toBe('good-1')
  })
})
