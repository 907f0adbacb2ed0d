import { at, isObject, type Json, type JsonObject } from '../lib/json.ts'
import type { PlaceOf } from '../lib/place.ts'
import { Problem } from '../lib/problem.ts'
import { fieldProblem, schemaProblems } from '../resources/schema-problems.ts'
import { readDocuments } from '../yaml/read.ts'
import { type Config, withDerived } from './config.ts'
import { withMember, withoutSecrets } from './describe.ts'
import { attributeOf, flagOf, type Option, OPTIONS, variableOf } from './options.ts'
import { ConfigFile } from './schema.ts'

export interface ConfigInput {
  /** `serin.yaml`; absent when everything comes from variables and flags. */
  readonly file?: { readonly path: string; readonly text: string } | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** The values of flags by `attributeOf` their option. */
  readonly flags: Readonly<Record<string, unknown>>
}

export type LoadedConfig =
  | { readonly config: Config; readonly problems?: undefined }
  | { readonly config?: undefined; readonly problems: readonly Problem[] }

/**
 * The settings: the file's, above them those of `SERIN_*` variables, above them those of flags. Empty variables count
 * as not set. Every fault comes with its place (`file:line:column`, the variable or the flag); no message holds a secret.
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const file = readFile(input.file)
  if (file.problems.length > 0) return { problems: file.problems }
  const { data, placeOf } = overlay(file.value, file.placeOf, input)
  const result = ConfigFile.safeParse(data)
  if (!result.success) {
    const found = schemaProblems(result.error, ConfigFile, withoutSecrets(data), placeOf)
    return { problems: found.map((problem) => hinted(problem)) }
  }
  const config = withDerived(result.data)
  const problems = crossChecks(config, placeOf)
  return problems.length > 0 ? { problems } : { config }
}

/** What is wrong with a configuration file by itself; settings that it leaves to variables and flags are not missed. */
export function configFileProblems(file: { readonly path: string; readonly text: string }): readonly Problem[] {
  const read = readFile(file)
  const address = at(read.value, 'repository', 'url') === undefined ? 'https://localhost/missing' : undefined
  const env = address === undefined ? {} : { SERIN_REPOSITORY_URL: address }
  return loadConfig({ file, env, flags: {} }).problems ?? []
}

interface ReadFile {
  readonly value: JsonObject
  readonly placeOf: PlaceOf
  readonly problems: readonly Problem[]
}

function readFile(file: ConfigInput['file']): ReadFile {
  const nowhere: ReadFile = { value: {}, placeOf: () => 'configuration', problems: [] }
  if (file === undefined) return nowhere
  const { documents, problems } = readDocuments(file.text, file.path)
  const [document, another] = documents
  if (problems.length > 0 || document === undefined) return { ...nowhere, placeOf: () => file.path, problems }
  const { value, placeOf } = document
  if (isObject(value) && another === undefined) return { value, placeOf, problems: [] }
  const message = another === undefined ? 'must be a map' : 'must be one document'
  const place = (another ?? document).placeOf([])
  return { ...nowhere, problems: [new Problem({ kind: 'stalled', code: 'CONFIG_INVALID', message, place })] }
}

/** The file's data with variables and flags laid over it, and where each setting came from. */
function overlay(file: JsonObject, filePlaceOf: PlaceOf, input: ConfigInput): { data: JsonObject; placeOf: PlaceOf } {
  const origins = new Map<string, string>()
  let data = file
  const set = (option: Option, value: Json, origin: string): void => {
    data = withMember(data, option.key.split('.'), value)
    origins.set(option.key, origin)
  }
  for (const option of OPTIONS) {
    const variable = input.env[variableOf(option)]
    if (variable !== undefined && variable !== '') set(option, fromText(variable, option), variableOf(option))
    const flag = flagOf(option)
    const value = flag === undefined ? undefined : input.flags[attributeOf(option)]
    if (flag !== undefined && value !== undefined) set(option, fromFlag(value, option), flag)
  }
  const placeOf: PlaceOf = (path, part) => {
    for (let length = path.length; length > 0; length--) {
      const origin = origins.get(path.slice(0, length).join('.'))
      if (origin !== undefined) return origin
    }
    return filePlaceOf(path, part)
  }
  return { data, placeOf }
}

function fromFlag(value: unknown, option: Option): Json {
  if (Array.isArray(value)) return value.map(String)
  return typeof value === 'string' ? fromText(value, option) : (value as Json)
}

function fromText(text: string, { type }: Option): Json {
  if (type === 'list') return text.split(',').map((item) => item.trim())
  return type === 'number' && /^-?[0-9]+(?:\.[0-9]+)?$/.test(text.trim()) ? Number(text) : text
}

function hinted(problem: Problem): Problem {
  if (problem.code !== 'FIELD_MISSING' || !/^repository(?:\.url)?:/.test(problem.message)) return problem
  const { kind, code, place } = problem
  const hint = 'set it in serin.yaml, as SERIN_REPOSITORY_URL or with --repository-url'
  return new Problem({ kind, code, message: 'repository.url: is missing', place, hint })
}

/** Rules between settings. */
function crossChecks(config: Config, placeOf: PlaceOf): Problem[] {
  const problems: Problem[] = []
  const invalid = (path: readonly string[], message: string): void => {
    problems.push(fieldProblem({ code: 'CONFIG_INVALID', message }, path, placeOf(path)))
  }
  const pairs = [
    ['repository', 'password', 'passwordFile'],
    ['repository', 'token', 'tokenFile'],
    ['forge', 'token', 'tokenFile'],
    ['server', 'webhookSecret', 'webhookSecretFile'],
  ] as const
  for (const [group, value, file] of pairs) {
    const hasBoth = at(config, group, value) !== undefined && at(config, group, file) !== undefined
    if (hasBoth) invalid([group, file], `${group}.${value} is set too: keep one of them`)
  }
  if (config.ledger.branch === config.repository.branch) {
    invalid(['ledger', 'branch'], `is the source branch too: the ledger needs a branch of its own`)
  }
  if (config.forge.kind === 'github' && config.forge.repository === '') {
    invalid(['forge', 'repository'], 'can not be told from repository.url: write owner/name')
  }
  return problems
}
