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

/** 1-based line and column of an offset. A byte order mark does not count as a column. */
export function lineAndColumn(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  let line = 1
  for (let at = before.indexOf('\n'); at >= 0; at = before.indexOf('\n', at + 1)) line++
  const mark = lineStart === 0 && text.startsWith('\uFEFF') && offset > 0 ? 1 : 0
  return { line, column: offset - lineStart + 1 - mark }
}
