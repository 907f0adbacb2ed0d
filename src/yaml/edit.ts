import { type Document, isAlias, isScalar, type Node, Scalar } from 'yaml'
import { canonicalJson, type Json } from '../lib/json.ts'
import { nodeAt, parseChunk } from './parse.ts'
import { readDocuments, type YamlDocument } from './read.ts'
import { type ScalarValue, writeScalar } from './scalar.ts'

/** The edited text, or why it was not edited: one clause for a person. */
export type Edit = { readonly text: string } | { readonly refused: string }

/**
 * Gives one scalar of one document a new value by replacing that scalar's bytes and nothing else, in its own quote
 * style. Refused where that is not possible without a guess: no scalar at the path, an alias, an anchor, a tag, a block
 * scalar, a document that does not parse. The result is read again and must be the old data with just this value.
 *
 * @param documentIndex as in `readDocuments`.
 */
export function setScalar(
  text: string,
  documentIndex: number,
  path: readonly (string | number)[],
  value: ScalarValue,
): Edit {
  const before = readDocuments(text, '')
  if (before.problems.length > 0) return { refused: `the file does not parse: ${before.problems[0]?.message ?? ''}` }
  const document = before.documents.find(({ index }) => index === documentIndex)
  const parsed = document && parsedAgain(text, document)
  if (document === undefined || parsed === undefined) return { refused: `there is no document ${documentIndex}` }
  const node = nodeAt(parsed, path)
  const refused = unfit(node, path)
  if (refused !== undefined) return { refused }
  if (!isScalar(node) || !node.range) return { refused: `${path.join('.')} is no scalar` }

  const start = document.chunk.start + node.range[0]
  const end = document.chunk.start + node.range[1]
  const style = typeof node.value === 'string' ? (node.type as Scalar.Type) : undefined
  const space = start === end && /[:-]/.test(text.charAt(start - 1)) ? ' ' : ''
  const edited = text.slice(0, start) + space + writeScalar(value, style) + text.slice(end)
  const wanted = before.documents.map((old) => (old === document ? withValue(old.value, path, value) : old.value))
  return holds(edited, wanted) ? { text: edited } : { refused: `${path.join('.')} can't be changed by itself` }
}

/** True when a text reads, without a problem, as exactly these documents. */
export function holds(text: string, wanted: readonly Json[]): boolean {
  const after = readDocuments(text, '')
  return (
    after.problems.length === 0 &&
    after.documents.length === wanted.length &&
    after.documents.every((document, nth) => canonicalJson(document.value) === canonicalJson(wanted[nth]))
  )
}

function parsedAgain(text: string, document: YamlDocument): Document | undefined {
  const wanted = canonicalJson(document.value)
  return parseChunk(text, document.chunk).find((parsed) => canonicalJson(parsed.value) === wanted)?.root
}

function unfit(node: Node | undefined, path: readonly (string | number)[]): string | undefined {
  const name = path.join('.')
  if (node === undefined) return `there is no ${name}`
  if (isAlias(node)) return `${name} is an alias`
  if (!isScalar(node)) return `${name} is no scalar`
  if (node.anchor !== undefined) return `${name} has an anchor`
  if (node.tag !== undefined) return `${name} has a tag`
  if (node.type === Scalar.BLOCK_FOLDED || node.type === Scalar.BLOCK_LITERAL) return `${name} is a block of text`
  return undefined
}

function withValue(data: Json, path: readonly (string | number)[], value: ScalarValue): Json {
  const [key, ...rest] = path
  if (key === undefined) return value
  if (Array.isArray(data)) return data.map((item: Json, index) => (index === key ? withValue(item, rest, value) : item))
  if (typeof data !== 'object' || data === null) return data
  const members = Object.entries(data).map(([name, member]) => [
    name,
    name === String(key) ? withValue(member ?? null, rest, value) : member,
  ])
  return Object.fromEntries(members) as Json
}
