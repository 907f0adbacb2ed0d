import { describe, expect, test } from 'vitest'
import { at, numberAt, stringAt } from '../../../src/lib/json.ts'
import {
  begunEmpty,
  canaryPath,
  deploymentPath,
  initialisedInCluster,
  kubectlCreate,
  kubectlSetImage,
} from './in-cluster.ts'
import { isOnRealCluster, namespace } from '../namespace.ts'
import { canary, events, initialised, canaryFile, live, manifest, targetFile, type Scenario } from './world.ts'

const CANARY = 'flagger.app/v1beta1'

const service = (): string => `apiVersion: v1
kind: Service
metadata:
  name: podinfo
  namespace: ${namespace}
spec:
  selector:
    app: podinfo
  ports:
    - port: 9898
`

/** Ready pods behind the Service that users talk to. */
function backends(scenario: Scenario): number {
  const name = stringAt(live(scenario, 'v1', 'Service'), 'spec', 'selector', 'app') ?? 'none'
  return numberAt(live(scenario, 'apps/v1', 'Deployment', name), 'status', 'readyReplicas') ?? 0
}

/** Every other weight that the canary gets from now on. */
function weightsFromNow(scenario: Scenario): number[] {
  const seen: number[] = []
  let last = scenario.weight()
  scenario.stage.cluster.onChange(({ object }) => {
    const weight = scenario.weight() ?? 0
    if (object.kind === 'VirtualService' && weight !== last) seen.push((last = weight))
  })
  return seen
}

