import type { Document } from 'yaml'
import type { Json } from '../lib/json.ts'
import type { PlaceOf } from '../lib/place.ts'
import { Problem } from '../lib/problem.ts'
import { type Fault, keyAt, nodeAt, parseChunk } from './parse.ts'
import { type Chunk, lineFinder, splitDocuments } from './split.ts'

/** Files above this size are refused unread, in UTF-16 units. */
export const MAX_YAML_SIZE = 4 * 1024 * 1024

/** One document of a file as plain JSON. */
export interface YamlDocument {
  /** Position among the file's non-empty documents that could be read or not, from 0. */
  readonly index: number
  readonly value: Json
  /** The document's stretch of the file, its `---` line included. */
  readonly chunk: Chunk
  /** `file:line:column` of its first byte. */
  readonly place: string
  /** Finds a field's line; may parse the document again, so it is for messages only. */
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
  const find = lineFinder(text)
  const place: Place = (offset) => {
    const { line, column } = find(offset)
    return `${file}:${line}:${column}`
  }
  let index = 0
  for (const chunk of splitDocuments(text)) {
    for (const [nth, { value, faults, root }] of parseChunk(text, chunk).entries()) {
      problems.push(...faults.map((fault) => toProblem(fault, place(fault.offset))))
      if (faults.length === 0 && value === null) continue
      if (faults.length === 0) {
        const start = place(chunk.start + (root.contents?.range?.[0] ?? 0))
        documents.push({ index, value, chunk, place: start, placeOf: placesIn(text, chunk, nth, place) })
      }
      index++
    }
  }
  return { documents, problems }
}

type Place = (offset: number) => string

function toProblem({ code, message }: Fault, place: string): Problem {
  const hint = code === 'YAML_DUPLICATE_KEY' ? 'keep one of them: readers disagree on which one wins' : undefined
  return new Problem({ kind: 'stalled', code, message, place, hint })
}

/** Remembers the places it was asked for; the parsed document is kept only while it is asked for places in a row. */
function placesIn(text: string, chunk: Chunk, nth: number, place: Place): PlaceOf {
  const known = new Map<string, string>()
  return (path, part = 'value') => {
    const key = JSON.stringify([part, path])
    const remembered = known.get(key)
    if (remembered !== undefined) return remembered
    if (latest?.chunk !== chunk) latest = { chunk, roots: parseChunk(text, chunk).map(({ root }) => root) }
    const root = latest.roots[nth]
    const found = place(chunk.start + (root === undefined ? 0 : offsetOf(root, path, part)))
    known.set(key, found)
    return found
  }
}

/** The document that places were asked of last: a faulty one is asked for many, and parsing is slow. */
let latest: { readonly chunk: Chunk; readonly roots: readonly Document[] } | undefined

function offsetOf(root: Document, path: readonly (string | number)[], part: 'key' | 'value'): number {
  const value = nodeAt(root, path)
  const key = path.length > 0 ? keyAt(root, path) : undefined
  const isEmpty = value?.range === undefined || value.range === null || value.range[0] === value.range[1]
  const node = part === 'key' || isEmpty ? (key ?? value) : value
  if (node?.range) return node.range[0]
  return path.length === 0 ? 0 : offsetOf(root, path.slice(0, -1), 'key')
}
