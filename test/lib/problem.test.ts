import { describe, expect, test } from 'vitest'
import { Problem, toProblem } from '../../src/lib/problem.ts'

describe('lib/problem', () => {
  test('reads as place, message and hint in one line', () => {
    const problem = new Problem({
      kind: 'stalled',
      code: 'YAML_DUPLICATE_KEY',
      message: 'the key "a" is there twice',
      place: 'app.yaml:3:1',
      hint: 'remove one',
    })

    expect(String(problem)).toBe('app.yaml:3:1: the key "a" is there twice (remove one)')
  })

  test('reads as the message alone when there is nothing else', () => {
    expect(String(new Problem({ kind: 'retry', code: 'X', message: 'no answer' }))).toBe('no answer')
  })

  test('keeps what caused it', () => {
    const cause = new Error('ECONNRESET')

    expect(new Problem({ kind: 'retry', code: 'X', message: 'no answer', cause }).cause).toBe(cause)
  })

  test('is left as it is when it is thrown again', () => {
    const problem = new Problem({ kind: 'wait', code: 'X', message: 'not yet' })

    expect(toProblem(problem)).toBe(problem)
  })

  test.each([
    [new TypeError('x is not a function'), 'x is not a function'],
    ['just text', 'just text'],
  ])('takes a foreign %s for a bug of ours', (thrown, text) => {
    expect(toProblem(thrown)).toMatchObject({ kind: 'bug', code: 'UNEXPECTED', message: text, cause: thrown })
  })
})