describe('scenarios: a canary that is only in the cluster', () => {
  test('is initialised when somebody applies it, whichever of Canary and Deployment comes first', async () => {
    const scenario = await begunEmpty()
    await kubectlCreate(scenario, canary())
    await scenario.pass(20)
    expect(events(scenario).some((text) => text.includes(`Deployment/podinfo.${namespace}`))).toBe(true)

    await kubectlCreate(scenario, manifest('good-0'))
    await scenario.untilPhase('Initialized')
    await scenario.pass(5)

    expect(scenario.tag('podinfo-primary')).toBe('good-0')
    expect(scenario.replicas('podinfo')).toBe(0)
    expect(scenario.weight()).toBe(0)
    expect(scenario.subjects('ledger')).toEqual([
      'New Deployment detected, starting initialization.',
      `Initialization done! podinfo.${namespace}`,
    ])
    expect(stringAt(live(scenario, CANARY, 'Canary'), 'status', 'phase')).toBe('Initialized')
    expect(scenario.subjects('main')).toEqual(['Start'])
  })

  test('rolls out what `kubectl set image` asks for, analyses it, promotes it and records all of it', async () => {
    const scenario = await initialisedInCluster()

    await kubectlSetImage(scenario, 'good-1')
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
    const [last] = scenario.stage.remote.log('serin/default').slice(-1)
    const { hash = 'none' } = scenario.entry()?.promoted ?? {}
    expect(last?.message).toContain(`\nRevision: cluster:${hash}\n`)
    expect(scenario.subjects('main')).toEqual(['Start'])
  })

  test('is rolled back when it fails: traffic to primary, canary to zero, status Failed, and the ledger tells why', async () => {
    const scenario = await initialisedInCluster()

    await kubectlSetImage(scenario, 'bad-1')
    await scenario.untilPhase('Failed')
    await scenario.pass(30)

    expect(scenario.weight()).toBe(0)
    expect(scenario.replicas('podinfo')).toBe(0)
    expect(scenario.tag('podinfo')).toBe('bad-1')
    expect(scenario.tag('podinfo-primary')).toBe('good-0')
    const object = live(scenario, CANARY, 'Canary')
    expect(object?.status).toMatchObject({ phase: 'Failed', canaryWeight: 0 })
    expect(scenario.subjects('ledger')).toContain(`Rolling back podinfo.${namespace} failed checks threshold reached 3`)
    expect(scenario.subjects('ledger').at(-1)).toBe(
      `Could not revert podinfo.${namespace} on main: the target is not in Git`,
    )
    expect(scenario.subjects('main')).toEqual(['Start'])
    const recorded = scenario.subjects('ledger').length
    await scenario.pass(120)
    expect(scenario.subjects('ledger')).toHaveLength(recorded)
  })

  test('rolls the next revision out after one that failed', async () => {
    const scenario = await initialisedInCluster()
    await kubectlSetImage(scenario, 'bad-1')
    await scenario.untilPhase('Failed')
    await scenario.pass(30)

    await kubectlSetImage(scenario, 'good-2')
    await scenario.untilPhase('Succeeded')
    expect(scenario.tag('podinfo-primary')).toBe('good-2')

    await kubectlSetImage(scenario, 'bad-1')
    await scenario.pass(30)
    expect(scenario.entry()?.state.phase).toBe('Succeeded')
    expect(scenario.sentences.at(-1)).toMatch(
      /^Revision \w{8} of podinfo\.\S+ failed before and is not rolled out again/,
    )
  })

  test('tries a failed revision again when a person reverts its rollback on the ledger', async () => {
    const scenario = await initialisedInCluster()
    await kubectlSetImage(scenario, 'bad-1')
    await scenario.untilPhase('Failed')
    await scenario.pass(30)
    scenario.answer = () => ({ kind: 'value', value: 99.9 })

    scenario.revertOnLedger(/^Rolling back /)
    await scenario.untilPhase('Succeeded')

    expect(scenario.tag('podinfo-primary')).toBe('bad-1')
    expect(scenario.entry()?.state.attempt).toBe(2)
  })

  test('goes back to what was promoted before when a person reverts the promotion on the ledger', async () => {
    const scenario = await initialisedInCluster()
    await kubectlSetImage(scenario, 'good-1')
    await scenario.untilPhase('Succeeded')
    await scenario.pass(20)

    scenario.revertOnLedger(/^Copying /)
    await scenario.pass(60)

    expect(scenario.tag('podinfo-primary')).toBe('good-0')
    expect(scenario.entry()?.state.phase).toBe('Succeeded')
    expect(scenario.replicas('podinfo')).toBe(0)
    expect(scenario.weight()).toBe(0)
  })

  test('begins again with another change in the middle of a run, all traffic on primary first', async () => {
    const scenario = await initialisedInCluster()
    await kubectlSetImage(scenario, 'good-1')
    await scenario.untilWeight(20)

    const weights = weightsFromNow(scenario)
    await kubectlSetImage(scenario, 'good-2')
    await scenario.untilPhase('Succeeded')

    expect(weights.slice(0, 3)).toEqual([0, 10, 20])
    expect(scenario.subjects('ledger')).toContain(`New revision detected! Restarting analysis for podinfo.${namespace}`)

    expect(scenario.tag('podinfo-primary')).toBe('good-2')
  })

  test('ends the run when somebody takes the change back', async () => {
    const scenario = await initialisedInCluster()
    await kubectlSetImage(scenario, 'good-1')
    await scenario.untilWeight(20)

    await kubectlSetImage(scenario, 'good-0')
    await scenario.pass(5)

    expect(scenario.weight()).toBe(0)
    expect(scenario.entry()?.state.phase).toBe('Failed')
    expect(scenario.replicas('podinfo')).toBe(0)
  })

  test('gives a change in the middle of the promotion no traffic before it was analysed', async () => {
    const scenario = await initialisedInCluster()
    await kubectlSetImage(scenario, 'good-1')
    await scenario.untilPhase('Promoting')
    expect(scenario.weight()).toBe(50)

    const weights = weightsFromNow(scenario)
    await kubectlSetImage(scenario, 'bad-2')
    await scenario.untilPhase('Failed')

    expect(weights).toEqual([0, 10, 0])
    expect(scenario.tag('podinfo-primary')).toBe('good-1')
    const subjects = scenario.subjects('ledger')
    const promoted = subjects.indexOf(`Promotion completed! Scaling down podinfo.${namespace}`)
    expect(promoted).toBeGreaterThan(0)
    expect(subjects.lastIndexOf(`Advance podinfo.${namespace} canary weight 10`)).toBeGreaterThan(promoted)
  })

  test.each([10, 30, 50])('goes on from the ledger when it is killed at %i %', async (weight) => {
    const scenario = await initialisedInCluster()
    await kubectlSetImage(scenario, 'good-1')
    await scenario.untilWeight(weight)

    await scenario.restart(20)
    await scenario.untilPhase('Succeeded')

    expect(scenario.tag('podinfo-primary')).toBe('good-1')
    const steps = scenario
      .subjects('ledger')
      .filter((subject) => subject === `Advance podinfo.${namespace} canary weight ${weight}`)
    expect(steps).toHaveLength(1)
  })

  test('follows a change of the Canary at once', async () => {
    const scenario = await initialisedInCluster()
    await kubectlSetImage(scenario, 'good-1')
    await scenario.untilWeight(10)

    await scenario.kubectl('PATCH', canaryPath(), { spec: { analysis: { maxWeight: 20 } } })
    await scenario.untilPhase('Succeeded')

    expect(scenario.subjects('ledger')).not.toContain(`Advance podinfo.${namespace} canary weight 30`)
    expect(scenario.tag('podinfo-primary')).toBe('good-1')
  })

  test('says in its status and an event what is wrong with it, and disturbs no other one', async () => {
    const scenario = await begunEmpty()
    const broken = canary({ analysis: { metrics: [{ name: 'requests', interval: '1m' }] } })
    await kubectlCreate(scenario, broken.replaceAll('podinfo', 'broken'))
    await kubectlCreate(scenario, manifest('good-0'))
    await kubectlCreate(scenario, canary())
    await scenario.untilPhase('Initialized')

    const conditions = at(live(scenario, CANARY, 'Canary', 'broken'), 'status', 'conditions')
    expect(conditions).toMatchObject([{ type: 'Stalled', status: 'True', reason: 'CANARY_METRIC_UNKNOWN' }])
    expect(events(scenario).some((text) => text.includes('spec.analysis.metrics[0].name'))).toBe(true)
    expect(scenario.warnings.some((text) => text.includes('spec.analysis.metrics[0].name'))).toBe(true)
  })

  test('goes on with its last good settings when somebody breaks it in the middle of a rollout', async () => {
    const scenario = await initialisedInCluster()
    await kubectlSetImage(scenario, 'bad-1')
    await scenario.untilWeight(10)

    await scenario.kubectl('PATCH', canaryPath(), { spec: { analysis: { metrics: [{ name: 'requests' }] } } })
    await scenario.untilPhase('Failed')

    expect(scenario.weight()).toBe(0)
    expect(events(scenario).some((text) => text.includes('the last good version stays in force'))).toBe(true)
  })

  test('is read with the names of older versions: canaryAnalysis', async () => {
    const scenario = await begunEmpty()
    await kubectlCreate(scenario, manifest('good-0'))
    const older = canary().replace('analysis:', 'canaryAnalysis:').replace('v1beta1', 'v1alpha3')
    await kubectlCreate(scenario, older)
    await scenario.untilPhase('Initialized')

    await kubectlSetImage(scenario, 'good-1')
    await scenario.untilPhase('Succeeded')

    expect(scenario.tag('podinfo-primary')).toBe('good-1')
  })

  test('leaves its history when it is deleted, and goes on when it is made again', async () => {
    const scenario = await initialisedInCluster()
    await kubectlSetImage(scenario, 'good-1')
    await scenario.untilPhase('Succeeded')
    await scenario.pass(20)
    await scenario.kubectl('DELETE', canaryPath())
    const primary = (): unknown => live(scenario, 'apps/v1', 'Deployment', 'podinfo-primary')
    const routes = (): unknown => live(scenario, 'networking.istio.io/v1beta1', 'VirtualService')
    // A real garbage collector hears of new kinds every 30 seconds, which no virtual clock hurries.
    const isCollected = (): boolean => isOnRealCluster() || (primary() === undefined && routes() === undefined)
    await scenario.until('the end of what it owned', isCollected)
    await scenario.pass(20)
    const recorded = scenario.subjects('ledger').length

    await kubectlCreate(scenario, canary())
    await scenario.pass(30)
    expect(scenario.tag('podinfo-primary')).toBe('good-1')
    expect(scenario.subjects('ledger')).toHaveLength(recorded)
    await kubectlSetImage(scenario, 'good-2')
    await scenario.until('the next promotion', () => scenario.tag('podinfo-primary') === 'good-2')
  })

  test('takes a target over again that served while its Canary was away, without a moment in which nothing serves', async () => {
    const scenario = await initialisedInCluster()
    await scenario.kubectl('DELETE', canaryPath())
    await scenario.pass(10)
    await scenario.kubectl('PATCH', deploymentPath(), { spec: { replicas: 2 } })
    await kubectlCreate(scenario, service())
    await scenario.pass(10)
    expect(backends(scenario)).toBe(2)
    const serving: number[] = []
    scenario.stage.cluster.onChange(() => serving.push(backends(scenario)))

    await kubectlCreate(scenario, canary())
    await scenario.until('the end of the target', () => scenario.replicas('podinfo') === 0)
    await scenario.pass(30)

    expect(Math.min(...serving)).toBeGreaterThan(0)
    expect(live(scenario, 'v1', 'Service')?.spec).toMatchObject({ selector: { app: 'podinfo-primary' } })
    expect(scenario.subjects('ledger').slice(2)).toEqual([`Update routes of podinfo.${namespace}`])
  })

  test('has one canary for a target: a second one is told so and moves nothing', async () => {
    const scenario = await initialisedInCluster()
    await kubectlCreate(scenario, canary().replace('name: podinfo\n', 'name: second\n'))
    await scenario.pass(5)

    await kubectlSetImage(scenario, 'good-1')
    await scenario.untilPhase('Succeeded')

    const second = live(scenario, CANARY, 'Canary', 'second')
    expect(JSON.stringify(second?.status)).toContain('CANARY_TARGET_SHARED')
    expect(scenario.subjects('ledger').filter((subject) => subject.startsWith('New Deployment'))).toHaveLength(1)
  })
})

