import { describe, expect, test } from 'vitest'
import { parseTimestamp, preciseTimestamp, systemClock, timestamp } from '../../src/lib/clock.ts'

describe('lib/clock', () => {
  test('a time is written as Kubernetes writes it, to the second', () => {
    expect(timestamp(Date.UTC(2026, 0, 2, 3, 4, 5, 678))).toBe('2026-01-02T03:04:05Z')
  })

  test('a precise time is read back to the millisecond', () => {
    const ms = Date.UTC(2026, 0, 2, 3, 4, 5, 678)

    expect(parseTimestamp(preciseTimestamp(ms))).toBe(ms)
  })

  test('text that is no time is NaN', () => {
    expect(parseTimestamp('soon')).toBeNaN()
  })

  test('a sleep ends with the reason of its signal, also when that was given before', async () => {
    const abort = new AbortController()
    const sleeping = systemClock.sleep(60_000, abort.signal)
    abort.abort(new Error('stopping'))

    await expect(sleeping).rejects.toThrow('stopping')
    await expect(systemClock.sleep(60_000, abort.signal)).rejects.toThrow('stopping')
  })

  test('a sleep ends after its time', async () => {
    const before = systemClock.now()

    await systemClock.sleep(5, new AbortController().signal)

    expect(systemClock.now() - before).toBeGreaterThanOrEqual(4)
  })

  test('a timer calls back once, and not at all when it was cancelled', async () => {
    const called: string[] = []
    systemClock.after(1, () => called.push('kept'))
    const cancel = systemClock.after(1, () => called.push('cancelled'))

    cancel()
    await systemClock.sleep(10)

    expect(called).toEqual(['kept'])
  })
})
