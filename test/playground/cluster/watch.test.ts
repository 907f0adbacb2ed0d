import { describe, expect, it } from 'vitest'
import { at, stringAt } from '../../../src/lib/json.ts'
import type { WatchLine } from '../../../src/cluster/transport.ts'
import { collect, configMap, maps, merge, world } from './support.ts'

const told = (lines: readonly WatchLine[]): readonly string[] =>
  lines.map((line) => `${line.type} ${stringAt(line.object, 'metadata', 'name') ?? ''}`.trim())

describe('playground/cluster: watches', () => {
  it('tells what happens after a resourceVersion, also what happened before the watch began', async () => {
    const here = world()
    const first = await here.send('POST', maps, configMap('a', {}))
    const version = stringAt(first.body, 'metadata', 'resourceVersion')
    await here.send('POST', maps, configMap('b', {}))

    const { lines } = await collect(here, `${maps}?watch=1&resourceVersion=${version}`)
    await here.send('PATCH', `${maps}/a`, { data: { k: '1' } }, merge)
    await here.send('DELETE', `${maps}/b`)
    await here.clock.run(0)

    expect(told(lines)).toEqual(['ADDED b', 'MODIFIED a', 'DELETED b'])
  })

  it('treats an object that leaves the selection as deleted', async () => {
    const here = world()
    await here.send('POST', maps, { metadata: { name: 'a', labels: { on: 'yes' } } })

    const { lines } = await collect(here, `${maps}?watch=1&labelSelector=on%3Dyes`)
    await here.send('PATCH', `${maps}/a`, { metadata: { labels: { on: 'no' } } }, merge)
    await here.clock.run(0)

    expect(told(lines)).toEqual(['ADDED a', 'DELETED a'])
  })

  it('ends after its time with a bookmark where one is wanted', async () => {
    const here = world()

    const { lines, done } = await collect(
      here,
      `${maps}?watch=1&resourceVersion=1&timeoutSeconds=5&allowWatchBookmarks=true&labelSelector=x%3Dy`,
    )
    await here.clock.run(5000)

    expect(await done).toBe('ended')
    expect(told(lines)).toEqual(['BOOKMARK'])
  })

  it('says 410 when the past is forgotten', async () => {
    const here = world()
    await here.send('POST', maps, configMap('a', {}))
    here.cluster.compact()

    const { lines } = await collect(here, `${maps}?watch=1&resourceVersion=2`)
    await here.clock.run(0)

    expect(at(lines[0]?.object, 'code')).toBe(410)
  })

  it('breaks with the reason of its signal', async () => {
    const here = world()
    const abort = new AbortController()
    const { done } = await collect(here, `${maps}?watch=1`, abort.signal)

    abort.abort(new Error('enough'))

    expect(await done).toBe('enough')
  })

  it('ends when the cluster stops', async () => {
    const here = world()
    const { done } = await collect(here, `${maps}?watch=1`)

    here.cluster.stop()

    expect(await done).toBe('ended')
  })
})