describe('scenarios: a canary between Git and the cluster', () => {
  test('takes its revisions from Git where its target is there, and reverts a failed one there', async () => {
    const scenario = await begunEmpty({ files: { [targetFile]: manifest('good-0') } })
    await kubectlCreate(scenario, canary())
    await scenario.untilPhase('Initialized')
    await scenario.pass(5)

    const released = scenario.release('good-1')
    await scenario.untilPhase('Succeeded')
    expect(scenario.entry()?.promoted.commit).toBe(released)
    const bad = scenario.release('bad-2')
    await scenario.untilPhase('Failed')
    await scenario.pass(30)

    expect(scenario.subjects('main').at(-1)).toBe('Revert "Bump podinfo to bad-2"')
    expect(scenario.stage.remote.log('main').at(-1)?.message).toContain(`This reverts commit ${bad}.`)
    expect(scenario.sourceTag()).toBe('good-1')
  })

  test('never applies the target of such a canary as it is, after a restart neither', async () => {
    const scenario = await begunEmpty({ files: { [targetFile]: manifest('good-0') } })
    await kubectlCreate(scenario, canary())
    await scenario.untilPhase('Initialized')
    await scenario.pass(5)
    const tags: string[] = []
    scenario.stage.cluster.onChange(({ object }) => {
      if (object.kind === 'Deployment' && object.metadata.name === 'podinfo') tags.push(scenario.tag('podinfo'))
    })

    scenario.serin().kill()
    scenario.release('bad-1')
    await scenario.restart(5)
    await scenario.until('the canary', () => tags.includes('bad-1'))

    expect(scenario.entry()?.state.phase).toBe('Progressing')
    expect(scenario.weight()).toBe(0)
  })

  test.each([
    ['the Canary', { [canaryFile]: null }],
    ['Canary and target', { [canaryFile]: null, [targetFile]: null }],
  ])(
    'goes on with its rollout when %s is deleted from Git, and says once that it follows the cluster',
    async (_, files) => {
      const scenario = await initialised()
      scenario.release('good-1')
      await scenario.untilWeight(20)

      scenario.commit(files, 'Tidy up\n')
      await scenario.pass(5)
      expect(scenario.weight()).toBe(20)
      await scenario.untilPhase('Succeeded')

      expect(scenario.tag('podinfo-primary')).toBe('good-1')
      expect(scenario.subjects('ledger')).not.toContain(
        `New revision detected! Restarting analysis for podinfo.${namespace}`,
      )
      expect(
        scenario.subjects('ledger').filter((text) => text === `Advance podinfo.${namespace} canary weight 20`),
      ).toHaveLength(1)
      const said = events(scenario).filter((text) => text.startsWith('No manifest of the source branch describes'))
      expect(said).toHaveLength(1)
    },
  )

  test('takes nothing for a new revision when canary and target leave Git, after a restart neither', async () => {
    const scenario = await initialised()
    scenario.release('good-1')
    await scenario.untilPhase('Succeeded')
    await scenario.pass(20)
    const recorded = scenario.subjects('ledger').length

    scenario.commit({ [canaryFile]: null, [targetFile]: null }, 'Tidy up\n')
    await scenario.pass(30)
    await scenario.restart()
    await scenario.pass(60)
    expect(scenario.subjects('ledger')).toHaveLength(recorded)

    await kubectlSetImage(scenario, 'good-2')
    await scenario.until('the next promotion', () => scenario.tag('podinfo-primary') === 'good-2')
  })

  test('follows Git as soon as Git has it, without a release of what runs already', async () => {
    const scenario = await initialisedInCluster()
    await kubectlSetImage(scenario, 'good-1')
    await scenario.untilPhase('Succeeded')
    await scenario.pass(20)
    const recorded = scenario.subjects('ledger').length

    scenario.commit({ [canaryFile]: canary(), [targetFile]: manifest('good-1') }, 'Adopt podinfo\n')
    await scenario.pass(60)
    await scenario.restart()
    await scenario.pass(60)
    expect(scenario.subjects('ledger')).toHaveLength(recorded)

    scenario.release('good-2')
    await scenario.until('the next promotion', () => scenario.tag('podinfo-primary') === 'good-2')
    await scenario.kubectl('DELETE', canaryPath())
    await scenario.pass(20)
    expect(live(scenario, CANARY, 'Canary')).toBeDefined()
  })

  test('goes on with its rollout when Git gets it in the middle, and says why a failed one can not be reverted there', async () => {
    const scenario = await initialisedInCluster()
    await kubectlSetImage(scenario, 'bad-1')
    await scenario.untilWeight(10)

    scenario.commit({ [canaryFile]: canary(), [targetFile]: manifest('bad-1') }, 'Adopt podinfo\n')
    await scenario.untilPhase('Failed')
    await scenario.pass(30)

    const subjects = scenario.subjects('ledger')
    expect(subjects.filter((text) => text.startsWith('New revision detected!'))).toHaveLength(1)
    expect(subjects.at(-1)).toMatch(/^Could not revert \S+ on main: the promoted revision is not in /)
    expect(scenario.entry()?.state.rollback?.rung).toBe('status-only')
    expect(scenario.sourceTag()).toBe('bad-1')
  })
})
