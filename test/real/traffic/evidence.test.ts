import { describe, expect, test } from 'vitest'
import { successSeen } from './evidence.ts'
import type { Answer } from './load.ts'

function answer(startMs: number, endMs: number, status: number): Answer {
  return { startMs, endMs, status, by: 'canary', version: '1.0.0' }
}

describe('what clients saw of a window', () => {
  test('requests outside of both scrapes do not count', () => {
    const answers = [answer(0, 5, 500), answer(200, 210, 200), answer(220, 230, 500), answer(900, 910, 500)]
    expect(successSeen(answers, [100, 300, 500], 10)).toEqual({ least: 50, most: 50, requests: 2 })
  })

  test('a request that may have been counted before or after a scrape widens the answer to both sides', () => {
    const sure = [answer(200, 210, 200), answer(220, 230, 500)]
    const sides = (more: Answer): readonly number[] => {
      const { least, most } = successSeen([...sure, more], [100, 500], 10)
      return [Math.round(least), Math.round(most)]
    }
    expect(sides(answer(95, 105, 500))).toEqual([33, 50])
    expect(sides(answer(495, 505, 200))).toEqual([50, 67])
  })
})
