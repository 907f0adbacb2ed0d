import { describe, expect, test } from 'vitest'
import { Mutex } from '../../src/lib/mutex.ts'
import { createVirtualClock } from '../../src/playground/virtual-clock.ts'

describe('lib/mutex', () => {
  test('runs one piece of work at a time, in the order of asking', async () => {
    const clock = createVirtualClock(0)
    const mutex = new Mutex()
    const seen: string[] = []
    const work = (name: string, ms: number) => async (): Promise<string> => {
      seen.push(`${name} begins`)
      await clock.sleep(ms)
      seen.push(`${name} ends`)
      return name
    }

    const results = Promise.all([mutex.run(work('long', 50)), mutex.run(work('short', 1))])
    await clock.run(100)

    expect(seen).toEqual(['long begins', 'long ends', 'short begins', 'short ends'])
    expect(await results).toEqual(['long', 'short'])
  })

  test('goes on after work that failed, which only its own caller hears of', async () => {
    const mutex = new Mutex()
    const failed = mutex.run(() => Promise.reject(new Error('no luck')))
    const next = mutex.run(() => Promise.resolve('fine'))

    await expect(failed).rejects.toThrow('no luck')
    expect(await next).toBe('fine')
  })
})
