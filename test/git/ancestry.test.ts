import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ancestryBetween } from '../../src/git/ancestry.ts'
import type { Commit } from '../../src/git/types.ts'
import { alice, startMs } from './world.ts'

/** Commits 0, 1, 2, ... whose parents come before them. */
const history = fc
  .array(fc.array(fc.nat(), { maxLength: 2 }), { minLength: 1, maxLength: 14 })
  .map((rows) => rows.map((parents, i) => (i === 0 ? [] : [...new Set(parents.map((p) => p % i))])))

function finder(parents: readonly (readonly number[])[]): (oid: string) => Commit | undefined {
  return (oid) => {
    const found = parents[Number(oid)]
    if (found === undefined) return undefined
    const base = { tree: '', author: alice, committer: alice, timeMs: startMs, message: '' }
    return { ...base, oid, parents: found.map(String) }
  }
}

function ancestors(parents: readonly (readonly number[])[], of: number): Set<number> {
  const all = new Set([of])
  for (const one of all) for (const parent of parents[one] ?? []) all.add(parent)
  return all
}

describe('the commits between two', () => {
  it('are those reachable from one and not from the other, parents first', () => {
    fc.assert(
      fc.property(history, fc.nat(), fc.nat(), (parents, a, b) => {
        const [from, to] = [a % parents.length, b % parents.length]
        const result = ancestryBetween(finder(parents), String(from), String(to))
        const reachable = ancestors(parents, to)
        if (!reachable.has(from)) {
          expect(result).toBeNull()
          return
        }
        const known = ancestors(parents, from)
        const expected = [...reachable].filter((one) => !known.has(one))
        const order = result?.map((commit) => Number(commit.oid)) ?? []
        expect(order.toSorted((x, y) => x - y)).toEqual(expected.toSorted((x, y) => x - y))
        for (const [i, one] of order.entries()) {
          for (const parent of parents[one] ?? []) expect(order.indexOf(parent)).toBeLessThan(i)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('are found in a history longer than the stack is deep', () => {
    const parents = Array.from({ length: 40_000 }, (_, i) => (i === 0 ? [] : [i - 1]))
    expect(ancestryBetween(finder(parents), '0', '39999')).toHaveLength(39_999)
  })
})
