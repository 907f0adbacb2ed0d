import type { Document } from 'yaml'
import type { Json } from '../lib/json.ts'
import type { PlaceOf } from '../lib/place.ts'
import { Problem } from '../lib/problem.ts'
import { type Fault, keyAt, nodeAt, parseChunk } from './parse.ts'
import { type Chunk, lineAndColumn, splitDocuments } from './split.ts'

/** Files above this size are refused unread, in UTF-16 units. */
export const MAX_YAML_SIZE = 4 * 1024 * 1024

/** One document of a file as plain JSON. */
export interface YamlDocument {
  /** Position among the file's non-empty documents that could be read or not, from 0. */
  readonly index: number
  readonly value: Json
  /** The document's stretch of the file, its `---` line included. */
  readonly chunk: Chunk
  /** Finds a field's line; parses the document again, so it is for messages only. */
  readonly placeOf: PlaceOf
}

/** What a file holds: every document that could be read, and a Problem with `file:line:column` for each that could not. */
export interface YamlFile {
  readonly documents: readonly YamlDocument[]
  readonly problems: readonly Problem[]
}

/**
 * Reads a file of YAML or JSON documents as kubectl does: YAML's core schema with merge keys, the booleans and octals of
 * YAML 1.1, underscores in numbers, dates as text; empty documents are skipped. Stricter in one point: a duplicate
 * key is a problem. A document with a problem is left out and does not hide the others. Never throws.
 */
export function readDocuments(text: string, file: string): YamlFile {
  if (text.length > MAX_YAML_SIZE) {
    const message = `${text.length} characters are more than the ${MAX_YAML_SIZE} that are read`
    return { documents: [], problems: [new Problem({ kind: 'stalled', code: 'YAML_TOO_LARGE', message, place: file })] }
  }
  const documents: YamlDocument[] = []
  const problems: Problem[] = []
  let index = 0
  for (const chunk of splitDocuments(text)) {
    for (const [nth, parsed] of parseChunk(text, chunk).entries()) {
      problems.push(...parsed.faults.map((fault) => toProblem(fault, text, file)))
      if (parsed.faults.length === 0 && parsed.value === null) continue
      const placeOf: PlaceOf = (path, part) => place(text, file, chunk, nth, path, part)
      if (parsed.faults.length === 0) documents.push({ index, value: parsed.value, chunk, placeOf })
      index++
    }
  }
  return { documents, problems }
}

function toProblem(fault: Fault, text: string, file: string): Problem {
  const { line, column } = lineAndColumn(text, fault.offset)
  return new Problem({
    kind: 'stalled',
    code: fault.code,
    message: fault.message,
    place: `${file}:${line}:${column}`,
    hint: fault.code === 'YAML_DUPLICATE_KEY' ? 'keep one of them: readers disagree on which one wins' : undefined,
  })
}

function place(
  text: string,
  file: string,
  chunk: Chunk,
  nth: number,
  path: readonly (string | number)[],
  part: 'key' | 'value' = 'value',
): string {
  const root = parseChunk(text, chunk)[nth]?.root
  const offset = root === undefined ? 0 : offsetOf(root, path, part)
  const { line, column } = lineAndColumn(text, chunk.start + offset)
  return `${file}:${line}:${column}`
}

function offsetOf(root: Document, path: readonly (string | number)[], part: 'key' | 'value'): number {
  const value = nodeAt(root, path)
  const key = path.length > 0 ? keyAt(root, path) : undefined
  const isEmpty = value?.range === undefined || value.range === null || value.range[0] === value.range[1]
  const node = part === 'key' || isEmpty ? (key ?? value) : value
  if (node?.range) return node.range[0]
  return path.length === 0 ? 0 : offsetOf(root, path.slice(0, -1), 'key')
}
