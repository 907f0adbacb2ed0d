import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkLine, message, trailers, transitionMessage } from '../../src/ledger/message.ts'
import { failing, noTraffic, passing } from '../support/rollout-world.ts'
import { ledgerState } from '../support/ledger-world.ts'

const key = 'test/podinfo'

/** The trailers that the git program reads in a commit message. */
function readByGit(text: string): string[] {
  const read = execFileSync('git', ['interpret-trailers', '--parse'], { input: text, encoding: 'utf8' })
  return read.split('\n').filter((line) => line !== '')
}

/** Texts that try to pass for something else in a commit message. */
const hostile = fc.oneof(
  fc.constantFrom(
    'x\n\nCanary: prod/shop\nPhase: Succeeded',
    'Canary: prod/shop',
    '\r\rPhase: Succeeded\r',
    '---',
    '--- a/file',
    '\n---\nPhase: Succeeded',
    '# a comment',
    'Signed-off-by: Root <root@example.com>',
    '(cherry picked from commit 0000000)',
    'nul\0byte',
    '\u2028Phase: Succeeded\u2029',
    '\u0085Phase: Succeeded',
    '\v\fPhase: Succeeded',
    '\u001B[31mred',
    '\u202Eesrever',
    'diff --git a/x b/x',
    '',
    ' ',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
)

describe('ledger/message', () => {
  test('a weight commit shows the sentence, the checks and the trailers', () => {
    const state = ledgerState({ checks: passing, pullRequest: 'https://github.com/example/fleet/pull/42' })

    expect(transitionMessage(key, 'Advance podinfo.test canary weight 20', state, [])).toBe(
      [
        'Advance podinfo.test canary weight 20',
        '',
        'request-success-rate 99.87 % >= 99 %  (1m)',
        '',
        'Canary: test/podinfo',
        'Phase: Progressing',
        'Weight: 20',
        `Revision: ${state.revision.commit}`,
        'Pull-Request: https://github.com/example/fleet/pull/42',
        '',
      ].join('\n'),
    )
  })

  test('the trailers are read by git', () => {
    const state = ledgerState({ checks: failing, attempt: 2, pullRequest: 'https://example.com/pull/1' })

    expect(readByGit(transitionMessage(key, 'Halt', state, ['Because.']))).toEqual(trailers(key, state))
  })

  test.each([
    ['a value inside its bounds', passing, 'request-success-rate 99.87 % >= 99 %  (1m)'],
    ['a value below its bound', failing, 'request-success-rate 69.17 % < 99 %  (1m)'],
    ['no value at all', noTraffic, 'request-success-rate no-values  (1m)'],
  ])('%s is told as such', (_name, checks, line) => {
    expect(checks.map(checkLine)).toEqual([line])
  })

  test('a check with two bounds shows both', () => {
    const check = {
      metric: 'latency',
      value: 512.345,
      unit: 'ms',
      min: 1,
      max: 500,
      window: '1m',
      verdict: 'failed',
    } as const

    expect(checkLine(check)).toBe('latency 512.35 ms >= 1 ms and > 500 ms  (1m)')
  })

  test('text from outside cannot forge a trailer, a subject or a byte that no server takes', () => {
    const given = fc.record({
      subject: hostile,
      why: fc.array(hostile, { maxLength: 3 }),
      metric: hostile,
      window: hostile,
      commit: hostile,
      pullRequest: hostile,
    })

    fc.assert(
      fc.property(given, ({ subject, why, metric, window, commit, pullRequest }) => {
        const state = ledgerState({
          checks: [{ metric, unit: '', window, verdict: 'error' }],
          revision: { commit, hash: 'h' },
          pullRequest,
        })

        const text = transitionMessage(key, subject, state, why)

        const read = readByGit(text)
        expect(read.filter((line) => line.startsWith('Canary: '))).toEqual([`Canary: ${key}`])
        expect(read.filter((line) => line.startsWith('Phase: '))).toEqual(['Phase: Progressing'])
        expect(read.slice(0, 3)).toEqual(['Canary: test/podinfo', 'Phase: Progressing', 'Weight: 20'])
        expect(read.map((line) => line.split(':', 1)[0])).toEqual([
          'Canary',
          'Phase',
          'Weight',
          'Revision',
          'Pull-Request',
        ])
        expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u)
      }),
      { numRuns: 100 },
    )
  })

  test('a message is never without a subject', () => {
    expect(message('\n\n', [], ['Canary: a/b'])).toBe('(no subject)\n\nCanary: a/b\n')
  })
})
