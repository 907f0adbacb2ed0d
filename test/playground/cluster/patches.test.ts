import { describe, expect, it } from 'vitest'
import { at } from '../../../src/lib/json.ts'
import { configMap, deployment, deployments, maps, merge, world } from './support.ts'

const strategic = 'application/strategic-merge-patch+json'
const json = 'application/json-patch+json'

describe('playground/cluster: patches', () => {
  it('removes with null and replaces lists in a merge patch', async () => {
    const { send } = world()
    await send('POST', maps, configMap('a', { x: '1', y: '2' }))

    const patched = await send('PATCH', `${maps}/a`, { data: { x: null, z: '3' } }, merge)

    expect(at(patched.body, 'data')).toEqual({ y: '2', z: '3' })
  })

  it('merges containers by name in a strategic merge patch', async () => {
    const { send } = world()
    await send('POST', deployments, deployment('web'))
    const containers = [
      { name: 'app', image: 'app:2' },
      { name: 'side', image: 'side:1' },
    ]

    const patched = await send(
      'PATCH',
      `${deployments}/web`,
      { spec: { template: { spec: { containers } } } },
      strategic,
    )

    expect(at(patched.body, 'spec', 'template', 'spec', 'containers')).toMatchObject([
      { name: 'app', image: 'app:2', imagePullPolicy: 'IfNotPresent' },
      { name: 'side', image: 'side:1' },
    ])
  })

  it('stops a JSON patch whose test fails, and changes nothing', async () => {
    const { send } = world()
    const before = await send('POST', maps, configMap('a', { x: '1' }))

    const refused = await send(
      'PATCH',
      `${maps}/a`,
      [
        { op: 'replace', path: '/data/x', value: '2' },
        { op: 'test', path: '/data/x', value: '1' },
      ],
      json,
    )

    expect(refused.status).toBe(422)
    expect((await send('GET', `${maps}/a`)).body).toEqual(before.body)
  })

  it('does not take a patch without a media type for patches', async () => {
    const { send } = world()
    await send('POST', maps, configMap('a', {}))

    expect((await send('PATCH', `${maps}/a`, {}, 'application/json')).status).toBe(415)
  })

  it('scales through the scale subresource and gives the replicas to the scaler', async () => {
    const { send, apply } = world()
    await apply(`${deployments}/web`, 'gitops', deployment('web'))

    const scaled = await send('PATCH', `${deployments}/web/scale?fieldManager=hpa`, { spec: { replicas: 3 } }, merge)
    const conflict = await apply(`${deployments}/web`, 'gitops', deployment('web'))

    expect(scaled.body).toMatchObject({ kind: 'Scale', spec: { replicas: 3 } })
    expect(conflict.status).toBe(409)
    expect(at(conflict.body, 'message')).toBe(
      'Apply failed with 1 conflict: conflict with "hpa" with subresource "scale" using apps/v1: .spec.replicas',
    )
  })
})
