import { describe, expect, test } from 'vitest'
import { canary, canaryFile, initialised, manifest, targetFile } from './world.ts'
import { namespace } from '../namespace.ts'

const bot = { name: 'updater[bot]', email: 'updater@example.com' }

describe('scenarios: changes of plan', () => {
  test('begins again with a newer revision, all traffic on primary first', async () => {
    const scenario = await initialised()
    scenario.release('good-1')
    await scenario.untilWeight(30)

    scenario.release('good-2')
    await scenario.until('the restart', () =>
      scenario.subjects('ledger').includes(`New revision detected! Restarting analysis for podinfo.${namespace}`),
    )
    expect(scenario.weight()).toBe(0)
    await scenario.untilPhase('Succeeded')

    expect(scenario.tag('podinfo-primary')).toBe('good-2')
    expect(scenario.sentences.filter((text) => text === `Advance podinfo.${namespace} canary weight 10`)).toHaveLength(
      2,
    )
  })

  test('rolls nothing out while the canary is suspended, and goes on afterwards', async () => {
    const scenario = await initialised()
    scenario.commit({ [canaryFile]: canary({ spec: { suspend: true } }) })
    await scenario.pass(5)

    scenario.release('good-1')
    await scenario.pass(120)
    expect(scenario.entry()?.state.phase).toBe('Initialized')
    scenario.commit({ [canaryFile]: canary() })
    await scenario.untilPhase('Succeeded')

    expect(scenario.tag('podinfo-primary')).toBe('good-1')
  })

  test('promotes at once when the analysis is to be skipped', async () => {
    const scenario = await initialised({ spec: { skipAnalysis: true } })

    scenario.release('bad-1')
    await scenario.untilPhase('Succeeded')

    expect(scenario.tag('podinfo-primary')).toBe('bad-1')
    expect(scenario.sentences).toContain(`Promotion completed! Canary analysis was skipped for podinfo.${namespace}`)
    expect(scenario.sentences.some((text) => text.startsWith('Advance'))).toBe(false)
  })

  test('goes by the named weights', async () => {
    const scenario = await initialised({ analysis: { stepWeight: 0, stepWeights: [1, 5, 40] } })

    scenario.release('good-1')
    await scenario.untilPhase('Succeeded')

    const advances = scenario.sentences.filter((text) => text.startsWith('Advance'))
    expect(advances).toEqual([1, 5, 40].map((weight) => `Advance podinfo.${namespace} canary weight ${weight}`))
  })

  test('brings the traffic back to primary in steps after a promotion', async () => {
    const scenario = await initialised({ analysis: { stepWeightPromotion: 20 } })

    scenario.release('good-1')
    await scenario.untilPhase('Succeeded')

    const back = scenario.sentences.filter((text) => text.includes('primary weight'))
    expect(back).toEqual([70, 90, 100].map((weight) => `Advance podinfo.${namespace} primary weight ${weight}`))
  })

  test('keeps a failed revision out that a bot brings back, and says why', async () => {
    const scenario = await initialised()
    scenario.release('bad-1')
    await scenario.untilPhase('Failed')
    await scenario.pass(30)

    scenario.release('bad-1', bot)
    await scenario.pass(120)

    expect(scenario.entry()?.state.phase).toBe('Failed')
    expect(scenario.sentences.at(-1)).toMatch(
      /^Revision \w{8} of podinfo\.[\w-]+ failed before and is not rolled out again$/,
    )
    expect(scenario.weight()).toBe(0)
    expect(scenario.replicas('podinfo')).toBe(0)
  })

  test('tries a failed revision again that a person brings back, as a new attempt', async () => {
    const scenario = await initialised()
    scenario.release('bad-1')
    await scenario.untilPhase('Failed')
    await scenario.pass(30)

    scenario.answer = () => ({ kind: 'value', value: 99.9 })
    scenario.release('bad-1')
    await scenario.untilPhase('Succeeded')

    expect(scenario.tag('podinfo-primary')).toBe('bad-1')
    expect(scenario.entry()?.state.attempt).toBe(2)
  })

  test('takes all traffic off the canary when a person reverts a weight commit on the ledger', async () => {
    const scenario = await initialised()
    scenario.release('good-1')
    await scenario.untilWeight(30)

    scenario.revertOnLedger(/^Advance podinfo\.[\w-]+ canary weight 30/)
    await scenario.untilPhase('Failed')
    await scenario.pass(30)

    expect(scenario.weight()).toBe(0)
    expect(scenario.sentences.some((text) => /^Rolling back podinfo\.[\w-]+ ordered by \w{7}$/.test(text))).toBe(true)
    expect(scenario.sourceTag()).toBe('good-0')
  })

  test('restores the revision before when a person reverts a promotion on the ledger, on the source branch too', async () => {
    const scenario = await initialised()
    scenario.release('good-1')
    await scenario.untilPhase('Succeeded')
    await scenario.pass(5)

    scenario.revertOnLedger(/^Copying /)
    await scenario.until('the former revision', () => scenario.tag('podinfo-primary') === 'good-0')
    await scenario.untilPhase('Succeeded')
    await scenario.pass(60)

    expect(scenario.tag('podinfo-primary')).toBe('good-0')
    expect(scenario.sourceTag()).toBe('good-0')
    expect(scenario.subjects('main').at(-1)).toBe('Revert "Bump podinfo to good-1"')
  })

  test('tries a release again when a person reverts its rollback on the ledger, and brings it back to the source branch', async () => {
    const scenario = await initialised()
    scenario.release('bad-1')
    await scenario.untilPhase('Failed')
    await scenario.pass(30)
    scenario.commit({ 'README.md': 'A later note.\n' })
    const failed = scenario.stage.remote.log('main').find(({ message }) => message.startsWith('Bump'))

    scenario.answer = () => ({ kind: 'value', value: 99.9 })
    scenario.revertOnLedger(/^Rolling back /)
    await scenario.untilPhase('Succeeded')
    await scenario.pass(60)

    expect(scenario.tag('podinfo-primary')).toBe('bad-1')
    expect(scenario.entry()?.state.attempt).toBe(2)
    expect(scenario.sourceTag()).toBe('bad-1')
    const reapplied = scenario.stage.remote.log('main').at(-1)
    expect(reapplied?.message).toMatch(/^Reapply "Bump podinfo to bad-1"\n\nThis brings commit \w{40} back\.\n/)
    expect(reapplied?.message).toContain(failed?.oid)
    expect(scenario.stage.remote.files('main').get('README.md')).toBe('A later note.\n')
    expect(scenario.stage.remote.files('main').get(targetFile)).toBe(manifest('bad-1'))
  })

  test('stands still while the source branch was rewritten, and goes on with the next commit', async () => {
    const scenario = await initialised()
    const start = scenario.stage.remote.tip('main')
    scenario.release('good-1')
    await scenario.untilWeight(20)

    scenario.stage.remote.reset('main', start)
    await scenario.pass(120)
    expect(scenario.weight()).toBe(20)
    expect(scenario.sentences.at(-1)).toMatch(/^Source branch main was rewritten/)
    scenario.commit({ [targetFile]: manifest('good-1') }, 'Bump podinfo to good-1 again\n')
    await scenario.untilPhase('Succeeded')

    expect(scenario.tag('podinfo-primary')).toBe('good-1')
  })

  test('lets a person decide about a run that stands still', async () => {
    const scenario = await initialised()
    const start = scenario.stage.remote.tip('main')
    scenario.release('good-1')
    await scenario.untilWeight(20)
    scenario.stage.remote.reset('main', start)
    await scenario.pass(30)

    scenario.revertOnLedger(/^Advance podinfo\.[\w-]+ canary weight 20/)
    await scenario.untilPhase('Failed')

    expect(scenario.weight()).toBe(0)
  })
})
