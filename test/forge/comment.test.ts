import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { renderComment } from '../../src/forge/comment.ts'
import { escapeText } from '../../src/forge/escape.ts'
import type { ReleaseView } from '../../src/forge/view.ts'
import { renderMarkdown } from '../../src/playground/forge/markdown.ts'
import { canary, failedCanary, release } from './views.ts'

/** Text as people and machines send it when they mean no good. */
const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom(
        '@team',
        '#12',
        'GH-7',
        '<!-- serin:demo -->',
        '<script>',
        '</details>',
        '|',
        '`',
        '```',
        '**',
        '\n',
        '\r',
        '\n\n# big',
        '[a](javascript:x)',
        '![i](http://x.y/z)',
        'https://x.y',
        'www.x.y',
        'a@b.cd',
        '&#64;',
        '\\',
        '\u202e',
        '\u200b',
        '\u2028',
        '$x$',
        '~~',
        '- item',
        '\ud800',
        '&lt;',
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))

const hostileView: fc.Arbitrary<ReleaseView> = fc.record({
  cluster: hostile,
  ledgerBranch: hostile,
  repositoryUrl: fc.oneof(fc.webUrl(), hostile),
  canaries: fc.array(
    fc
      .record({
        namespace: hostile,
        name: hostile,
        phase: fc.oneof(hostile, fc.constantFrom('Failed', 'Succeeded', 'Progressing', '__proto__')),
        weight: fc.double(),
        revision: fc.record({ commit: hostile, hash: hostile }),
        attempt: fc.integer(),
        waitingFor: hostile,
        problem: hostile,
        rollback: fc.record({
          rung: fc.constantFrom('commit', 'pull-request', 'status-only'),
          reference: fc.oneof(hostile, fc.webUrl()),
          reason: hostile,
        }),
        checks: fc.array(
          fc.record({
            metric: hostile,
            unit: fc.constantFrom('%', 'ms', ''),
            value: fc.double(),
            min: fc.double(),
            window: hostile,
            verdict: fc.constantFrom('passed', 'failed', 'no-values', 'error'),
            halt: hostile,
          }),
          { maxLength: 3 },
        ),
        timeline: fc.array(fc.record({ timeMs: fc.double(), sentence: hostile, ledgerCommit: hostile }), {
          maxLength: 3,
        }),
      })
      .map((change) => canary(change)),
    { maxLength: 3 },
  ),
})

