import { describe, expect, test } from 'vitest'
import { stringAt } from '../../../src/lib/json.ts'
import { person } from '../../../src/cli/stage/virtual-stage.ts'
import { begun, canary, canaryFile, events, initialised, live, targetFile } from './world.ts'
import { namespace } from '../namespace.ts'

const virtualService = (): string => `/apis/networking.istio.io/v1beta1/namespaces/${namespace}/virtualservices/podinfo`

describe('scenarios: trouble', () => {
  test('mends routes that somebody edited by hand', async () => {
    const scenario = await initialised()
    const route = [
      { destination: { host: 'podinfo-primary' }, weight: 20 },
      { destination: { host: 'podinfo-canary' }, weight: 80 },
    ]

    await scenario.kubectl('PATCH', virtualService(), { spec: { http: [{ route }] } })
    expect(scenario.weight()).toBe(80)
    await scenario.pass(2)

    expect(scenario.weight()).toBe(0)
  })

  test('records that it gives the canary its weight back after somebody took it by hand', async () => {
    const scenario = await initialised()
    scenario.release('good-1')
    await scenario.untilWeight(20)
    const route = [{ destination: { host: 'podinfo-primary' }, weight: 100 }]

    await scenario.kubectl('PATCH', virtualService(), { spec: { http: [{ route }] } })
    await scenario.pass(5)

    expect(scenario.weight()).toBe(20)
    expect(scenario.subjects('ledger').at(-1)).toBe(`Restoring podinfo.${namespace} canary weight 20`)
  })

  test('builds a deleted primary again from what was promoted, while the release has failed', async () => {
    const scenario = await initialised()
    scenario.release('bad-1')
    await scenario.untilPhase('Failed')
    await scenario.pass(30)

    await scenario.kubectl('DELETE', `/apis/apps/v1/namespaces/${namespace}/deployments/podinfo-primary`)
    await scenario.pass(30)

    expect(scenario.tag('podinfo-primary')).toBe('good-0')
    expect(scenario.replicas('podinfo-primary')).toBe(2)
  })

  test('names both of two canaries on one target, and rolls neither out', async () => {
    const other = canary().replace('name: podinfo\n', 'name: second\n')
    const scenario = await begun({ files: { 'apps/podinfo/second.yaml': other } })
    await scenario.pass(30)

    expect(scenario.warnings.some((text) => text.includes('second') || text.includes('podinfo'))).toBe(true)
    expect(scenario.entry()).toBeUndefined()
    expect(live(scenario, 'apps/v1', 'Deployment', 'podinfo-primary')).toBeUndefined()
  })

  test('waits for a target that is missing, says so, and begins when it comes', async () => {
    const scenario = await begun({ files: { [targetFile]: '# nothing here yet\n' } })
    await scenario.pass(30)
    expect(scenario.warnings.some((text) => text.includes(`Deployment/podinfo.${namespace}`))).toBe(true)

    scenario.release('good-0')
    await scenario.untilPhase('Initialized')

    expect(scenario.tag('podinfo-primary')).toBe('good-0')
  })

  test('goes on with the last good settings when the canary becomes invalid in the middle of a rollout', async () => {
    const scenario = await initialised()
    scenario.release('bad-1')
    await scenario.untilWeight(10)

    scenario.commit({ [canaryFile]: canary({ analysis: { threshhold: 99 } }) })
    await scenario.untilPhase('Failed')

    expect(scenario.weight()).toBe(0)
    expect(scenario.warnings.some((text) => text.includes('threshhold'))).toBe(true)
  })

  test.each([
    ['status.yaml', 'phase: Happy\n'],
    ['promoted.yaml', 'nonsense: ['],
    ['primary.yaml', null],
  ])('answers a ledger file that was edited into nonsense: %s', async (file, text) => {
    const scenario = await initialised()
    const path = `${namespace}/podinfo/${file}`
    const before = scenario.stage.remote.files('serin/default').get(path)
    const { remote, clock } = scenario.stage

    const edit = remote.commit('serin/default', new Map([[path, text]]), 'Tidy up\n', person, clock.now())
    await scenario.pass(10)

    expect(remote.files('serin/default').get(path)).toBe(before)
    expect(scenario.subjects('ledger').at(-1)).toBe(`Keep ${namespace}/podinfo as recorded`)
    expect(remote.log('serin/default').map(({ oid }) => oid)).toContain(edit)
  })

  test.each([
    ['a time-out', 'no answer within 10 s'],
    ['a page of HTML', 'the answer is text/html, not JSON'],
  ])(
    'counts %s of the metrics server as a failed check, with its text in commits and events',
    async (_name, message) => {
      const scenario = await initialised()
      scenario.answer = () => ({ kind: 'error', message })

      scenario.release('good-1')
      await scenario.untilPhase('Failed')
      await scenario.pass(30)

      expect(scenario.subjects('ledger').filter((subject) => subject.includes(message))).toHaveLength(3)
      expect(events(scenario).some((text) => text.includes(message))).toBe(true)
      expect(scenario.tag('podinfo-primary')).toBe('good-0')
      expect(stringAt(live(scenario, 'flagger.app/v1beta1', 'Canary'), 'status', 'phase')).toBe('Failed')
    },
  )

  test('takes no data for a failed check, never for success', async () => {
    const scenario = await initialised()
    scenario.answer = () => ({ kind: 'no-values' })

    scenario.release('good-1')
    await scenario.untilPhase('Failed')

    expect(scenario.sentences.some((text) => text.includes('no values found'))).toBe(true)
    expect(scenario.weight()).toBe(0)
  })
})
