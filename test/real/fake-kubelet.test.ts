import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PodAnnotation } from '../cluster/control-plane/fake-kubelet.ts'
import { at, numberAt, stringAt, type JsonObject } from '../../src/lib/json.ts'
import { openNamespace, type TestNamespace } from './namespace.ts'

let place: TestNamespace

beforeAll(async () => {
  place = await openNamespace()
})

afterAll(async () => {
  await place.close()
})

async function run(name: string, image: string, annotations: Readonly<Record<string, string>> = {}): Promise<void> {
  const labels = { app: name }
  await place.create({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: place.name },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels, annotations }, spec: { containers: [{ name: 'app', image }] } },
    },
  })
}

async function available(name: string): Promise<number> {
  return numberAt(await place.get('apps/v1', 'Deployment', name), 'status', 'availableReplicas') ?? 0
}

/** Why the containers of a Deployment's pods wait. */
async function waitReasons(name: string): Promise<readonly string[]> {
  const pods = await place.list('v1', 'Pod', `app=${name}`)
  return pods.map((pod) => stringAt(pod, 'status', 'containerStatuses', 0, 'state', 'waiting', 'reason') ?? 'none')
}

describe('nodes without machines: pods live as their annotations say', () => {
  test('pods run and get ready', async () => {
    await run('good', 'app:1')
    await place.until('both are there', async () => (await available('good')) === 2)
  })

  test('a pod that gets ready later is not ready before', async () => {
    await run('late', 'app:1', { [PodAnnotation.readyAfterMs]: '1500' })
    const running = async (): Promise<number> => {
      const pods = await place.list('v1', 'Pod', 'app=late')
      return pods.filter((pod) => stringAt(pod, 'status', 'phase') === 'Running').length
    }
    await place.until('they run', async () => (await running()) === 2)
    expect(await available('late')).toBe(0)
    await place.until('they are ready', async () => (await available('late')) === 2)
  })

  test('a pod whose image can not be pulled waits, and so does one that crashes', async () => {
    await run('no-image', 'app:broken-1')
    await run('crash', 'app:1', { [PodAnnotation.crash]: 'true' })
    await place.until('both say why', async () => {
      const [images, crashes] = [await waitReasons('no-image'), await waitReasons('crash')]
      return (
        images.join() === 'ImagePullBackOff,ImagePullBackOff' && crashes.join() === 'CrashLoopBackOff,CrashLoopBackOff'
      )
    })
    expect([await available('no-image'), await available('crash')]).toEqual([0, 0])
  })

  test('a Deployment scaled to zero has no pods soon', async () => {
    await place.patch('apps/v1', 'Deployment', 'good', { spec: { replicas: 0 } })
    await place.until('they are gone', async () => (await place.list('v1', 'Pod', 'app=good')).length === 0)
  })

  test('deleting a Deployment takes its pods along', async () => {
    await place.remove('apps/v1', 'Deployment', 'late')
    await place.until('they are gone', async () => (await place.list('v1', 'Pod', 'app=late')).length === 0)
    const sets: readonly JsonObject[] = (await place.list('apps/v1', 'ReplicaSet', 'app=late')).map(({ metadata }) => ({
      name: metadata.name,
    }))
    expect(at(sets, 0)).toBeUndefined()
  })
})
