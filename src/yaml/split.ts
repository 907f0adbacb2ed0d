/** One document's stretch of a file, from its `---` line (or the file's start) to the next one: UTF-16 offsets. */
export interface Chunk {
  readonly start: number
  readonly end: number
}

/**
 * Cuts a file at its `---` lines, as kubectl does before it parses anything, so that a document that does not parse
 * can't swallow the ones after it. Directives (`%YAML`) stay with the document they belong to.
 */
export function splitDocuments(text: string): readonly Chunk[] {
  const cuts = [0]
  for (const match of text.matchAll(/^---(?=\s|$)/gm)) {
    if (match.index > 0 && !endsInDirectives(text.slice(cuts.at(-1), match.index))) cuts.push(match.index)
  }
  return cuts.map((start, index) => ({ start, end: cuts[index + 1] ?? text.length }))
}

function endsInDirectives(before: string): boolean {
  if (!/^%/m.test(before)) return false
  const prologue = before.replace(/^\uFEFF/, '').split('\n')
  return prologue.every((line) => /^(?:%.*|#.*|\s*)$/.test(line.trimEnd()))
}

/** Tells lines and columns of a text. */
export type LineFinder = (offset: number) => { readonly line: number; readonly column: number }

/** Finds 1-based lines and columns of offsets; the lines are counted once. A byte order mark does not count as a column. */
export function lineFinder(text: string): LineFinder {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  const mark = text.startsWith('\uFEFF') ? 1 : 0
  return (offset) => {
    let line = 0
    for (let high = starts.length - 1; line < high;) {
      const middle = (line + high + 1) >> 1
      if ((starts[middle] ?? 0) <= offset) line = middle
      else high = middle - 1
    }
    const column = offset - (starts[line] ?? 0) + 1
    return { line: line + 1, column: line === 0 ? Math.max(1, column - mark) : column }
  }
}
