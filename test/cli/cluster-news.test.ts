import { describe, expect, it } from 'vitest'
import { clusterNews } from '../../src/cli/cluster-news.ts'
import { Problem } from '../../src/lib/problem.ts'
import { createVirtualClock } from '../../src/playground/virtual-clock.ts'

const away = new Problem({ kind: 'retry', code: 'CLUSTER_UNREACHABLE', message: 'the cluster cannot be reached' })

function world() {
  const clock = createVirtualClock(0)
  const said: string[] = []
  const at = (level: string) => (_fields: object, text: string) => void said.push(`${level} ${text}`)
  const log = { debug: () => {}, info: at('info'), warn: at('warn'), error: at('error') }
  return { clock, said, news: clusterNews(log, clock) }
}

describe('cli/cluster-news', () => {
  it('says once a minute that the cluster is away, however many kinds tell, and once that it is back', async () => {
    const { clock, said, news } = world()

    for (let second = 0; second < 90; second++) {
      for (let kind = 0; kind < 6; kind++) news.problem(away)
      await clock.run(1000)
    }
    for (let answer = 0; answer < 10; answer++) news.answered()

    expect(said).toEqual([
      'warn the cluster cannot be reached',
      'warn the cluster cannot be reached',
      'info reachable again',
    ])
  })

  it('says by how much a clock is wrong, and again only when it is wrong in another way', () => {
    const { said, news } = world()

    for (const aheadMs of [20_000, 7_200_000, 7_190_000, -3_600_000]) news.skew(aheadMs)

    expect(said).toEqual([
      "warn the clock here is 7200 s ahead of the cluster's, which is the one that counts",
      "warn the clock here is 3600 s behind the cluster's, which is the one that counts",
    ])
  })
})
