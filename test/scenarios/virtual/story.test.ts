import { describe, expect, test } from 'vitest'
import { events, initialised, live, targetFile } from './world.ts'
import { namespace } from '../namespace.ts'

describe('scenarios: the story of a release', () => {
  test('initialises: a primary that serves, three Services, routes, a target at zero', async () => {
    const scenario = await initialised()

    expect(scenario.tag('podinfo-primary')).toBe('good-0')
    expect(scenario.replicas('podinfo-primary')).toBe(2)
    expect(scenario.replicas('podinfo')).toBe(0)
    expect(scenario.weight()).toBe(0)
    for (const name of ['podinfo', 'podinfo-primary', 'podinfo-canary']) {
      expect(live(scenario, 'v1', 'Service', name), name).toBeDefined()
    }
    expect(scenario.subjects('ledger')).toEqual([
      'New Deployment detected, starting initialization.',
      `Initialization done! podinfo.${namespace}`,
    ])
  })

  test('promotes a good revision step by step, each one a commit of the ledger with its sentence', async () => {
    const scenario = await initialised()

    scenario.release('good-1')
    await scenario.untilPhase('Succeeded')
    await scenario.pass(5)

    expect(scenario.subjects('ledger').slice(2)).toEqual([
      `New revision detected! Scaling up podinfo.${namespace}`,
      `Advance podinfo.${namespace} canary weight 10`,
      `Advance podinfo.${namespace} canary weight 20`,
      `Advance podinfo.${namespace} canary weight 30`,
      `Advance podinfo.${namespace} canary weight 40`,
      `Advance podinfo.${namespace} canary weight 50`,
      'Canary analysis completed, starting primary rolling update.',
      `Copying podinfo.${namespace} template spec to podinfo-primary.${namespace}`,
      'Routing all traffic to primary',
      `Promotion completed! Scaling down podinfo.${namespace}`,
    ])
    expect(scenario.tag('podinfo-primary')).toBe('good-1')
    expect(scenario.replicas('podinfo')).toBe(0)
    expect(events(scenario)).toContain(`Advance podinfo.${namespace} canary weight 50`)
    expect(scenario.sentences).toContain(`Starting canary analysis for podinfo.${namespace}`)
    expect(scenario.subjects('main')).toEqual(['Start', 'Bump podinfo to good-1'])
  })

  test('rolls a failing revision back and takes it out of the source branch, byte for byte', async () => {
    const scenario = await initialised()
    const before = scenario.stage.remote.files('main').get(targetFile)
    const bad = scenario.release('bad-1')
    scenario.commit({ 'README.md': 'An unrelated note.\n' })

    await scenario.untilPhase('Failed')
    await scenario.pass(30)

    expect(scenario.sentences).toContain(`Halt podinfo.${namespace} advancement success rate 53.42% < 99%`)
    expect(scenario.sentences).toContain(`Rolling back podinfo.${namespace} failed checks threshold reached 3`)
    expect(scenario.weight()).toBe(0)
    expect(scenario.replicas('podinfo')).toBe(0)
    expect(scenario.tag('podinfo-primary')).toBe('good-0')
    expect(scenario.subjects('main').at(-1)).toBe('Revert "Bump podinfo to bad-1"')
    const revert = scenario.stage.remote.log('main').at(-1)
    expect(revert?.message).toContain(`This reverts commit ${bad}.`)
    expect(revert?.message).toContain(`Canary: ${namespace}/podinfo`)
    const files = scenario.stage.remote.files('main')
    expect(files.get(targetFile)).toBe(before)
    expect(files.get('README.md')).toBe('An unrelated note.\n')
  })

  test('starts nothing by its own revert', async () => {
    const scenario = await initialised()
    scenario.release('bad-1')
    await scenario.untilPhase('Failed')
    await scenario.pass(30)
    const recorded = scenario.subjects('ledger').length

    await scenario.pass(300)

    expect(scenario.subjects('ledger')).toHaveLength(recorded)
    expect(scenario.entry()?.state.phase).toBe('Failed')
  })

  test('releases the former revision at once when a person reverts a promoted merge', async () => {
    const scenario = await initialised()
    scenario.release('good-1')
    await scenario.untilPhase('Succeeded')
    await scenario.pass(5)
    const recorded = scenario.subjects('ledger').length

    scenario.release('good-0')
    await scenario.pass(20)

    expect(scenario.tag('podinfo-primary')).toBe('good-0')
    expect(scenario.entry()?.state.phase).toBe('Succeeded')
    const since = scenario.subjects('ledger').slice(recorded)
    expect(since[0]).toMatch(/^Revision \w{8} of podinfo\.[\w-]+ was promoted before, restoring it without analysis$/)
    expect(since.filter((subject) => subject.startsWith('Advance'))).toEqual([])
  })

  test('routes all traffic to primary within a second of a revert in the middle of a rollout', async () => {
    const scenario = await initialised()
    scenario.release('good-1')
    await scenario.untilWeight(30)

    scenario.release('good-0')
    await scenario.pass(1)

    expect(scenario.weight()).toBe(0)
    expect(scenario.entry()?.state.phase).toBe('Failed')
    expect(scenario.subjects('ledger').at(-1)).toMatch(/^Rolling back podinfo\.[\w-]+ revision reverted by \w{7}$/)
    await scenario.pass(60)
    expect(scenario.replicas('podinfo')).toBe(0)
    expect(scenario.tag('podinfo-primary')).toBe('good-0')
  })

  test('puts the reasons, the weight and the revision into each commit', async () => {
    const scenario = await initialised()
    const released = scenario.release('good-1')
    await scenario.untilWeight(20)

    const commit = scenario.stage.remote.log('serin/default').at(-1)

    expect(commit?.message.split('\n')).toEqual([
      `Advance podinfo.${namespace} canary weight 20`,
      '',
      'request-success-rate 99.9 % >= 99 %  (1m)',
      '',
      `Canary: ${namespace}/podinfo`,
      'Phase: Progressing',
      'Weight: 20',
      `Revision: ${released}`,
      '',
    ])
  })
})
