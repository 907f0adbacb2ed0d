import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  type Node,
  parseAllDocuments,
  visit,
  type YAMLParseError,
} from 'yaml'
import type { Json } from '../lib/json.ts'
import type { Chunk } from './split.ts'
import { kubectlTags } from './tags.ts'

/** A fault in a document, with its offset in the file. */
export interface Fault {
  readonly code: 'YAML_SYNTAX' | 'YAML_DUPLICATE_KEY' | 'YAML_TOO_DEEP'
  readonly message: string
  readonly offset: number
}

/** One document of a chunk as the yaml library holds it, for those who need its positions, and as plain JSON. */
export interface Parsed {
  readonly root: Document
  readonly value: Json
  readonly faults: readonly Fault[]
}

/** Parses one chunk of a file the way kubectl reads it; a document with faults has the value null. Never throws. */
export function parseChunk(text: string, chunk: Chunk): readonly Parsed[] {
  try {
    const documents = parseAllDocuments(text.slice(chunk.start, chunk.end), {
      schema: 'core',
      merge: true,
      prettyErrors: false,
      logLevel: 'silent',
      customTags: kubectlTags,
      uniqueKeys: (a, b) => isScalar(a) && isScalar(b) && String(a.value) === String(b.value),
    })
    return Array.isArray(documents) ? documents.map((root) => toParsed(root, chunk)) : []
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return [failed('YAML_TOO_DEEP', 'nested too deeply', chunk)]
  }
}

/** The node at a path, through aliases' names only: undefined where the path ends early or leads through an alias. */
export function nodeAt(root: Document, path: readonly (string | number)[]): Node | undefined {
  let here: unknown = root.contents
  for (const key of path) {
    if (isMap(here)) here = here.items.find((pair) => keyText(pair.key) === String(key))?.value
    else here = isCollection(here) && typeof key === 'number' ? here.items[key] : undefined
  }
  return isNodeLike(here) ? here : undefined
}

/** The key node of the last step of a path, or undefined when that is no map's key. */
export function keyAt(root: Document, path: readonly (string | number)[]): Node | undefined {
  const parent = nodeAt(root, path.slice(0, -1))
  if (!isMap(parent)) return undefined
  const key: unknown = parent.items.find((pair) => keyText(pair.key) === String(path.at(-1)))?.key
  return isNodeLike(key) ? key : undefined
}

function isNodeLike(node: unknown): node is Node {
  return isScalar(node) || isAlias(node) || isCollection(node)
}

function keyText(key: unknown): string | undefined {
  return isScalar(key) ? String(key.value) : undefined
}

function toParsed(root: Document, chunk: Chunk): Parsed {
  const faults: Fault[] = withoutCascade(root.errors).map((error) => ({
    code: error.code === 'DUPLICATE_KEY' ? 'YAML_DUPLICATE_KEY' : 'YAML_SYNTAX',
    message: sentence(error.message),
    offset: chunk.start + error.pos[0],
  }))
  if (faults.length === 0) faults.push(...badKeys(root, chunk))
  if (faults.length > 0) return { root, value: null, faults }
  try {
    return { root, value: root.toJS({ maxAliasCount: 100 }) as Json, faults }
  } catch (error) {
    if (error instanceof RangeError) return failed('YAML_TOO_DEEP', 'nested too deeply', chunk)
    const message = error instanceof ReferenceError ? error.message : 'can not be read as plain data'
    return failed('YAML_SYNTAX', sentence(message), chunk)
  }
}

/** After a broken piece of syntax the rest of a document reads as broken too; only the first one helps. */
function withoutCascade(errors: readonly YAMLParseError[]): readonly YAMLParseError[] {
  const first = errors.findIndex(({ code }) => code !== 'DUPLICATE_KEY')
  return first < 0 ? errors : errors.slice(0, first + 1)
}

/** Keys that JSON can't have: maps and lists (an unrendered `{{ template }}` reads as one) and nothing at all. */
function badKeys(root: Document, chunk: Chunk): Fault[] {
  const faults: Fault[] = []
  visit(root, {
    Pair: (_, pair) => {
      const key: unknown = pair.key
      if (isScalar(key) && key.value !== null) return
      if (isAlias(key) && isScalar(key.resolve(root))) return
      const offset = isNodeLike(key) ? (key.range?.[0] ?? 0) : 0
      const message = isCollection(key) ? 'a key must be text; is this a template that was not rendered?' : 'empty key'
      faults.push({ code: 'YAML_SYNTAX', message, offset: chunk.start + offset })
    },
  })
  return faults
}

function failed(code: Fault['code'], message: string, chunk: Chunk): Parsed {
  return { root: parseEmpty(), value: null, faults: [{ code, message, offset: chunk.start }] }
}

function parseEmpty(): Document {
  const [document] = parseAllDocuments('null')
  if (document === undefined) throw new Error('the yaml library reads `null` as no document')
  return document
}

/** The library's message in our form: one clause, lower case, no full stop. */
function sentence(message: string): string {
  const line = (message.split('\n')[0] ?? '').replace(/[.:]$/, '')
  return line.charAt(0).toLowerCase() + line.slice(1)
}
