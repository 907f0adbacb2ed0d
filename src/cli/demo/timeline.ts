import { styleText } from 'node:util'
import type { Oid } from '../../git/types.ts'
import type { Sentence } from '../../rollout/sentences.ts'

/** What the demo prints while it runs. */
export interface Timeline {
  /** The heading of an act. */
  act(title: string): void
  /** What a person does. */
  person(text: string): void
  /** What Serin says, with its commit. */
  serin(sentence: Sentence, commit: Oid | undefined): void
  /** Something to know. */
  note(text: string): void
  /** One claim of the end's check. */
  claim(holds: boolean, text: string): void
  plain(text: string): void
}

const BAR_CELLS = 20

/** A timeline on a stream; colours only where it is a terminal. */
export function createTimeline(out: NodeJS.WritableStream & { readonly isTTY?: boolean }): Timeline {
  const startMs = Date.now()
  const colour = (format: Parameters<typeof styleText>[0], text: string): string =>
    out.isTTY === true ? styleText(format, text) : text
  const line = (text: string): void => void out.write(`${text}\n`)
  const clock = (): string => colour('dim', `${((Date.now() - startMs) / 1000).toFixed(1).padStart(6)}s`)
  return {
    act: (title) => line(`\n${colour('bold', title)}`),
    person: (text) => line(`${clock()}  ${colour('cyan', '☺')} ${text}`),
    serin: ({ type, text }, commit) => {
      const mark = type === 'Warning' ? colour('yellow', '!') : colour('green', '•')
      const id = commit === undefined ? '        ' : commit.slice(0, 8)
      line(`${clock()}  ${mark} ${colour('dim', id)} ${text}${bar(text)}`)
    },
    note: (text) => line(`${clock()}    ${colour('dim', text)}`),
    claim: (holds, text) => line(`  ${holds ? colour('green', 'ok  ') : colour('red', 'FAIL')} ${text}`),
    plain: line,
  }
}

/** A weight as a bar behind its sentence. */
function bar(text: string): string {
  const weight = /(canary|primary) weight (\d+)$/.exec(text)
  if (weight === null) return ''
  const full = Math.round((Number(weight[2]) / 100) * BAR_CELLS)
  return `  ${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)}`
}
