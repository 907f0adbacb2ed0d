import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { at, canonicalJson, isObject, numberAt, stringAt } from '../../src/lib/json.ts'

const pod = { spec: { containers: [{ name: 'web', image: 'web:1' }], grace: 30 }, on: null }

describe('lib/json', () => {
  test('the same data gives the same bytes, in whatever order its keys came', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(reversed(value))).toBe(canonicalJson(value))
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test('different data gives different bytes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        fc.pre(JSON.stringify(JSON.parse(canonicalJson(one))) !== JSON.stringify(JSON.parse(canonicalJson(other))))
        expect(canonicalJson(one)).not.toBe(canonicalJson(other))
      }),
    )
  })

  test('members that are undefined do not count', () => {
    expect(canonicalJson({ b: 1, a: undefined })).toBe('{"b":1}')
    expect(canonicalJson([undefined])).toBe('[null]')
  })

  test('keys are ordered by code unit, not by language', () => {
    expect(canonicalJson({ a: 1, B: 2, ä: 3, '10': 4, '9': 5 })).toBe('{"10":4,"9":5,"B":2,"a":1,"ä":3}')
  })

  test('a path leads to a value, or to undefined where it ends early', () => {
    expect(at(pod, 'spec', 'containers', 0, 'image')).toBe('web:1')
    expect(at(pod, 'spec', 'containers', 1, 'image')).toBeUndefined()
    expect(at(pod, 'spec', 'containers', 'image')).toBeUndefined()
    expect(at(pod, 'on', 'x')).toBeUndefined()
    expect(at(pod, 0)).toBeUndefined()
    expect(at(pod, 'on')).toBeNull()
  })

  test('a value of another type is not taken for a string or a number', () => {
    expect(stringAt(pod, 'spec', 'grace')).toBeUndefined()
    expect(numberAt(pod, 'spec', 'grace')).toBe(30)
    expect(numberAt(pod, 'spec', 'containers', 0, 'name')).toBeUndefined()
    expect(stringAt(pod, 'spec', 'containers', 0, 'name')).toBe('web')
  })

  test.each([
    [{}, true],
    [[], false],
    [null, false],
    ['{}', false],
  ])('%j is an object: %s', (value, is) => {
    expect(isObject(value)).toBe(is)
  })
})

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reversed(member)]),
  )
}