/** What a reader sees of rendered HTML. */
function visible(html: string): string {
  const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' }
  return html
    .replace(/<[^>]*>/g, '')
    .replace(/&(?:#(\d+)|(\w+));/g, (_all, code: string | undefined, name: string | undefined) =>
      code === undefined ? (named[name ?? ''] ?? '') : String.fromCodePoint(Number(code)),
    )
    .replaceAll('\u200b', '')
}

describe('renderComment', () => {
  it('tells how a rollout goes', () => {
    const text = renderComment(release(canary({ waitingFor: 'the gate "confirm"', attempt: 2 })))

    expect(text).toMatchInlineSnapshot(`
      "### 🐤 podinfo.test: Progressing, 20 % of the traffic

      \`██░░░░░░░░\` 20 %, at most 50 % · Revision 3f2c1d9 · attempt 2

      **Now:** Advance podinfo.test canary weight 20

      **Waits for** the gate "confirm"

      | Verdict | Check | Value | Bound | Window |
      | :-- | :-- | --: | --: | --: |
      | ✅ passed | request-success-rate | 99&#46;87 % | ≥ 99 % | 1m |
      | ✅ passed | request-duration | 212 ms | ≤ 500 ms | 1m |

      <details><summary>4 transitions, 2026-01-02</summary>

      | UTC | Transition | Ledger |
      | :-- | :-- | :-- |
      | 12:00:00 | New revision detected! Scaling up podinfo.test | [0000000](https://github.com/example/fleet/commit/0000000000000000000000000000000000000000) |
      | 12:01:00 | Starting canary analysis for podinfo.test | [1111111](https://github.com/example/fleet/commit/1111111111111111111111111111111111111111) |
      | 12:02:00 | Advance podinfo.test canary weight 10 | [2222222](https://github.com/example/fleet/commit/2222222222222222222222222222222222222222) |
      | 12:03:00 | Advance podinfo.test canary weight 20 | [3333333](https://github.com/example/fleet/commit/3333333333333333333333333333333333333333) |

      </details>

      <sub>Cluster demo · every transition is a commit on the branch serin/demo</sub>
      "
    `)
  })

  it('tells why a rollout failed, which commit reverted it and how to go on', () => {
    const text = renderComment(release(failedCanary({ timeline: [] })))

    expect(text).toMatchInlineSnapshot(`
      "### ❌ podinfo.test: Failed

      Revision 3f2c1d9

      **Rolled back:** all traffic is on the primary. The last analysis said: Halt podinfo.test advancement success rate 53.42% &lt; 99%.

      **In Git:** reverted by [9999999](https://github.com/example/fleet/commit/9999999999999999999999999999999999999999).

      **To release:** merge a fix, or revert [9999999](https://github.com/example/fleet/commit/9999999999999999999999999999999999999999) to try this revision again.

      | Verdict | Check | Value | Bound | Window |
      | :-- | :-- | --: | --: | --: |
      | ❌ failed | request-success-rate | 53&#46;42 % | ≥ 99 % | 1m |
      | ✅ passed | request-duration | 212 ms | ≤ 500 ms | 1m |

      <sub>Cluster demo · every transition is a commit on the branch serin/demo</sub>
      "
    `)
  })

  it('says that the source branch is not told yet when the revert waits in a pull request', () => {
    const rollback = {
      rung: 'pull-request',
      reference: 'https://github.com/example/fleet/pull/43',
      reason: 'the branch "main" is protected',
    } as const

    const text = renderComment(release(failedCanary({ rollback })))

    expect(text).toContain('waits in [pull request 43](https://github.com/example/fleet/pull/43)')
    expect(text).toContain('still claims this revision')
    expect(text).toContain('**Why not a commit:** the branch "main" is protected')
  })

  it('says what to do when nothing could be written to the source branch', () => {
    const text = renderComment(release(failedCanary({ rollback: { rung: 'status-only', reason: 'read-only token' } })))

    expect(text).toContain('not reverted')
    expect(text).toContain('merge a revert of this change or a fix')
  })

  it('says how long a release took', () => {
    const text = renderComment(release(canary({ phase: 'Succeeded', weight: 0 })))

    expect(text).toContain('**Released:** in 3 min, the primary runs this revision.')
  })

  it('never calls missing values a success', () => {
    const checks = [{ metric: 'm', unit: '', max: 1, window: '1m', verdict: 'no-values' }] as const

    expect(renderComment(release(canary({ checks })))).toContain('| ❔\u00a0no values | m | none |')
  })

  it('names the day of each transition when there is more than one', () => {
    const timeline = [0, 86_400_000].map((timeMs) => ({ timeMs, sentence: 'Advance' }))

    const text = renderComment(release(canary({ timeline })))

    expect(text).toContain('| 1970-01-01 00:00:00 | Advance |')
    expect(text).toContain('| 1970-01-02 00:00:00 | Advance |')
  })

  it('tells of every canary of a pull request', () => {
    const text = renderComment(release(canary(), canary({ name: 'backend' })))

    expect(text).toContain('podinfo.test: Progressing')
    expect(text).toContain('backend.test: Progressing')
  })

  it('keeps the latest transitions and the failed checks when there are too many', () => {
    const timeline = Array.from({ length: 500 }, (_, index) => ({ timeMs: index, sentence: `step ${index} of them` }))

    const text = renderComment(release(canary({ timeline })))

    expect(text).toContain('| earlier | 470 more in the ledger |  |')
    expect(text).toContain('step 499 of them')
  })

  it('fits into a comment however much there is, and says what it leaves out', () => {
    const long = '@'.repeat(5000)
    const checks = Array.from({ length: 100 }, () => failedCanary().checks[0]!).map((check) => ({
      ...check,
      metric: long,
      halt: long,
    }))
    const timeline = Array.from({ length: 100 }, () => ({ timeMs: 0, sentence: long }))
    const one = failedCanary({ name: long, namespace: long, phase: long, problem: long, checks, timeline })

    const text = renderComment(release(...Array.from({ length: 300 }, () => one)))

    expect(text.length).toBeLessThan(65_000)
    expect(text).toContain('280 more canaries are not shown here')
  })

  it('shows a hundred ordinary canaries', () => {
    const text = renderComment(release(...Array.from({ length: 100 }, (_, index) => canary({ name: `app-${index}` }))))

    expect(text.length).toBeLessThan(65_000)
    expect(text).toContain('app-99.test: Progressing')
  })

  it('lets no text from outside form markup, HTML, a mention, a reference or a hidden line', () => {
    fc.assert(
      fc.property(hostileView, (view) => {
        const text = renderComment(view)

        expect(text).not.toContain('<!--')
        expect(text.replace(/<\/?(?:details|summary|sub)>/g, '')).not.toMatch(/<[a-z/!?]/i)
        expect(text).not.toMatch(/@(?!&#8203;)/)
        expect(text.replace(/&#\d+;/g, ' ')).not.toMatch(/(?<!#)#\w/)
        const bare = text.replace(/\]\(https?:\/\/[^\s()]+\)/g, ']')
        expect(bare).not.toMatch(/:\/\/|www\./i)
        for (const line of text.split('\n')) {
          expect(line === '' || /^(?:### |`[█░]{10}` |\*\*|\| |<|Revision |No canary |\d+ more )/u.test(line)).toBe(
            true,
          )
          if (line.startsWith('|')) expect(line.split('|')).toHaveLength(line.split('|').length > 5 ? 7 : 5)
        }
      }),
    )
  })

  it('gives the same text for the same view', () => {
    fc.assert(fc.property(hostileView, (view) => renderComment(view) === renderComment(structuredClone(view))))
  })
})

describe('escapeText', () => {
  it.each([
    ['- item', '&#45; item'],
    ['1. item', '1&#46; item'],
    ['# heading', '&#35; heading'],
    ['===', '&#61;=='],
    ['12 items', '12 items'],
  ])('begins no list or heading with %j', (text, escaped) => {
    expect(escapeText(text, 100)).toBe(escaped)
  })

  it('shows exactly the text, but for line ends and invisible characters', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const shown = visible(renderMarkdown(`x ${escapeText(text, 10_000)}`))

        const expected = text
          .replace(/\p{Surrogate}/gu, '\uFFFD')
          .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
          .replace(/[^\S\u00a0]+/g, ' ')
          .trim()
        expect(shown.trimEnd()).toBe(`x ${expected}`.trimEnd())
      }),
    )
  })

  it('cuts long text without breaking a character', () => {
    expect(escapeText('🐤🐤🐤', 4)).toBe('🐤…')
    expect(escapeText('abcdef', 4)).toBe('abc…')
  })
})
