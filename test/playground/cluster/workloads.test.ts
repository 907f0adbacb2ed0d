import { describe, expect, it } from 'vitest'
import { at, numberAt } from '../../../src/lib/json.ts'
import { neverReadyAnnotation, readyAfterAnnotation } from '../../../src/playground/cluster/controllers/pods.ts'
import { conditions, deployment, deployments, merge, rolledOut, world } from './support.ts'

const pods = '/api/v1/namespaces/default/pods'
const autoscalers = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers'

function autoscaler(minReplicas: number, maxReplicas: number) {
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web' },
    spec: { scaleTargetRef, minReplicas, maxReplicas },
  }
}

describe('playground/cluster: workloads', () => {
  it('makes a Deployment available once its pods had their time to start', async () => {
    const here = world({ podStartMs: 5000 })
    await here.send('POST', deployments, deployment('web', { replicas: 2 }))

    await here.clock.run(4000)
    const early = await here.send('GET', `${deployments}/web`)
    await here.clock.run(2000)
    const late = await here.send('GET', `${deployments}/web`)

    expect(conditions(early.body)).toEqual([
      'Available=False MinimumReplicasUnavailable',
      'Progressing=True ReplicaSetUpdated',
    ])
    expect(conditions(late.body)).toEqual([
      'Available=True MinimumReplicasAvailable',
      'Progressing=True NewReplicaSetAvailable',
    ])
    expect(at(late.body, 'status', 'availableReplicas')).toBe(2)
  })

  it('never has fewer pods available, or more in all, than the strategy allows', async () => {
    const here = world()
    await here.send('POST', deployments, deployment('web', { replicas: 4 }))
    await rolledOut(here, 'web')
    const seen: (readonly [total: number, available: number])[] = []
    here.cluster.onChange(({ storeKey, object }) => {
      if (storeKey !== 'deployments.apps') return
      seen.push([numberAt(object, 'status', 'replicas') ?? 0, numberAt(object, 'status', 'availableReplicas') ?? 0])
    })

    await here.send(
      'PATCH',
      `${deployments}/web`,
      { spec: { template: { metadata: { annotations: { v: '2' } } } } },
      merge,
    )
    const done = await rolledOut(here, 'web')

    expect(done).toBe(true)
    expect(Math.max(...seen.map(([total]) => total))).toBeLessThanOrEqual(5)
    expect(Math.min(...seen.map(([, available]) => available))).toBeGreaterThanOrEqual(3)
    const sizes = here.cluster.list('apps/v1', 'ReplicaSet').map((set) => numberAt(set, 'spec', 'replicas'))
    expect(new Set(sizes)).toEqual(new Set([0, 4]))
  })

  it('gives up at the progress deadline and keeps the old pods', async () => {
    const here = world()
    await here.send('POST', deployments, deployment('web', { replicas: 2, deadline: 30 }))
    await rolledOut(here, 'web')

    const broken = [{ name: 'app', image: 'app:broken' }]
    await here.send('PATCH', `${deployments}/web`, { spec: { template: { spec: { containers: broken } } } }, merge)
    await here.clock.run(60_000)

    const found = await here.send('GET', `${deployments}/web`)
    expect(conditions(found.body)).toContain('Progressing=False ProgressDeadlineExceeded')
    expect(at(found.body, 'status', 'availableReplicas')).toBe(2)
  })

  it('follows the annotations of a template about readiness', async () => {
    const here = world()
    await here.send('POST', deployments, deployment('slow', { annotations: { [readyAfterAnnotation]: '9000' } }))
    await here.send('POST', deployments, deployment('never', { annotations: { [neverReadyAnnotation]: 'true' } }))

    await here.clock.run(8000)
    const early = at((await here.send('GET', `${deployments}/slow`)).body, 'status', 'availableReplicas')
    await here.clock.run(2000)
    const late = at((await here.send('GET', `${deployments}/slow`)).body, 'status', 'availableReplicas')

    expect([early, late]).toEqual([undefined, 1])
    expect(at((await here.send('GET', `${deployments}/never`)).body, 'status', 'availableReplicas')).toBeUndefined()
    expect((await here.send('GET', `${pods}?labelSelector=app%3Dnever`)).body).toMatchObject({
      items: [{ status: { phase: 'Running' } }],
    })
  })

  it('keeps pods apart even when chance gives them one name, and refuses absurd numbers of them', async () => {
    const here = world({ random: () => 0 })
    await here.send('POST', deployments, deployment('web', { replicas: 3 }))

    const absurd = await here.send('PATCH', `${deployments}/web/scale`, { spec: { replicas: 1e30 } }, merge)

    expect(absurd.status).toBe(400)
    expect(await rolledOut(here, 'web')).toBe(true)
    expect(here.cluster.list('v1', 'Pod')).toHaveLength(3)
  })

  it('scales to zero and back', async () => {
    const here = world()
    await here.send('POST', deployments, deployment('web', { replicas: 2 }))
    await rolledOut(here, 'web')

    await here.send('PATCH', `${deployments}/web/scale`, { spec: { replicas: 0 } }, merge)
    await here.clock.run(1000)
    const none = here.cluster.list('v1', 'Pod').length
    await here.send('PATCH', `${deployments}/web/scale`, { spec: { replicas: 3 } }, merge)

    expect(none).toBe(0)
    expect(await rolledOut(here, 'web')).toBe(true)
    expect(here.cluster.list('v1', 'Pod')).toHaveLength(3)
  })

  it('goes back to a former template through its own ReplicaSet', async () => {
    const here = world()
    const use = (image: string) => ({ spec: { template: { spec: { containers: [{ name: 'app', image }] } } } })
    await here.send('POST', deployments, deployment('web'))
    await rolledOut(here, 'web')
    await here.send('PATCH', `${deployments}/web`, use('app:2'), merge)
    await rolledOut(here, 'web')

    await here.send('PATCH', `${deployments}/web`, use('app:1'), merge)
    await rolledOut(here, 'web')

    const found = await here.send('GET', `${deployments}/web`)
    expect(here.cluster.list('apps/v1', 'ReplicaSet')).toHaveLength(2)
    expect(at(found.body, 'metadata', 'annotations', 'deployment.kubernetes.io/revision')).toBe('3')
  })

  it('replaces all pods at once with the Recreate strategy', async () => {
    const here = world()
    await here.send('POST', deployments, deployment('web', { replicas: 2 }))
    await rolledOut(here, 'web')

    await here.send(
      'PATCH',
      `${deployments}/web`,
      {
        spec: {
          strategy: { type: 'Recreate', rollingUpdate: null },
          template: { metadata: { annotations: { v: '2' } } },
        },
      },
      merge,
    )

    expect(await rolledOut(here, 'web')).toBe(true)
  })

  it('keeps an autoscaled Deployment within its bounds, and leaves it alone at zero', async () => {
    const here = world()
    await here.send('POST', deployments, deployment('web', { replicas: 1 }))
    await here.send('POST', autoscalers, autoscaler(2, 4))

    await here.clock.run(1000)
    const raised = at((await here.send('GET', `${deployments}/web`)).body, 'spec', 'replicas')
    await here.send('PATCH', `${deployments}/web/scale`, { spec: { replicas: 0 } }, merge)
    await here.clock.run(1000)

    expect(raised).toBe(2)
    expect(at((await here.send('GET', `${deployments}/web`)).body, 'spec', 'replicas')).toBe(0)
    expect(conditions((await here.send('GET', `${autoscalers}/web`)).body)).toContain(
      'ScalingActive=False ScalingDisabled',
    )
  })

  it('runs a DaemonSet on the node that its selector allows, and nowhere otherwise', async () => {
    const here = world()
    const path = '/apis/apps/v1/namespaces/default/daemonsets'
    const spec = {
      selector: { matchLabels: { app: 'd' } },
      template: { metadata: { labels: { app: 'd' } }, spec: { containers: [{ name: 'app', image: 'd:1' }] } },
    }
    await here.send('POST', path, { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'd' }, spec })

    await here.clock.run(1000)
    const ready = at((await here.send('GET', `${path}/d`)).body, 'status', 'numberReady')
    await here.send('PATCH', `${path}/d`, { spec: { template: { spec: { nodeSelector: { off: 'true' } } } } }, merge)
    await here.clock.run(1000)

    expect(ready).toBe(1)
    expect((await here.send('GET', `${path}/d`)).body).toMatchObject({
      status: { desiredNumberScheduled: 0, numberReady: 0 },
    })
    expect(here.cluster.list('v1', 'Pod')).toEqual([])
  })

  it('does nothing at all while nothing changes', async () => {
    const here = world()
    await here.send('POST', deployments, deployment('web', { replicas: 2 }))
    await here.send('POST', autoscalers, autoscaler(2, 4))
    await rolledOut(here, 'web')
    await here.clock.run(60_000)
    let changes = 0
    here.cluster.onChange(() => (changes += 1))
    const timers = here.timers()

    await here.clock.run(24 * 3600_000)

    expect([changes, here.timers() - timers]).toEqual([0, 0])
  })
})
