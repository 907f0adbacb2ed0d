import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isObject, stringAt, type Json, type JsonObject } from '../../../src/lib/json.ts'
import { readDocuments } from '../../../src/yaml/read.ts'
import { writeYaml } from '../../../src/yaml/write.ts'

/** A piece of YAML of a seed, as it stands there. */
export interface SeedSnippet {
  /** The seed's number and the line before the snippet's first. */
  readonly place: string
  readonly text: string
}

/** A whole object that a seed shows, or that one of its snippets is a part of. */
export interface SeedExample {
  readonly place: string
  readonly title: string
  readonly text: string
}

/** Every YAML snippet of the seeds: in fences, and, where a seed has lost those, from `apiVersion:` to the next empty line. */
export function seedSnippets(folder: string): readonly SeedSnippet[] {
  return readdirSync(folder)
    .toSorted()
    .filter((name) => name.endsWith('.txt'))
    .flatMap((name) => snippetsOf(name.slice(0, 3), readFileSync(join(folder, name), 'utf8').split('\n')))
}

function snippetsOf(seed: string, lines: readonly string[]): SeedSnippet[] {
  const snippets: SeedSnippet[] = []
  let open: { readonly line: number; readonly isFence: boolean; readonly isYaml: boolean } | undefined
  for (const [index, line] of lines.entries()) {
    const isFence = line.trimStart().startsWith('```')
    if (open === undefined) {
      if (isFence) open = { line: index + 1, isFence, isYaml: /ya?ml/.test(line) }
      else if (line.startsWith('apiVersion:')) open = { line: index, isFence, isYaml: true }
    } else if (open.isFence ? isFence : line.trim() === '') {
      const text = `${lines.slice(open.line, index).join('\n')}\n`
      if (open.isYaml) snippets.push({ place: `${seed}:${open.line}`, text })
      open = undefined
    }
  }
  return snippets
}

/** Snippets that are no object and no part of one, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  '000:298': 'an alerting rule of Prometheus, no Kubernetes object',
  '001:210': 'a status, which Serin writes: the story shows it',
  '001:284': 'the fields of an analysis without values: kubectl explain knows them',
}

/** The indentation that a seed has lost: the column, a digit, of each line that is no comment. */
const COLUMNS: Readonly<Record<string, string>> = {
  '004:43': '000220242266644',
  '004:116': '000220244422444244444244444466466446668',
}

/** The Canary that the snippets with only a `spec:` are about. */
const BASE = '001:11'
/** What the Deployment of the seeds leaves to the reader. */
const CONTAINERS = { spec: { template: { spec: { containers: [{ name: 'podinfod', image: 'podinfo:1' }] } } } }
const INCOMPLETE: Readonly<Record<string, JsonObject>> = { '001:81': CONTAINERS }

/** The objects that the snippets are or are parts of, in their order. Throws for a snippet that is neither nor left out. */
export function seedExamples(snippets: readonly SeedSnippet[]): readonly SeedExample[] {
  const base = snippets.find(({ place }) => place === BASE)
  return snippets.flatMap((snippet) => {
    const { place } = snippet
    if (LEFT_OUT[place] !== undefined) return []
    const text = indented(snippet)
    const value = valueOf(text, place)
    const missing = INCOMPLETE[place]
    if (missing !== undefined) return [example(place, merged(value, missing), 'completed')]
    if (typeof value['kind'] === 'string') return [{ place, title: titleOf(value), text }]
    if (base === undefined || Object.keys(value).join() !== 'spec') throw new Error(`what is ${place}?\n${text}`)
    return [example(place, merged(valueOf(base.text, BASE), value), `with ${keysBelow(value['spec'])}`)]
  })
}

function example(place: string, object: JsonObject, what: string): SeedExample {
  return { place, title: `${titleOf(object)} ${what}`, text: writeYaml(object) }
}

function indented({ place, text }: SeedSnippet): string {
  const columns = COLUMNS[place]
  if (columns === undefined) return text
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  if (lines.length !== columns.length) throw new Error(`${place} has ${lines.length} lines, not ${columns.length}`)
  return lines.map((line, index) => `${' '.repeat(Number(columns[index]))}${line}\n`).join('')
}

function valueOf(text: string, place: string): JsonObject {
  const { documents, problems } = readDocuments(text, place)
  const value = documents[0]?.value
  if (problems[0] !== undefined) throw problems[0]
  if (!isObject(value)) throw new Error(`${place} is no map`)
  return value
}

function titleOf(object: JsonObject): string {
  return `${stringAt(object, 'kind')} of ${stringAt(object, 'apiVersion')}`
}

function keysBelow(value: Json | undefined): string {
  return (isObject(value) ? Object.entries(value) : [])
    .map(([key, below]) => (key === 'service' ? keysBelow(below) : key))
    .join(', ')
}

function merged(base: JsonObject, over: JsonObject): JsonObject {
  const entries = Object.entries(over).map(([key, value]) => {
    const below = base[key]
    return [key, isObject(below) && isObject(value) ? merged(below, value) : value] as const
  })
  return { ...base, ...Object.fromEntries(entries) }
}
