import { describe, expect, it } from 'vitest'
import type { Interception } from '../../../src/playground/cluster/embedded-cluster.ts'
import { configMap, deployment, deployments, maps, merge, rolledOut, seeded, world } from './support.ts'

async function story(seed: number): Promise<string> {
  const here = world({ random: seeded(seed) })
  const told: string[] = []
  here.cluster.onChange((change) =>
    told.push(`${change.revision} ${change.type} ${change.storeKey} ${change.object.metadata.name}`),
  )
  await here.send('POST', deployments, deployment('web', { replicas: 3 }))
  await rolledOut(here, 'web')
  await here.send('PATCH', `${deployments}/web`, { spec: { replicas: 1 } }, merge)
  await rolledOut(here, 'web')
  return told.join('\n')
}

describe('playground/cluster: faults and repeatability', () => {
  it('does the same again with the same seed', async () => {
    expect(await story(7)).toBe(await story(7))
    expect(await story(7)).not.toBe(await story(8))
  })

  it.each([
    ['before', 404],
    ['after', 200],
  ] as const)('loses an answer %s the request was done', async (drop, found) => {
    let next: Interception = { drop }
    const { send } = world({ intercept: () => next })

    const sent = send('POST', maps, configMap('a', {}))

    await expect(sent).rejects.toMatchObject({ kind: 'retry', code: 'K8S_NO_ANSWER' })
    next = 'pass'
    expect((await send('GET', `${maps}/a`)).status).toBe(found)
  })

  it('gives the answer that is injected', async () => {
    const fail = { status: 503, body: 'busy', retryAfterMs: 1000 }
    const { send, cluster } = world({ intercept: () => ({ fail }) })

    expect(await send('GET', maps)).toEqual(fail)
    expect(await cluster.transport.watch({ method: 'GET', path: `${maps}?watch=1` })).toEqual({
      kind: 'refused',
      response: fail,
    })
  })

  it('rejects with the reason of a signal that is aborted already', async () => {
    const { cluster } = world()
    const signal = AbortSignal.abort(new Error('too late'))

    await expect(cluster.transport.send({ method: 'GET', path: maps, signal })).rejects.toThrow('too late')
  })
})
