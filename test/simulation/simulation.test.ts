import { describe, expect, test } from 'vitest'
import { describeFailure, play } from './play.ts'

/** One seed to replay, or how many to play. */
const only = process.env['SERIN_SEED']
const count = Number(process.env['SERIN_SEEDS'] ?? 200)
const first = Number(process.env['SERIN_FIRST_SEED'] ?? 1)
const seeds = only === undefined ? Array.from({ length: count }, (_, nth) => first + nth) : [Number(only)]

describe('simulation', () => {
  test(
    'keeps traffic safe and Git true whatever is killed, lost, late or reverted, and comes to rest afterwards',
    { timeout: 3_600_000 },
    async () => {
      const failures: string[] = []
      for (const seed of seeds) {
        const played = await play(seed)
        if (played.failure !== undefined) failures.push(describeFailure(played))
        if (failures.length >= 3) break
      }

      expect(failures.join('\n\n')).toBe('')
    },
  )

  test('plays a seed the same way each time', async () => {
    const [one, two] = [await play(7), await play(7)]

    expect(one.world.trace).toEqual(two.world.trace)
  })
})
