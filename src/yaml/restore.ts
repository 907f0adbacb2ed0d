import { canonicalJson, isObject, type Json, stringAt } from '../lib/json.ts'
import { type Edit, holds, setScalar } from './edit.ts'
import { diffLines, type Stretch } from './line-diff.ts'
import { readDocuments, type YamlDocument } from './read.ts'
import type { ScalarValue } from './scalar.ts'
import type { Chunk } from './split.ts'

/**
 * The current text of a file with the documents that `selector` chooses made equal, in data, to what an older text of the
 * same file holds for them. Where only scalars differ, only their bytes change; otherwise the document's lines become
 * the old ones wherever the data needs it. Every other document, comment and separator stays byte for byte. The result is read
 * again to prove it; refused, with one clause for a person, where it can't be done without a guess.
 */
export function restoreDocument(currentText: string, olderText: string, selector: (value: Json) => boolean): Edit {
  const current = readDocuments(currentText, '')
  const older = readDocuments(olderText, '')
  const problem = current.problems[0] ?? older.problems[0]
  if (problem !== undefined) return { refused: `the file does not parse: ${problem.message}` }

  const pairs = pairUp(chosen(current.documents, selector), chosen(older.documents, selector))
  if (typeof pairs === 'string') return { refused: pairs }
  const wanted = current.documents.map((document) => (pairs.get(document) ?? document).value)

  let text = currentText
  // From the last to the first, so that the stretches of the documents still to do stay where they were.
  for (const [now, then] of [...pairs].toReversed()) {
    if (canonicalJson(now.value) === canonicalJson(then.value)) continue
    text = restoreScalars(text, now, then) ?? restoreLines(text, now.chunk, olderText, then)
  }
  return holds(text, wanted) ? { text } : { refused: 'the older version does not fit into the file as it is now' }
}

function chosen(documents: readonly YamlDocument[], selector: (value: Json) => boolean): YamlDocument[] {
  return documents.filter(({ value }) => selector(value))
}

/** Current document -> older document of the same object, in file order; a sentence when they do not match one to one. */
function pairUp(
  current: readonly YamlDocument[],
  older: readonly YamlDocument[],
): Map<YamlDocument, YamlDocument> | string {
  if (current.length === 0) return 'no such document is in the file now'
  if (older.length === 0) return 'no such document was in the file then'
  const pairs = new Map<YamlDocument, YamlDocument>()
  for (const now of current) {
    const same = older.filter(({ value }) => objectName(value) === objectName(now.value))
    const [then] = same
    if (then === undefined) return `${objectName(now.value)} was not in the file then`
    if (same.length > 1) return `${objectName(now.value)} was in the file twice`
    if ([...pairs.values()].includes(then)) return `${objectName(now.value)} is in the file twice`
    pairs.set(now, then)
  }
  const gone = older.find((then) => ![...pairs.values()].includes(then))
  return gone === undefined ? pairs : `${objectName(gone.value)} is not in the file any more`
}

function objectName(value: Json): string {
  const namespace = stringAt(value, 'metadata', 'namespace')
  const name = `${stringAt(value, 'kind') ?? 'document'}/${stringAt(value, 'metadata', 'name') ?? ''}`
  return namespace === undefined ? name : `${name}.${namespace}`
}

/** The text with each differing scalar set, or undefined when more than scalars differ or one of them refuses. */
function restoreScalars(text: string, now: YamlDocument, then: YamlDocument): string | undefined {
  const changes = scalarChanges(now.value, then.value, [])
  if (changes === undefined) return undefined
  let edited = text
  for (const { path, value } of changes) {
    const edit = setScalar(edited, now.index, path, value)
    if ('refused' in edit) return undefined
    edited = edit.text
  }
  return edited
}

interface ScalarChange {
  readonly path: readonly (string | number)[]
  readonly value: ScalarValue
}

function scalarChanges(now: Json, then: Json, path: readonly (string | number)[]): ScalarChange[] | undefined {
  if (isScalarValue(now) && isScalarValue(then)) return now === then ? [] : [{ path, value: then }]
  if (isScalarValue(now) || isScalarValue(then) || Array.isArray(now) !== Array.isArray(then)) return undefined
  const keys = Object.keys(now)
  if (canonicalJson(keys.toSorted()) !== canonicalJson(Object.keys(then).toSorted())) return undefined
  const changes: ScalarChange[] = []
  for (const key of keys) {
    const step = Array.isArray(now) ? Number(key) : key
    const below = scalarChanges(member(now, step), member(then, step), [...path, step])
    if (below === undefined) return undefined
    changes.push(...below)
  }
  return changes
}

function member(data: Json, key: string | number): Json {
  if (Array.isArray(data)) return (data as readonly Json[])[Number(key)] ?? null
  return isObject(data) ? (data[key] ?? null) : null
}

function isScalarValue(value: Json): value is ScalarValue {
  return value === null || typeof value !== 'object'
}

/**
 * The text with one document's lines replaced by the older ones, in the current file's line ends and separators. Lines
 * that make no difference to the data (comments, layout) stay as they are now.
 */
function restoreLines(text: string, chunk: Chunk, olderText: string, older: YamlDocument): string {
  const isLast = chunk.end === text.length
  const bytes = text.slice(chunk.start, chunk.end)
  const lineEnd = /\r\n/.test(text) && !/[^\r]\n/.test(text) ? '\r\n' : '\n'
  const header = HEADER.exec(bytes)?.[0] ?? ''
  const olderBytes = olderText.slice(older.chunk.start, older.chunk.end)
  let then = olderBytes.replace(HEADER, '').replaceAll(/\r?\n/g, lineEnd)
  if ((!isLast || bytes.endsWith('\n')) && !then.endsWith('\n')) then += lineEnd
  const body = mergeLines(bytes.slice(header.length), then, older.value)
  return text.slice(0, chunk.start) + header + body + text.slice(chunk.end)
}

/** A byte order mark and a bare `---` line: they belong to the file, not to the document. */
const HEADER = /^\uFEFF?(?:---[ \t]*(?:#.*)?\r?\n)?/

/** More differing stretches than this are not tried one by one. */
const MAX_STRETCHES = 200

/** The older lines, but with each differing stretch as it is now where that gives the same data. */
function mergeLines(now: string, then: string, wanted: Json): string {
  const stretches = diffLines(linesOf(now), linesOf(then))
  const kept = stretches.map((stretch) => stretch.older)
  const differing = stretches.flatMap((stretch, nth) => (stretch.now === stretch.older ? [] : [nth]))
  if (differing.length > MAX_STRETCHES) return then
  for (const nth of differing) {
    for (const lines of candidates(stretches[nth])) {
      const attempt = kept.with(nth, lines)
      if (!holds(attempt.flat().join(''), [wanted])) continue
      kept[nth] = lines
      break
    }
  }
  return kept.flat().join('')
}

/** What a differing stretch may become besides the older lines, best first: nothing changed; only comments kept. */
function candidates(stretch: Stretch | undefined): readonly (readonly string[])[] {
  if (stretch === undefined) return []
  const { now, older } = stretch
  const firstData = now.findIndex((line) => !isComment(line))
  if (firstData < 0) return [now, [...now, ...older], [...older, ...now]]
  return [now, [...now.slice(0, firstData), ...older, ...now.slice(firstData).filter((line) => isComment(line))]]
}

function isComment(line: string): boolean {
  return /^(?:#.*)?$/.test(line.trim())
}

function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}
